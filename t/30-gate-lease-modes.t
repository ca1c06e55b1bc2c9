#!/usr/bin/perl
# Every mode by leases: credits, quotas of subscriptions and hybrids, rates; and
# what only Redis decides on.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Gate;
use Tollgate::Lent;

my $t = Tollgate::Lent->begin(workers => 2, conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        tollgate_lease on;
        location / { proxy_pass http://backend; }
        location /free { tollgate_feature probe; proxy_pass http://backend; }
        location /pro { tollgate_tier pro; proxy_pass http://backend; }
        location /hold { tollgate_hold price; proxy_pass http://backend; }
        location /dry { tollgate dry_run; proxy_pass http://backend; }
        location /idem { tollgate_idempotency on; proxy_pass http://backend; }
CONF
$t->plan('basic', tier => 1, mode => 'subscription', day => 1000, month => 5000);
$t->plan('mixed', tier => 1, mode => 'hybrid', day => 2000, month => 50_000);
$t->plan('fast', tier => 1, key_rate => 10_000, key_burst => 40);
$t->plan('small', tier => 1, key_rate => 10_000, key_burst => 4);

# Requests until so many were decided by leases; those that passed.
sub by_lease {
    my ($customer, $path, $count, $status) = @_;

    my ($n, $before) = (0, $t->decided);
    $t->wait_for(sub {
        $n += grep { $_->{status} == 200 }
            $t->parallel(map { ['GET', $path, $t->auth($customer)] } 1 .. 3);
        $t->decided - $before >= $count;
    }, "$count decisions of a lease");

    return $n;
}

# Of a subscription units are used, of the day and of the month.
my $s = $t->customer(plan => 'basic');
my $n = by_lease($s, '/x', 30);
my $r = $t->call($s, 'GET', '/x');
is $r->{json}{plan}, 'basic', 'the plan is told';
like $r->{headers}{ratelimit}, qr/"day";r=\d+/, 'and what is left of the day';
$n++;
is $t->settled($s), "$n charged, 0 refunded, 0 left", 'a subscription: each is an event';
is $t->field($s, 'day_used'), $n, 'the units of the day are those of requests';
is $t->field($s, 'month_used'), $n, 'and those of the month';
my ($left) = map { $_->{day_left} } ($t->used($s->{account}, $n))[-1];
cmp_ok $left, '>=', 0, 'usage records tell what is left';

# Of a hybrid units, and credits where there are none left.
my $h = $t->customer(plan => 'mixed', avail => 10_000);
by_lease($h, '/x', 30);
$t->settled($h) =~ /^(\d+) charged/;
is $t->field($h, 'day_used'), $1, 'a hybrid uses its quota';
is $t->avail($h), 10_000_000_000, 'and no credits';
$t->r('HSET', Tollgate::wallet_key($h->{account}), day_used => 2000);
my $m = by_lease($h, '/x', 30);
$t->settled($h);
is $t->avail($h), 10_000_000_000 - 10_000_000 * $m, 'credits where it is used up';
is $t->field($h, 'day_used'), 2000, 'and no units';

# A rate holds within its burst and a quarter of it.
my $f = $t->customer(plan => 'fast', avail => 100_000);
my $start = Time::HiRes::time();
$n = by_lease($f, '/x', 40);
my $most = 40 + 10 + (Time::HiRes::time() - $start) * 100 + 1;
cmp_ok $n, '<=', $most, 'a rate lets no more pass by leases';
$t->settled($f) =~ /^(\d+) charged/;
is $1, $n, 'and each is charged';

# What costs nothing passes too, and is no event.
my $z = $t->customer(avail => 100);
by_lease($z, '/free', 5);
is $t->settled($z), '0 charged, 0 refunded, 100 left', 'what is free is free';

# What a lease can't decide on.
my $c = $t->customer(avail => 10_000);
by_lease($c, '/x', 3);
for (['/hold'], ['/dry'], ['/idem', 'Idempotency-Key' => 'one'], ['/pro', 403]) {
    my ($path, @more) = @$_;
    my $before = $t->decided;
    my $status = @more == 1 ? shift @more : 200;
    is $t->call($c, 'GET', $path, @more)->{status}, $status, "$path is answered";
    is $t->decided, $before, 'by Redis';
}
my %not = (
    'a key with rules' => { key => { rules => "method GET\n" } },
    'a named limit' => { l => "1 calls requests 100000 day calendar account * refuse -\n" },
    'a pocket' => { pocket => '0 50000000000 50/4102444800000/* 50000000000',
                    pockets => '' },
    'a low balance' => { low => '80' },
    'a small burst' => { plan => 'small' },
);
for my $what (sort keys %not) {
    my $customer = $t->customer(avail => 100_000, %{ $not{$what} });
    my ($before, $passed, $end) = ($t->decided, 0, Time::HiRes::time() + 0.3);
    while (Time::HiRes::time() < $end) {
        $passed++ if $t->call($customer, 'GET', '/x')->{status} == 200;
    }
    cmp_ok $passed, '>', 0, "$what lets requests pass";
    is $t->decided, $before, 'by Redis';
    is scalar(my @none = $t->leases($customer)), 0, 'and gets no lease';
}

# A revoked key, a suspended account: within a second, though it is in use.
for my $change (
    ['401 key_revoked', 'k:' . key_hash($c->{key}), "$c->{key_id} app_0000000001 revoked 0"],
    ['403 account_suspended', 'state', 'suspended'],
) {
    my ($wanted, $field, $value) = @$change;
    my $customer = $wanted =~ /key/ ? $c : $t->customer(avail => 10_000);
    by_lease($customer, '/x', 5);
    $t->r('HSET', Tollgate::wallet_key($customer->{account}), $field, $value);
    my $since = Time::HiRes::time();
    $t->wait_for(sub {
        my $answer = $t->call($customer, 'GET', '/x');
        "$answer->{status} " . ($answer->{json}{code} // '') eq $wanted
    }, $wanted);
    cmp_ok Time::HiRes::time() - $since, '<', 1, "$wanted within a second";
    $t->settled($customer);
    is $t->held($customer), 0, 'and what was lent returns';
}

done_testing;
