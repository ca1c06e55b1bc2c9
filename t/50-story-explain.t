#!/usr/bin/perl
# tollgate explain: what became of a request and why, from the gate through the
# worker, for every rule that can decide.

use strict;
use warnings;

use lib 't/lib';
use Cli;
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(workers => 1, conf => <<'CONF',
        tollgate on;
        tollgate_feature $arg_feature;
        tollgate_model $arg_model;
        add_header X-Id $tollgate_request_id always;
        location / { proxy_pass http://backend; }
        location /cost { tollgate_cost $arg_cost; proxy_pass http://backend; }
        location /dry { tollgate dry_run; proxy_pass http://backend; }
        location /open { tollgate_on_error open; proxy_pass http://backend; }
CONF
    backend => 'if ($arg_status = 500) { return 500 "failed\n"; }
                return 200 "ok\n";');
my $cli = Cli->new($t, "$t->{dir}/admin.sock");
$t->must('PUT', '/api/plans/slow', { name => 'Slow', tier => 'free',
    mode => 'payg', price => '1.00', currency => 'THB', interval => 'month',
    key_rate => '0.001', key_burst => 1, app_burst => 1 });
$t->must('PUT', '/api/plans/two', { name => 'Two', tier => 'free',
    mode => 'subscription', price => '1.00', currency => 'THB',
    interval => 'month', day_units => 2, key_burst => 1, app_burst => 1 });
my ($c, $poor) = ($t->customer(credits => 100), $t->customer(credits => 4));
my ($slow, $two) = ($t->customer(plan => 'slow'), $t->customer(plan => 'two'));
my ($capped, $few) = ($t->customer(credits => 100), $t->customer(plan => 'two'));
my ($off, $gone, $late, $held) = map { $t->customer } 1 .. 4;
$t->must('PUT', "/api/accounts/$off->{account}/state", { state => 'suspended' });
$t->must('DELETE', "/api/keys/$gone->{key_id}");
$t->mirrored;
my $hash = Digest::SHA::sha256_hex($late->{key});
$t->r('HSET', Tollgate::wallet_key($late->{account}), "k:$hash",
      "$late->{key_id} $late->{app} active 1000");
$t->r('HSET', Tollgate::wallet_key($held->{account}), "a:$held->{app}", 'suspended');
$t->r('HSET', Tollgate::wallet_key($capped->{account}), 'l',
      '1 spend credits 5000000 life - account * refuse -');
$t->r('HSET', Tollgate::wallet_key($few->{account}), 'l',
      '2 few units 0 day calendar account * refuse -');
my $nobody = { key => Tollgate::make_key('0' x 10, 'x' x 32) };

# The id of a request, which is sent while Redis hangs where it is to.
sub sent {
    my ($customer, $path, $hangs) = @_;

    kill 'STOP', $t->{redis_pid} if $hangs;
    my $r = $t->get($path, $customer ? ('X-API-Key' => $customer->{key}) : ());
    kill 'CONT', $t->{redis_pid} if $hangs;

    return $r->{headers}{'x-id'};
}

$t->wait_for(sub { $t->call($c, 'GET', '/')->{status} == 200
    && $t->call($c, 'GET', '/?feature=none')->{status} == 403 }, 'the gate');
sent(@$_) for [$slow, '/'], map { [$two, '/?feature=video.view'] } 1, 2;
my $image = '?feature=image.generate';

# name, customer, path, and members of the answer with what they match
my @rows = (
    ['pass', $c, "/$image", rule => 'credits', cost => 10, charged => 10,
     balance_before => 100, balance_after => 90, plan => 'payg',
     feature => 'image.generate', said => qr/it was charged/],
    ['pass', $c, '/', rule => 'free', charged => 0, cost => 0],
    ['pass', $c, "/$image&status=500", rule => 'credits', refunded => 1,
     status => 500, said => qr/outcome \(500\) is not charged.*given back/],
    ['pass', $c, "/dry$image", dry_run => 1, charged => 10, said => qr/dry run/],
    ['pass_open', $c, "/open$image", rule => qr/on_error open/, cost => 10,
     charged => 0, account => $c->{account}, key => $c->{key_id}],
    ['store_unreachable', $c, "/$image", rule => 'store', to_pass => qr/again/],
    ['key_missing', undef, '/', rule => 'key', to_pass => qr/Bearer/, store_ms => undef],
    ['key_malformed', { key => 'x' }, '/', rule => 'key'],
    ['cost_invalid', $c, '/cost?cost=much', rule => 'price'],
    ['feature_unknown', $c, '/?feature=none', rule => 'price'],
    ['model_unknown', $c, '/?model=no:ne', rule => 'price'],
    ['key_unknown', $nobody, '/', rule => 'key', account => undef],
    ['key_revoked', $gone, '/', rule => 'key', account => $gone->{account},
     to_pass => qr/keys create/],
    ['key_expired', $late, '/', rule => 'key'],
    ['account_suspended', $off, '/', to_pass => qr/set-state $off->{account} active/],
    ['app_suspended', $held, '/', rule => 'app'],
    ['tier_required', $c, '/?model=video-generator:veo-3', tier_needed => 'pro',
     rule => 'tier', to_pass => qr/^tier pro: .*set-plan $c->{account} premium$/],
    ['rate_limited', $slow, '/', limit => 'key_rate', wait_ms => qr/^\d{6}$/,
     to_pass => qr/^wait \d+ ms, .* key_rate than slow has/],
    ['quota_exceeded', $two, "/$image", limit => 'day', day_left => 0, cost_units => 1,
     to_pass => qr/^1 units of the day are needed and 0 were left: wait until \d+-.*T00:00/],
    ['cap_reached', $capped, "/$image", limit => 'spend', rule => 'limits',
     to_pass => qr/^a higher limit "spend", which will not/],
    ['quota_exceeded', $few, "/$image", limit => 'few', to_pass => qr/^a higher limit "few"/],
    ['credits_exhausted', $poor, "/$image", balance_after => 4, charged => 0,
     to_pass => qr/^6 credits more: .*grant $poor->{account} 6$/],
);
my @ids = map { sent(@$_[1, 2], $_->[0] =~ /open|unreachable/) } @rows;
my $lost = sent($c, "/$image");
$t->script('void', [Tollgate::wallet_key($c->{account}),
    Tollgate::ledger_key($c->{account})], [$c->{account}, $lost]);
$t->wait_for(sub { $t->sql(q{select count(*) from usage_event
    where request_id = $1}, $lost) }, 'the last record', 20);
$t->settled;

my %answer;
for my $n (0 .. $#rows) {
    my ($verdict, undef, $path, %told) = @{ $rows[$n] };
    my $answer = $cli->run('explain', $ids[$n], '-o', 'json')->{json};
    push @{ $answer{$verdict} }, $answer;
    is $answer->{verdict}, $verdict, "$path: $verdict";
    for my $member (sort keys %told) {
        ref $told{$member} ? like $answer->{$member}, $told{$member}, "its $member"
                           : is $answer->{$member}, $told{$member}, "its $member";
    }
    $verdict =~ /^pass/ ? is $answer->{to_pass}, undef, 'it needs no advice'
                        : like $answer->{to_pass}, qr/\w/, 'it has advice';
}

sub posted { return join ' ', map { $_->{kind} . ($_->{txn} ? '=' : '') } @{ $_[0]{ledger} } }

is posted($answer{pass}[0]), 'charge=', 'a charge has its transaction';
like posted($answer{pass}[2]), qr/^charge=? refund=?$/, 'a refund is there beside it';
is posted($answer{pass}[3]), '', 'a dry run is in no books';
is posted($answer{pass_open}[0]), 'unpaid=', 'what is owed has its transaction';
my $void = $cli->run('explain', $lost, '-o', 'json')->{json};
is posted($void), 'charge= void=', 'so has what was voided';
like $void->{said} . $void->{ledger}[1]{said}, qr/reply was lost.*by command \d+/,
    'with the command that gives it back';

my $run = $cli->run('explain', $ids[-1]);
like $run->{out}, qr/^VERDICT +credits_exhausted\nWHY +the account had too few/m,
    'people get it in words';
unlike $run->{out}, qr/^MODEL/m, 'without what there is not';
like $cli->run('explain', $lost)->{out}, qr/^LEDGER .*\ncharge .*\nvoid /m,
    'and what the ledger has';
$run = $cli->run('explain', 'f' x 32);
is $run->{status}, 3, 'what is not known ends with 3';
like $run->{err}, qr/hint: records come a second or two after/, 'and a hint';

# every verdict has its words
my ($table) = join ' ', sort map { $_->[0] } $t->sql('select code from api.verdict_table()');
is $table, join(' ', sort grep { $_ ne 'off' }
    $t->slurp("$t->{root}/redis/verdict_table.h") =~ /^VERDICT\(\w+,\s*"(\w+)"/mg),
    'each verdict can be explained';

done_testing;
