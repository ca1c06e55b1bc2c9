#!/usr/bin/perl
# What a request is estimated to cost, the tokens in its usage record, and what
# nginx -t says of tollgate_meter.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Llm;

push @Tollgate::Edge::CATALOG, 'tokens app:standard 2000000 1000000 8000001';

my $t = Tollgate::Edge->begin(http => <<'HTTP', conf => <<'CONF');
    tollgate_json $model model;
    tollgate_json $max max_tokens;
    tollgate_json $max_new max_completion_tokens;
HTTP
        tollgate on;
        tollgate_model app:$model;
        tollgate_meter auto max_tokens=$max$max_new;
        location / {
            tollgate_cost $tollgate_estimate;
            proxy_pass http://backend;
        }
        location /plain/ {
            tollgate_cost $tollgate_estimate;
            tollgate_meter openai;
            proxy_pass http://backend;
        }
        location /off/ {
            tollgate_cost $tollgate_estimate;
            tollgate_meter off;
            proxy_pass http://backend;
        }
        location /hand/ { proxy_pass http://unix:%%DIR%%/hand.sock; }
CONF
my $listener = $t->listener('hand');
my $c = $t->customer(avail => 1_000_000);

sub estimated {
    my ($path, $body) = @_;

    my $answer = Tollgate::Http::request("$t->{dir}/nginx.sock", 'POST', $path,
        { Authorization => "Bearer $c->{key}",
          'Content-Type' => 'application/json' }, $body);
    return $answer->{headers}{'tollgate-cost'} // $answer->{json}{code};
}

sub credits { return sprintf('%.6f', $_[0] / 1e6) =~ s/0+\z//r }

# tokens of input: a fourth of the bytes, rounded up; at 2 and 8.000001
my $model = '{"model":"standard"';
my @rows = (
    [qq($model,"max_tokens":100}), 100],
    [qq($model,"max_tokens":0}), 0],
    [qq($model,"max_completion_tokens":7}), 7],
    [qq($model}), 4096],
    [qq($model,"max_tokens":1,"x":") . 'x' x 4000 . '"}', 1],
);
for my $row (@rows) {
    my ($body, $output) = @$row;
    my $input = int((length($body) + 3) / 4);
    my $micro = $input * 2 + $output * 8;
    $micro += $output > 0 ? 1 : 0;      # the millionths, rounded up
    is estimated('/', $body), credits($micro), "$input and at most $output tokens";
}
is estimated('/plain/', qq($model,"max_tokens":100})),
    credits(10 * 2 + 4096 * 8 + 1), 'a limit that nobody names';
for my $max ('-1', '1.5', '"x"', '1000000000001', 'true') {
    is estimated('/', qq($model,"max_tokens":$max})), 'cost_invalid',
        "no estimate of $max tokens";
}
is estimated('/off/', $model . '}'), 'cost_invalid', 'nor without a meter';
is estimated('/', '{"model":"pro"}'), 'cost_invalid',
    'nor of a model that has no price of tokens';

# usage records
for my $name ('chat', 'messages-stream', undef) {
    my $socket = $t->send_request($c, 'POST', '/hand/',
        'Content-Type' => 'application/json', 'Content-Length' => 20);
    print {$socket} "$model}";
    $socket->flush;
    my ($backend) = $t->accepted($listener);
    print {$backend} $name ? join '', Tollgate::Llm::answer($name)
                           : "HTTP/1.0 200 OK\r\n\r\n";
    close $backend;
    Tollgate::Http::read_response($socket);
}
my $count = 0;
$t->wait_for(sub { ($count = () = $t->usage($c->{account})) >= 9 }, 'records');
my @records = $t->usage($c->{account});
is join('; ', map { join ' ', @$_{qw(tokens_input tokens_cached tokens_output)} }
        @records[-3 .. -1]), '15 4 10; 25 8 15; -1 -1 -1',
    'the tokens stand in the usage records';

# what nginx -t says
for my $row (['yes', qr/invalid value "yes".*"openai"/],
    ['auto on_abort=never', qr/invalid parameter "on_abort=never"/],
    ['auto max=1', qr/invalid parameter "max=1"/],
    ['auto max_tokens=1 max_tokens=2', qr/invalid parameter "max_tokens=2"/],
    ['off on_abort=hold', qr/invalid parameter "on_abort=hold"/],
    ['auto; tollgate_meter off', qr/is duplicate/])
{
    my ($ok, $out) = $t->nginx_test("tollgate_meter $row->[0];");
    ok !$ok, "tollgate_meter $row->[0] is refused";
    like $out, $row->[1], 'with its reason';
}

done_testing;
