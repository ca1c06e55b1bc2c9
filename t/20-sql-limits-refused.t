#!/usr/bin/perl
# What can't be a limit, a time zone or a low balance, and that refusing it leaves
# everything as it was.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $account = $b->account;
my $app = $b->call('app_create', { account => $account, name => 'Web' })->{id};
my %day = (name => 'a', meter => 'units', max => 1, window => 'day');
my %rate = (name => 'a', meter => 'rate', rate => '1/s');
$b->call('account_set_limits', { account => $account, limits => [{ %day, name => 'kept' }] });
my $before = state();

sub state {
    return join ' ', map { "@$_" } $b->sql('select (select count(*) from command), (select count(*) from audit_log),
        (select jsonb_agg(l order by id) from usage_limit l), (select jsonb_agg(a) from account a)');
}

sub fails {
    my ($function, $args, $detail, $what) = @_;
    my $error = $b->sql_error("select api.$function(\$1::jsonb)", encode_json($args));
    is $error->{message}, 'invalid_argument', $what;
    like $error->{text}, qr/DETAIL:  .*$detail/, "and says: $detail";
    return;
}

for my $row (
    ['5', qr/a list of at most 8 limits/], [[5], qr/"limits\[0\]\." must be a list of objects/],
    [[map { +{ %day, name => "n$_" } } 1 .. 9], qr/at most 8/],
    [[\%day, { %day, max => 2 }], qr/a name of their own/],
    [[\%day, { %day, name => 'B' }], qr/"limits\[1\]\.name" must be a code/],
    (map { [[{ %day, name => $_ }], qr/limits\[0\]\.name/] } qw(day month key_rate app_rate rules balance), '', undef),
    [[{ %day, meter => 'bytes' }], qr/one of rate, requests, units, credits, running/],
    (map { [[{ %day, max => $_ }], qr/limits\[0\]\.max/] } 0, -1, 'x', undef, 1_000_000_000_001),
    (map { [[{ %day, meter => 'credits', max => $_ }], qr/limits\[0\]\.max/] } '0', '-1', '1.0000001', undef),
    [[{ %day, window => 'year' }], qr/one of minute, hour, day, week, month, life/],
    [[{ %day, window => undef }], qr/limits\[0\]\.window/],
    [[{ %day, align => 'rolling' }], qr/calendar, anniversary/],
    [[{ %day, window => 'life', align => 'calendar' }], qr/does not go with the window life/],
    [[{ %day, per => 'user' }], qr/account, app, key/], [[{ %day, feature => 'A b' }], qr/a feature/],
    [[{ %day, feature => "a\nb" }], qr/limits\[0\]\.feature/], [[{ %day, feature => '**' }], qr/a feature/],
    [[{ %day, effect => 'log' }], qr/refuse, warn/],
    (map { [[{ %day, thresholds => $_ }], qr/at most 8 percents from 1 to 100/] }
        [0], [101], ['x'], 80, [1 .. 9], [1.5], [[]]),
    [[{ %day, effect => 'warn', thresholds => [1001] }], qr/from 1 to 1000/],
    [[{ %day, treshold => 5 }], qr/"limits\[0\]\.treshold" must be left out/],
    (map { [[{ %day, $_ => 1 }], qr/does not go with the meter units/] } qw(rate burst lease)),
    (map { [[{ %rate, $_ => 1 }], qr/does not go with the meter rate/] } qw(max window align lease)),
    [[{ %rate, effect => 'warn' }], qr/one of refuse/],
    (map { [[{ %rate, rate => $_ }], qr/limits\[0\]\.rate/] } '0', '0.0/s', '5/w', '-1', 'fast', '1/2/s', undef, '12345678'),
    [[{ %rate, rate => '0.000001/d', burst => 1_000_000 }], qr/a hundred years/],
    [[{ %rate, burst => 0 }], qr/limits\[0\]\.burst/],
    (map { [[{ name => 'a', meter => 'running', max => 1, lease => $_ }], qr/limits\[0\]\.lease/] } '0s', '2h', 'x'),
    [[{ name => 'a', meter => 'running' }], qr/limits\[0\]\.max/])
{
    my ($limits, $detail) = @$row;
    fails('account_set_limits', { account => $account, limits => $limits }, $detail,
          'refused: ' . substr encode_json([$limits]), 0, 90);
}
fails('app_update', { app => $app, limits => [{ %day, per => 'account' }] }, qr/"limits\[0\]\.per" must be one of app/,
      "an app's counter is the app's");
fails('plan_put', { plan => 'p', name => 'P', align => 'lunar' }, qr/calendar, anniversary/, 'a plan has one of two calendars');
fails('app_update', { app => $app, state => 'frozen' }, qr/active, suspended/, 'an app is active or suspended');
for my $zone ('Mars/Base', 'localtime', 'posix/Asia/Bangkok', 'UTC+7', 'asia/bangkok', '', 7) {
    fails('account_update', { account => $account, time_zone => $zone }, qr/"time_zone" must be/, "no time zone: $zone");
}
fails('account_update', { account => $account, low_balance => $_ }, qr/at most 8 percents/, 'no low balance')
    for [0], [101], 'x';
fails('account_update', { account => $account, email => 'nobody' }, qr/an address/, 'no email');
fails('account_update', { account => $account, name => undef }, qr/"name"/, 'an account has a name');
is state(), $before, 'and everything is as it was';

# The table holds the rules by itself.
for my $change ("max = 0", "\"window\" = null", "align = null", "rate = '5/s'", "lease_ms = 5000", "per = 'host'",
                "feature = 'A'", "thresholds = '{0}'", "thresholds = '{101}'", "name = 'day'", "app = '$app'",
                "meter = 'rate'", "meter = 'running'", "effect = 'log'", "\"window\" = 'life'") {
    is $b->sql_error("update usage_limit set $change")->{state}, 23514, "the table refuses $change";
}

done_testing;
