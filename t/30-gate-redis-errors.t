#!/usr/bin/perl
# Redis answers errors: requests are refused as undecided, nothing is charged,
# the log says what to do, and a lost script is loaded again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(
    redis => { 'enable-protected-configs' => 'yes' }, conf => <<'CONF');
        tollgate on;
        tollgate_timeout 5s;
        tollgate_feature image.generate;
        location / { proxy_pass http://backend; }
        location /open {
            tollgate_on_error open;
            proxy_pass http://backend;
        }
CONF
my $c = $t->customer(avail => 1000);
is $t->call($c, 'GET', '/')->{status}, 200, 'all is well';

# what is done to Redis, how it is made good, what the log says
my $wallet = Tollgate::wallet_key($c->{account});
my @rows = (
    ['out of memory', sub { $t->r('CONFIG', 'SET', 'maxmemory', 1) },
     sub { $t->r('CONFIG', 'SET', 'maxmemory', 0) }, qr/OOM.*hint.*maxmemory/],
    ['a replica', sub { $t->r('REPLICAOF', '127.0.0.1', 1) },
     sub { $t->r('REPLICAOF', 'NO', 'ONE') }, qr/READONLY.*hint.*replica/],
    ['a replica without its master', sub {
         $t->r('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
         $t->r('REPLICAOF', '127.0.0.1', 1);
     }, sub {
         $t->r('REPLICAOF', 'NO', 'ONE');
         $t->r('CONFIG', 'SET', 'replica-serve-stale-data', 'yes');
     }, qr/MASTERDOWN.*hint/],
    ['a disk that is full', sub {
         $t->r('CONFIG', 'SET', 'dir', '/proc');
         $t->r('CONFIG', 'SET', 'save', '1000000 1000000');
         $t->r('SET', 'x', 1);
         eval { $t->r('BGSAVE') };
         $t->wait_for(sub {
             $t->r('INFO', 'persistence') =~ /last_bgsave_status:err/
         }, 'a failed save');
     }, sub { $t->r('CONFIG', 'SET', 'save', '', 'dir', $t->{dir}) },
     qr/MISCONF.*hint/],
    ['a wallet of another type', sub {
         $t->r('RENAME', $wallet, 'kept');
         $t->r('SET', $wallet, 'x');
     }, sub { $t->r('RENAME', 'kept', $wallet) }, qr/WRONGTYPE.*hint/],
    ['a long script of another', sub {
         $t->r('CONFIG', 'SET', 'busy-reply-threshold', 1);
         my $busy = IO::Socket::UNIX->new(Peer => "$t->{dir}/redis.sock");
         syswrite $busy, "*3\r\n\$4\r\nEVAL\r\n\$18\r\nwhile true do end \r\n"
             . "\$1\r\n0\r\n";
         $t->{busy} = $busy;
         $t->wait_for(sub {
             my $r = $t->r_try('PING');
             ref $r && $$r =~ /BUSY/
         }, 'Redis to be busy');
     }, sub { $t->r('SCRIPT', 'KILL'); close delete $t->{busy} },
     qr/BUSY.*hint/],
);

for my $row (@rows) {
    my ($what, $break, $mend, $log) = @$row;

    my $before = $t->avail($c);
    my $second = time;
    $t->wait_for(sub { time > $second }, 'the next second, for the log');
    my $from = length $t->error_log;
    $break->();
    my @answers = map { $t->call($c, 'GET', '/') } 1 .. 3;
    my $open = $t->call($c, 'GET', '/open');
    $mend->();

    is join(' ', map { "$_->{status} $_->{json}{code}" } @answers),
        join(' ', ('503 store_unreachable') x 3),
        "$what: requests are refused";
    is $answers[0]{headers}{'retry-after'}, 1, "$what: for a moment";
    unlike $answers[0]{body}, $log, "$what: the client is not told of it";
    is "$open->{status} $open->{json}{account}", '200 ',
        "$what: failing open they pass";

    $t->wait_for(sub { $t->call($c, 'GET', '/')->{status} == 200 },
                 "$what: to be over");
    is $before - $t->avail($c), 10_000_000,
        "$what: only what passed is charged";
    my $text = substr $t->error_log, $from;
    like $text, $log, "$what: the log says so, with a hint";
    is scalar(() = $text =~ /connected to redis/g), 0,
        "$what: the connection is kept";
}

# scripts are lost
for my $n (1 .. 3) {
    $t->r('SCRIPT', 'FLUSH');
    my @all = $t->parallel(
        map { ['GET', '/', { 'X-API-Key' => $c->{key} }] } 1 .. 20);
    is scalar(grep { $_->{status} == 200 } @all), 20,
        "scripts that were flushed are loaded again, and nobody notices ($n)";
}
is $t->avail($c), (1000 - 10 * (1 + @rows + 60)) * 1_000_000,
    'each request was charged once';

# the connection is cut
$t->r('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
$t->wait_for(sub { $t->call($c, 'GET', '/')->{status} == 200 },
             'the gate to connect again');
is scalar(() = $t->error_log =~ /connected to redis/g), 2,
    'a connection that was cut is made again';

done_testing;
