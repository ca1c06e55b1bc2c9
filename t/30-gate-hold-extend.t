#!/usr/bin/perl
# A metered stream has more credits held for it while it runs; what is refused is
# owed where it isn't cut, and two streams share what there is.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Hold;
use Tollgate::Stream;

my ($t) = begin(['/cut', 'extend=10 cutoff'], ['/on', 'extend=10'],
                ['/soon', 'ttl=1s extend=10']);

# It grows, a question at a time, and is settled at what it told.
my $c = $t->customer(avail => 100);
my ($socket, $backend) = stream($c, '/cut');
is fields($c), '90 10', 'credits are held';
feed($backend, tokens(5));
feed($backend, ': ' . 'x' x 99 . "\n\n");
feed($backend, tokens(1));
$t->wait_for(sub { held($c) == 20 }, 'more to be held');
is fields($c), '80 20', 'more are held as it comes near';
feed($backend, tokens(30));
$t->wait_for(sub { held($c) == 50 }, 'what an event came to');
is fields($c), '50 50', 'and as many as it takes';
feed($backend, usage_told(38));
close $backend;
my ($text, $ended) = rest($socket);
ok $ended && $text =~ /\[DONE\]\n\n\z/, 'it comes to its end';
is settled($c, '62 0'), '62 0', 'and costs what it used';
is +(register($t, $c->{account}, 100_000_000))[0], 6, 'the register adds up';

# Without cutoff it runs on, and what is lacking is owed.
$c = $t->customer(avail => 15);
($socket, $backend) = stream($c, '/on');
refused($backend, tokens(6));
feed($backend, tokens(30) . usage_told(36));
close $backend;
($text, $ended) = rest($socket);
ok $ended, 'without cutoff it runs on';
is settled($c, '0 0'), '0 0', 'all that there is is charged';
is wallet_fields($t, $c->{account}, 'owed'), 21_000_000, 'and the rest is owed';

# Credits that come while it runs; a hold that is gone.
$c = $t->customer(avail => 15);
($socket, $backend) = stream($c, '/soon');
refused($backend, tokens(6));
$t->r('HSET', Tollgate::wallet_key($c->{account}), 'avail', 20_000_000);
ok $t->wait_for(sub { held($c) == 20 }, 'another try'),
    'a refusal is not for ever';
close $socket;
close $backend;
is settled($c, '24 0'), '24 0', 'a client that leaves pays for what came';

$c = $t->customer(avail => 100);
($socket, $backend) = stream($c, '/cut');
my ($id) = map { /^h:(.*)/ }
    @{ $t->r('HKEYS', Tollgate::wallet_key($c->{account})) };
is void_hold($t, $c->{account}, $id), 1, 'a hold is ended by others';
refused($backend, tokens(6));
($text, $ended) = rest($socket);
is "$text$ended", tokens(6) . 0, 'its stream is cut';
is fields($c), '100 0', 'and it costs nothing';

# Two streams of one account share what there is.
$c = $t->customer(avail => 50);
my @streams = map { [stream($c, '/cut')] } 1, 2;
for (1 .. 8) {
    feed($_->[1], tokens(4)) for @streams;
    register($t, $c->{account}, 50_000_000);
}
my @sums = map {
    my ($got, $end) = rest($_->[0]);
    ok !$end, 'one of two is cut';
    4 * (() = $got =~ /\n\n/g);
} @streams;
my $left = 50 - $sums[0] - $sums[1];
cmp_ok $left, '>=', 0, 'together they got no more than there was';
is settled($c, "$left 0"), "$left 0", 'and pay what each got';
register($t, $c->{account}, 50_000_000);


# what nginx -t says
for my $row (['10 cutoff', qr/"cutoff" in "tollgate_hold" .*needs "extend="/],
    ['10 extend=0', qr/invalid parameter "extend=0"/],
    ['10 extend=x', qr/invalid parameter "extend=x"/],
    ['10 extend=1', qr/"extend=" of "tollgate_hold" needs "tollgate_meter"/])
{
    my ($ok, $out) = $t->nginx_test('tollgate_zone z:1m; tollgate_redis unix:/x;'
        . "server { listen unix:$t->{dir}/x.sock; tollgate on;"
        . " tollgate_hold $row->[0]; }");
    ok !$ok, "tollgate_hold $row->[0] is refused";
    like $out, $row->[1], 'with its reason';
}

done_testing;
