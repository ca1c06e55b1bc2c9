#!/usr/bin/perl
# What a customer sees of plans, quotas and models.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
$b->call('catalog_put', decode_json($b->slurp("$b->{root}/demo/catalog.json")));
$b->call('plan_put', { %$_, plan => $_->{code} })
    for @{ decode_json($b->slurp("$b->{root}/demo/plans.json")) };
$b->call('plan_put', { plan => 'basic', day_units => 100, month_units => 2000 });
$b->call('plan_put', { plan => 'deal', name => 'Deal', tier => 'pro', price => '1',
                       public => JSON::PP::false });

my $account = $b->account(100);
my $own = { _account => $account, _actor => 'key:key_0000000001' };

is_deeply [map { $_->{code} } @{ $b->call('subscription_plans', $own)->{data} }],
    [qw(free basic premium enterprise)], 'public plans, lowest tier first';
my $status = $b->call('subscription_status', $own);
is "$status->{plan}{code} $status->{balance}", 'payg 100', 'the plan and balance';
is $status->{period_end}, undef, 'without a subscription no period';
$b->call('account_set_plan', { account => $account, plan => 'basic' });
like $b->call('subscription_status', $own)->{period_end}, qr/Z$/, 'with one there is';

# Noon of the last day of January 2027.
$b->sql('select lib.clock_freeze(to_timestamp(1801396800))');
$b->settle([charge => $account, 2, 0, units => 3, at => 1801396800],
           [charge => $account, 3, 0, units => 2, at => 1801310400]);
my %window = map { $_->{window} => $_ }
    @{ $b->call('quota_status', $own)->{windows} };
is_deeply $window{day}, { window => 'day', limit => 100, used => 3, remaining => 97,
    resets_at => '2027-02-01T00:00:00Z' }, 'units of the day';
is_deeply $window{month}, { window => 'month', limit => 2000, used => 5,
    remaining => 1995, resets_at => '2027-02-01T00:00:00Z' }, 'and of the month';
$b->sql('select lib.clock_freeze(to_timestamp(1801440000))');
is_deeply [map { $_->{used} } @{ $b->call('quota_status', $own)->{windows} }], [0, 0],
    'which begin anew';
$b->call('account_set_plan', { account => $account, plan => 'enterprise' });
is_deeply [@{ $b->call('quota_status', $own)->{windows}[0] }{qw(limit remaining)}],
    [undef, undef], 'no limit is null, and so is what remains of it';
$b->call('account_set_plan', { account => $account, plan => 'basic' });

my %app = map { $_->{id} => $_->{models} } @{ $b->call('apps', $own)->{data} };
is_deeply \%app, { 'video-generator' => 2, 'poster-editor' => 3, 'video-mixer' => 1,
                   'carousel-mix' => 1, 'looping-flow' => 1 }, 'apps and their models';
my %model = map { $_->{modelKey} => $_ }
    @{ $b->call('app_models', { %$own, appId => 'poster-editor' })->{data} };
ok !$model{'poster-editor:inpaint-standard'}{locked}, 'a model of a lower tier is open';
is $model{'poster-editor:inpaint-standard'}{credits}, '10', 'at the price of its feature';
my $locked = $model{'poster-editor:inpaint-pro'};
ok $locked->{locked}, 'one of a higher tier is locked';
is $locked->{required_plan}, 'premium',
    'until the cheapest public plan that opens it';
is $b->call_error('app_models', { %$own, appId => 'none' }), 'PT404 app_not_found',
    'an unknown app is refused';

# Why a model is locked: plan, tier, credits, units of it, and what is told.
$b->call('plan_put', { plan => 'few', name => 'Few', tier => 'basic', price => '2',
                       mode => 'subscription', day_units => 5, month_units => 8 });
$b->call('plan_put', { plan => 'both', name => 'Both', tier => 'basic', price => '3',
                       mode => 'hybrid', day_units => 5, month_units => 8 });
my $buyer = $b->account(10);
$b->settle([charge => $buyer, 2, 0, units => 3, at => 1801440000]);
for my $row (
    ['payg', 0, 10, 99, ''], ['payg', 0, 10.5, 0, 'credits_exhausted||500000|'],
    ['payg', 1, 0, 0, 'tier_too_low|few||'],
    ['few', 1, 99, 2, ''], ['few', 1, 99, 0, ''], ['few', 1, 0, 3, 'quota_exhausted|||DAY'],
    ['few', 1, 0, 6, 'quota_exhausted|||'], ['few', 2, 0, 9, 'tier_too_low|premium||'],
    ['both', 1, 99, 2, ''], ['both', 1, 10, 3, ''], ['both', 1, 0, 3, ''],
    ['both', 1, 11, 3, 'credits_exhausted||1000000|'],
    ['both', 1, 11, 0, 'credits_exhausted||1000000|'],
) {
    my ($plan, $tier, $credits, $units, $told) = @$row;
    $b->sql(qq(update account set plan = '$plan' where id = '$buyer'));
    is scalar($b->sql("select concat_ws('|', reason, coalesce(required_plan, ''),
        coalesce(missing::text, ''), coalesce(lib.time(resets_at), ''))
        from api.model_lock('$buyer', ${tier}::smallint, ($credits * 1000000)::bigint, $units)")) // '',
        $told =~ s/DAY/2027-02-02T00:00:00Z/r,
        "$plan: a model of tier $tier, $credits credits and $units units";
}

my $other = $b->account(7);
is $b->call('subscription_status', { account => $other })->{balance}, '7',
    'an operator may name any account';
is $b->call('subscription_status', { %$own, account => $other })->{account}, $account,
    'a customer has one';
is $b->call_error('quota_status', {}), 'PT404 account_not_found', 'and nobody none';

done_testing;
