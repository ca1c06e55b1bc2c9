#!/usr/bin/perl
# What customers' clients make of the refusals of an Idempotency-Key: the error
# that each SDK raises, and how often it tries again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $shapes = join '', map { <<"CONF" } qw(problem openai anthropic);
        location /$_/ {
            tollgate_error_shape $_;
            proxy_pass http://backend;
            location /$_/idempotency_mismatch/ {
                tollgate_idempotency one\$no;
                proxy_pass http://backend;
            }
            location /$_/idempotency_in_progress/ {
                tollgate_idempotency \$uri retries=0;
                proxy_pass http://long;
            }
        }
CONF
my $long = '{"long":"' . 'x' x 500 . '"}';
my $t = Tollgate::Edge->begin(conf => <<"CONF", http => <<"HTTP");
        access_log %%DIR%%/access.log calls;
        tollgate on;
        tollgate_feature image.generate;
        set \$no "";
        $shapes
CONF
    log_format calls '\$uri \$tollgate_verdict';
    upstream long { server unix:%%DIR%%/long.sock; }
    server {
        listen unix:%%DIR%%/long.sock;
        default_type application/json;
        location / { limit_rate 100; return 200 '$long'; }
    }
HTTP
my $c = $t->customer(avail => 10_000);

# One account's key "one" is that of this call, whatever else comes with it.
is $t->call($c, 'GET', '/problem/idempotency_mismatch/first')->{status}, 200, 'a first call';
$t->wait_for(sub {
    grep { /:i:/ && $t->r('GET', $_) =~ / done / } @{ $t->r('KEYS', '*') }
}, 'its end');

# verdict, status, type in Anthropic's shape, requests of the one that is refused
my @rows = (['idempotency_mismatch', 422, 'invalid_request_error', 1],
            ['idempotency_in_progress', 409, 'invalid_request_error', 3]);
my %class = (409 => ['ConflictError', 'StripeIdempotencyError'],
             422 => ['UnprocessableEntityError', 'StripeIdempotencyError']);
my @pairs = map { [split m{/}] } qw(openai/problem openai/openai
    anthropic/problem anthropic/anthropic stripe/problem);
my @calls = map {
    my ($verdict) = @$_;
    map { { sdk => $_->[0], key => $c->{key}, ahead => 0, headers => {},
            beside => $verdict =~ /progress/ ? 1 : 0,
            path => "/$_->[1]/$verdict/$_->[0]" } } @pairs
} @rows;
my $file = $t->spew('calls.json', JSON::PP::encode_json(\@calls));
local $ENV{NODE_PATH} = "$Tollgate::build/sdk/node_modules";    # by make sdk
my $out = `timeout 90 node $t->{root}/t/sdk/calls.js $t->{dir}/nginx.sock $file`;
is $?, 0, 'the clients ran';
my $told = JSON::PP->new->utf8->decode($out);
my ($log, %asked) = $t->slurp('access.log');
$asked{"$1 $2"}++ while $log =~ m{^((?:/\w+){3})/\S+ (\w+)$}mg;

for my $row (@rows) {
    my ($verdict, $status, $type, $often) = @$row;

    for my $pair (@pairs) {
        my ($sdk, $shape) = @$pair;
        my ($call, $got) = (shift @calls, shift @$told);
        my $name = "$verdict, $sdk of $shape";

        is "$got->{status} $got->{class}", "$status $class{$status}[$sdk eq 'stripe']",
            "$name: the class of the error";
        is $got->{type}, $type, "$name: its type" if $shape eq 'anthropic';
        like $got->{message}, qr/Idempotency-Key/, "$name: its message explains";
        is $asked{"$call->{path} $verdict"}, $often, "$name: how often it asked";
    }
}

done_testing;
