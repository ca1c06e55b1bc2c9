#!/usr/bin/perl
# Postgres is away until Redis is full: charges are refused and none is lost; once
# it is back the streams are settled and trimmed, and that makes room by itself.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(conf => <<'CONF', worker => { 'settle.idle_ms' => 20 });
    tollgate on;
    tollgate_feature image.generate;
    location / { proxy_pass http://backend; }
CONF
my $c = $t->customer(credits => '100000');
my %headers = (Authorization => "Bearer $c->{key}");
my %status;

sub burst { $status{ $_->{status} }++ for $t->parallel(map { ['POST', '/a', \%headers] } 1 .. $_[0]) }

sub metric {
    my ($name) = @_;

    my $page = Tollgate::Http::request("$t->{dir}/admin.sock", 'GET', '/api/metrics');
    return $page->{body} =~ /^tollgate_$name (\S+)$/m ? $1 : -1;
}

burst(20);
is_deeply \%status, { 200 => 20 }, 'all is well';
$t->settled;
my $price = (100_000 - $t->balance($c)) / 20;

is metric('ledger_stream_lag_entries'), 0, 'and nothing waits';

# What clients have in flight is memory too, so that full is not a line.
sub memory_left {
    my ($left) = @_;

    my ($used) = $t->r('INFO', 'memory') =~ /^used_memory:(\d+)/m;
    $t->r('CONFIG', 'SET', 'maxmemory', $used + $left);

    return;
}

$t->postgres_stop;
memory_left(600_000);
for (1 .. 200) {
    burst(100);
    last if $status{503};
}
memory_left(-200_000);
my $served = $status{200};
is_deeply [sort keys %status], [200, 503], "Redis is full after $served requests, and refuses more";
my $waiting = $t->r('XLEN', Tollgate::ledger_key($c->{account}));
cmp_ok $waiting, '>', 0, "$waiting events wait in its stream";
cmp_ok metric('ledger_stream_lag_entries'), '>=', $waiting, 'which a metric tells';
cmp_ok metric('ledger_shard_lag_entries'), '>=', $waiting, 'and of which shard the most';
my $avail = $t->r('HGET', Tollgate::wallet_key($c->{account}), 'avail');
burst(20);
is $status{200}, $served, 'nobody passes any more';
is $t->r('HGET', Tollgate::wallet_key($c->{account}), 'avail'), $avail, 'and nobody pays';

$t->postgres_start;
$t->wait_for(sub { $t->r('XLEN', Tollgate::ledger_key($c->{account})) == 0 },
             'the stream to be settled and trimmed', 60);
$t->wait_for(sub { $t->get('/a', %headers)->{status} == 200 && ++$served },
             'requests to pass, for there is room again', 60);
$t->settled;
is $t->balance($c), 100_000 - $served * $price, 'each that passed was charged once';
is $t->r('HGET', Tollgate::wallet_key($c->{account}), 'avail') / 1_000_000, $t->balance($c),
    'as the edge has it';
ok $t->verified->{ok}, 'and the proof agrees';

done_testing;
