#!/usr/bin/perl
# Calls of language models by the clients of OpenAI and Anthropic: an estimate is
# held, and tokens times prices are what the ledger has, to the micro-credit.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Math::BigInt;
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(http => <<'HTTP', conf => <<'CONF');
    tollgate_json $model model;
    tollgate_json $max_tokens max_tokens;
    tollgate_json $max_output_tokens max_output_tokens;
HTTP
        tollgate on;
        tollgate_model poster-editor:$model;
        tollgate_meter auto max_tokens=$max_tokens$max_output_tokens;
        tollgate_hold $tollgate_estimate;
        proxy_http_version 1.1;
        location / { proxy_pass http://unix:%%DIR%%/llm.sock; }
        location /now/ {
            proxy_buffering off;
            proxy_pass http://unix:%%DIR%%/llm.sock;
        }
        location /drain/ {
            tollgate_meter auto max_tokens=$max_tokens on_abort=drain;
            proxy_buffering off;
            proxy_pass http://unix:%%DIR%%/llm.sock;
        }
CONF

# input, cached input and output of a million tokens, in micro-credits
my @price = (35_000_001, 8_750_000, 1_050_000_000);
my $model = 'poster-editor:inpaint-standard';
my %list = (prices => [
    { model => $model, unit => 'input_token', credits => '35.000001', per => '1000000' },
    { model => $model, unit => 'cached_input_token', credits => '8.75', per => '1000000' },
    { model => $model, unit => 'output_token', credits => '1.05', per => '1000' },
]);
my $preview = $t->must('POST', '/api/prices/preview', \%list);
$t->must('POST', '/api/prices', { %list, version => $preview->{version} });
my $c = $t->customer(credits => '1000');
$t->wait_for(sub { ($t->r('HGET', 'tg:catalog', 'body') // '')
    =~ /^tokens\t\Q$model\E\t35000001\t8750000\t1050000000$/m }, 'prices at the edge');
my $probe = sub { $t->get('/x')->{status} == 401 };
$t->wait_for($probe, 'the gate');

my (@calls, @used);
for my $api (qw(chat responses messages)) {
    for my $path ('', '/now') {
        for my $stream (0, 1) {
            for my $n (1 .. 3) {
                # the last of the three comes to more than was held
                my @tokens = (17 * $n, 100 * $n + 1, $n < 3 ? 211 * $n : 5000);
                push @calls, { api => $api, path => $path, stream => $stream,
                    key => $c->{key}, model => 'inpaint-standard', used => "@tokens" };
                push @used, \@tokens;
            }
        }
    }
}
for my $api (qw(chat messages)) {
    push @calls, { api => $api, path => '/drain', stream => 1, leave => 1,
        key => $c->{key}, model => 'inpaint-standard', used => '900 70 800' };
    push @used, [900, 70, 800];
}

my $file = $t->spew('calls.json', JSON::PP::encode_json(\@calls));
local $ENV{NODE_PATH} = "$Tollgate::build/sdk/node_modules";    # by make sdk
my $out = `timeout 60 node $t->{root}/t/sdk/tokens.js $t->{dir}/nginx.sock $t->{dir}/llm.sock $file`;
is $?, 0, 'the clients ran';
my $told = JSON::PP->new->utf8->decode($out);

for my $i (0 .. $#calls) {
    my ($call, $got) = ($calls[$i], $told->[$i]);
    my ($input, $cached, $output) = @{ $used[$i] };
    my $name = "$call->{api}$call->{path}" . ($call->{stream} ? ', streamed' : '');

    if ($call->{leave}) {
        ok $got->{left}, "$name: the client leaves";
        next;
    }
    is $got->{error}, undef, "$name: no error";
    is $got->{completion_tokens} // $got->{output_tokens}, $output,
        "$name: the client is told what was used";
}

# what each costs is rounded up by itself
my $sum = Math::BigInt->new(0);
for my $tokens (@used) {
    my $exact = Math::BigInt->new(0);
    $exact += Math::BigInt->new($tokens->[$_]) * $price[$_] for 0 .. 2;
    $sum += ($exact + 999_999) / 1_000_000;
}
my $left = 1_000_000_000 - $sum;
$t->wait_for(sub { $t->r('HGET', Tollgate::wallet_key($c->{account}), 'avail') == $left
    }, 'commits');
$t->settled;
is $t->r('HGET', Tollgate::wallet_key($c->{account}), 'avail'), $left,
    'tokens times prices are gone, to the micro-credit';
is $t->r('HGET', Tollgate::wallet_key($c->{account}), 'held') // 0, 0, 'and nothing is held';
is $t->balance($c), sprintf('%.6f', "$left" / 1e6) =~ s/0+\z//r, 'the ledger has the same';
my $verified = $t->verified;
ok $verified->{ok}, 'edge and books agree' or diag explain $verified;

is scalar $t->sql('select count(*) from usage_event where account = $1', $c->{account}),
    scalar @calls, 'each has a usage record';
is_deeply [$t->sql('select sum(tokens_input), sum(tokens_cached), sum(tokens_output),
    sum(credits) from usage_event where account = $1', $c->{account})],
    [[(map { my $n = $_; my $all = 0; $all += $_->[$n] for @used; $all } 0 .. 2), "$sum"]],
    'of all its tokens and what they came to';

done_testing;
