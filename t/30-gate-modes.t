#!/usr/bin/perl
# payg, subscription and hybrid at the edge: who pays with credits, who with
# quota, and who is refused, to the last unit.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        location / { proxy_pass http://backend; }
        location /two {
            tollgate_model app:standard;
            proxy_pass http://backend;
        }
CONF

$t->plan('subscription', mode => 'subscription', day => 3, month => 100);
$t->plan('monthly', mode => 'subscription', day => -1, month => 2);
$t->plan('hybrid', mode => 'hybrid', day => 3, month => 100);

# plan, credits, path, statuses of calls in order, credits left, units used
my @rows = (
    ['payg', 30, '/', [200, 200, 200, 402, 402], 0, undef],
    ['payg', 0, '/', [402], 0, undef],
    ['payg', 19, '/two', [402], 19, undef],
    ['subscription', 0, '/', [200, 200, 200, 429, 429], 0, 3],
    ['subscription', 500, '/', [200, 200, 200, 429], 500, 3],
    ['subscription', 0, '/two', [200, 429, 429], 0, 2],
    ['monthly', 500, '/', [200, 200, 429], 500, 2],
    ['hybrid', 20, '/', [200, 200, 200, 200, 200, 402, 402], 0, 3],
    ['hybrid', 0, '/two', [200, 402], 0, 2],
    ['hybrid', 20, '/two', [200, 200, 402], 0, 2],
);

my %code = (200 => undef, 402 => 'credits_exhausted', 429 => 'quota_exceeded');
for my $row (@rows) {
    my ($plan, $credits, $path, $statuses, $left, $used) = @$row;

    my $c = $t->customer(plan => $plan, avail => $credits);
    my $passed = grep { $_ == 200 } @$statuses;
    my $what = "$plan with $credits credits at $path";
    my ($trace, @answers);

    for my $status (@$statuses) {
        $trace = snapshot($t, $c->{account}) if $status != 200 && !$trace;
        push @answers, $t->call($c, 'GET', $path);
    }

    is_deeply [map { $_->{status} } @answers], $statuses,
        "$what: $passed of " . @$statuses . ' pass';
    is_deeply [map { $_->{json}{code} } @answers],
        [map { $code{$_} } @$statuses], "$what: refused with its code";
    is snapshot($t, $c->{account}), $trace, "$what: a refusal leaves no trace";
    is $t->avail($c), $left * 1e6, "$what: $left credits are left";
    is $t->r('HGET', Tollgate::wallet_key($c->{account}), 'day_used'), $used,
        "$what: " . ($used // 'no') . ' units are used' ;
    is scalar events($t, $c->{account}), $passed, "$what: an event a charge";
}

# one unit left of two that the request needs
my $c = $t->customer(plan => 'hybrid', avail => 20);
is $t->call($c, 'GET', '/two')->{status}, 200, 'two of three units are used';
is $t->call($c, 'GET', '/two')->{status}, 200,
    'one unit is not enough for the next: it takes credits';
is $t->avail($c), 0, 'all of them';
is $t->call($c, 'GET', '/')->{status}, 200,
    'and the unit that is left pays a smaller request';

# yesterday's units don't count
my $yesterday = 86400 * int(time / 86400 - 1);
my $old = $t->customer(plan => 'subscription', day => $yesterday,
                       day_used => 3, month => 0, month_used => 100);
is $t->call($old, 'GET', '/')->{status}, 200,
    'units of windows that are over are not counted';
is $t->r('HGET', Tollgate::wallet_key($old->{account}), 'day_used'), 1,
    'the new window has this one';

done_testing;
