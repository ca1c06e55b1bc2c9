#!/usr/bin/perl
# Events of limits and balances: what the register tells of thresholds, and the
# first refusal of a quota, once each; windows in the account's zone.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $now = 1801396800;       # 2027-01-31 12:00 UTC
$b->sql('select lib.clock_freeze(to_timestamp($1::bigint))', $now);
$b->call('plan_put', { plan => 'pro', name => 'Pro', mode => 'subscription', day_units => 100,
    limits => [{ name => 'calls', meter => 'requests', max => 100, window => 'day', per => 'key' },
               { name => 'units', meter => 'units', max => 50, window => 'month', feature => 'image.*' }] });
my $account = $b->account(100);
$b->call('account_set_plan', { account => $account, plan => 'pro' });
$b->call('account_update', { account => $account, time_zone => 'Asia/Bangkok', low_balance => [80, 100] });
$b->call('account_set_limits', { account => $account, limits => [
    { name => 'budget', meter => 'credits', max => '100', window => 'life', per => 'app' }] });
my $seq = 1;

# A threshold event of the register: its item is told in the columns of others.
sub threshold {
    my ($name, $percent, $max, $used, %opt) = @_;
    my ($id, $text) = $b->statement($b->{cursor},
        [threshold => $account, $opt{seq} // ++$seq, 0, feature => $name, at => $opt{at} // $now, %opt]);
    $text =~ s/'\Q$name\E', null, +0, 0/sprintf "'%s', '%s', %.0f, %.0f", $name, $percent, $max, $used/e or die $text;
    my $answer = $b->psql($b->{dsn}, $text);
    $b->{cursor} = $id;
    return $answer =~ /"posted": 1/ ? 1 : 0;
}

sub events { return @{ $b->call('event_list', { account => $account, @_ })->{data} } }

is threshold('calls', 80, 100, 80), 1, 'a threshold is an event of the register';
my ($event) = events();
delete @{$event}{qw(id request)};
is_deeply $event, { at => '2027-01-31T12:00:00Z', type => 'limit.threshold', account => $account, limit => 'calls',
    meter => 'requests', app => 'app_0000000001', key => 'key_0000000001', percent => 80, max => 100, used => 80,
    window_start => '2027-01-30T17:00:00Z' }, 'the limit, how much of it is used, and since when, in the zone';
is threshold('calls', 80, 100, 80, seq => $seq), 0, 'told again it is the same one';
is events(), 1, 'and there once';
threshold('units', 100, 50, 50);
threshold('budget', 100, 100e6, 100.5e6);
threshold('balance', 80, 100e6, 80e6);
threshold('balance', 100, 100e6, 100e6);
threshold('gone', 80, 10, 8);
my @events = events();
is_deeply [map { "$_->{type} " . ($_->{limit} // '-') . " $_->{percent} $_->{max} $_->{used}" } @events[1 .. 5]],
    ['quota.exceeded units 100 50 50', 'limit.threshold budget 100 100 100.5', 'balance.low - 80 100 80',
     'balance.exhausted - 100 100 100', 'limit.threshold gone 80 10 8'], 'each kind has its type';
is $events[1]{window_start}, '2026-12-31T17:00:00Z', 'a month begins in the zone';
is $events[5]{meter}, undef, 'a limit that is gone meanwhile is told of all the same';
is $b->balance($account), 100, 'none moves a credit';
is $b->state($account), 'active', 'and the register is whole';

my $victim = $b->account(100);
my ($to, $text) = $b->statement($b->{cursor}, [threshold => $victim, 2, 0, feature => 'calls']);
$text =~ s/'threshold', 0, (\d+)/"'threshold', -5, " . ($1 - 5)/e or die $text;
$b->psql($b->{dsn}, $text =~ s/'calls', null/'calls', '80'/r);
$b->{cursor} = $to;
is $b->state($victim), 'frozen', 'a threshold that moves credits is a lie, and freezes the account';
is $b->sql('select reason from suspense_event'), 'the items do not add up', 'for that reason';
is events(account => $victim), 0, 'and it is no event';

# Refusals as the usage records tell them.
my ($place, $cursor) = (0, '0-0');
sub usage {
    my $rows = join ",\n", map {
        my ($at, $limit, %opt) = @$_;
        sprintf "(%d, 'q%d', '%s', 'app_0000000001', '%s', null, null, null, '%s', 429, 0, 0, 0, 5, 1, 2, %d, null, null, null, '%s', null, null, 0, 'pro')",
            ($now + $at) * 1000, ++$place, $opt{account} // $account, $opt{key} // 'key_0000000001',
            $opt{verdict} // 'quota_exceeded', $opt{dry} // 0, $limit;
    } @_;
    my $to = ++$place . '-0';
    $b->psql($b->{dsn}, join "\n", 'set role tollgate_worker;', 'begin;', 'select ledger.settle_begin() \gset',
        "insert into settle_usage values $rows;",
        "select ledger.settle_usage('tg:{usage}:web1', '$cursor', '$to', 0);", 'commit;');
    $cursor = $to;
    return [map { "$_->{at} $_->{limit} $_->{window_start}" } grep { !defined $_->{percent} } events(type => 'quota.exceeded')];
}

my $first = '2027-01-31T12:00:05Z day 2027-01-30T17:00:00Z';
is_deeply usage([7, 'day'], [5, 'day'], [70, 'day'], [6, 'day', dry => 1]), [$first], 'the first that a quota refused is an event';
is_deeply usage([9, 'day'], [3600, 'day']), [$first], 'and those after it in the window are none';
is_deeply usage([0, 'calls', verdict => 'cap_reached'], [0, 'key_rate', verdict => 'rate_limited'], [0, 'day', dry => 1],
    [0, 'other'], [0, 'day', account => 'Nobody0000']), [$first], 'nor are other refusals, dry runs and strangers';
is_deeply usage([0, 'units']), [$first], 'nor one of a window whose end the register told';
is_deeply usage([5 * 3600 - 1, 'day'], [5 * 3600, 'day'], [5 * 3600 + 1, 'day']),
    [$first, '2027-01-31T17:00:00Z day 2027-01-31T17:00:00Z'], 'the next window has its own';
is usage([0, 'day', account => $victim]) && events(account => $victim), 1, 'and so has another account';

# Why a request was refused, and what would make it pass.
usage([0, 'calls', verdict => 'cap_reached'], [0, 'budget', verdict => 'rate_limited'], [0, 'gone', verdict => 'cap_reached']);
my @advice = map { $b->call('request_get', { request => 'q' . ($place - 4 + $_) })->{to_pass} } 1 .. 3;
is_deeply \@advice, [map { 'a higher limit "' . $_->[0] . '", which will not have room for this request' . $_->[1] }
    ['calls', ': tollgate limits set calls --plan pro'], ['budget', ": tollgate limits set budget --account $account"], ['gone', '']],
    'an explanation names the limit and whose it is';

# The list, and what is counted.
is $b->call('event_list', { limit => 2 })->{has_more}, JSON::PP::true, 'a list comes in pages';
is @{ $b->call('event_list', { since => '2027-01-31T17:00:00Z' })->{data} }, 1, 'or from a time on';
is @{ $b->call('event_list', { type => 'balance.low' })->{data} }, 1, 'or of one type';
is $b->call_error('event_list', { type => 'x' }), 'PT422 invalid_argument', 'which is one there is';
is $b->call_error('event_list', { account => 'Nobody0000' }), 'PT404 account_not_found', 'of an account there is';
like $b->sql_error('delete from account_event')->{message}, qr/insert only/, 'events stay';

# Quotas are counted in the same windows: 16:59:59 UTC is before midnight there.
is $b->settle(map { [charge => $account, ++$seq, 0, units => 1, at => $now + 5 * 3600 + $_] } -1, 0, 1, 86400), 4, 'units are used';
my $used = sub {
    $b->sql('select lib.clock_freeze(to_timestamp($1::bigint))', $_[0]);
    return join ', ', map { "$_->{used} until $_->{resets_at}" } @{ $b->call('quota_status', { account => $account })->{windows} };
};
is $used->($now), '1 until 2027-01-31T17:00:00Z, 1 until 2027-01-31T17:00:00Z', 'in the day and month of the zone';
is $used->($now + 5 * 3600), '2 until 2027-02-01T17:00:00Z, 3 until 2027-02-28T17:00:00Z', 'the next ones too';
$b->settle([refund => $account, ++$seq, 0, units => 1, at => $now + 5 * 3600 + 60, id => 'r' . ($b->{place} - 1)]);
is $used->($now + 5 * 3600), '1 until 2027-02-01T17:00:00Z, 2 until 2027-02-28T17:00:00Z', 'and a refund returns to its own';
$b->call('plan_put', { plan => 'pro', align => 'anniversary' });
is $used->($now + 5 * 3600), '0 until 2027-02-01T12:00:00Z, 0 until 2027-02-28T12:00:00Z', 'a plan may count from its anniversary';

done_testing;
