#!/usr/bin/perl
# What the gate tells a customer by itself is what the worker's API tells, once
# everything is settled.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin;
$t->must('PUT', '/api/plans/tight', { name => 'Tight "one"', tier => 'basic',
    mode => 'subscription', price => '1', day_units => 3, month_units => 1,
    public => JSON::PP::false });
$t->must('PUT', '/api/plans/mixed', { name => 'Mixed', tier => 'basic',
    mode => 'hybrid', price => '9', day_units => 2, month_units => 50 });
my %c = map { $_ => $t->customer(plan => $_, name => $_, credits => '45.5') }
    qw(free basic premium enterprise tight mixed);
$c{payg} = $t->customer(credits => '60', name => 'payg');

sub edge { return $t->call($_[0], 'GET', $_[1])->{json} }

# The same from the worker, through its socket for customers.
sub worker {
    my ($customer, $path) = @_;

    my $r = Tollgate::Http::request("$t->{dir}/api.sock", 'GET', $path,
        { Authorization => "Bearer $customer->{key}" });
    return $r->{json};
}

my @apps = map { $_->{id} } @{ worker($c{free}, '/api/apps')->{data} };
my %reasons;

sub agree {
    my ($when) = @_;

    for my $plan (sort keys %c) {
        my $edge;
        $t->wait_for(sub {
            $edge = edge($c{$plan}, '/api/quota/status');
            $edge->{plan} && $edge->{plan_name};
        }, "the catalog with $plan");
        is join(' ', map({ ref delete $edge->{$_} } qw(rates limits)),
                delete $edge->{held}), 'ARRAY ARRAY 0',
            "$when: the gate answers for $plan";
        is_deeply $edge, worker($c{$plan}, '/api/quota/status'),
            "$when: quota of $plan";
        is_deeply edge($c{$plan}, '/api/apps'), worker($c{$plan}, '/api/apps'),
            "$when: apps for $plan";
        for my $app (@apps) {
            my $models = edge($c{$plan}, "/api/apps/$app/models");
            delete @$models{qw(upgrade_url topup_url)};
            is_deeply $models, worker($c{$plan}, "/api/apps/$app/models"),
                "$when: $app for $plan";
            $reasons{ $_->{lock_reason} // 'none' }++ for @{ $models->{data} };
        }
    }

    return;
}

$t->settled;
agree('at first');
for my $plan (sort keys %c) {
    $t->call($c{$plan}, 'POST', '/poster-editor/quick-edit') for 1 .. 3;
    $t->call($c{$plan}, 'POST', '/video-mixer/generate');
}
$t->settled;
agree('after some use');
is_deeply [sort keys %reasons],
    [qw(credits_exhausted none quota_exhausted tier_too_low)],
    'with every reason there is';

my ($edge, $worker) = (edge($c{free}, '/api/apps/nosuch%22/models'),
                       worker($c{free}, '/api/apps/nosuch%22/models'));
is_deeply $edge, $worker, 'and the same refusal';
ok $t->verified->{ok}, 'nothing of it is in the books';

done_testing;
