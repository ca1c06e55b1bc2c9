#!/usr/bin/perl
# Limits in SQL: what can be one and what is refused of them, the lines that the
# edge gets of those of accounts, apps, keys and plans, and what removing leaves.

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
my $key = $b->call('key_create', { app => $app })->{id};

# The newest command of the account: what it sets and deletes.
sub command {
    my ($set, $del) = @{ ($b->sql('select set_fields, del_fields from command
        where account = $1 order by no desc limit 1', $account))[0] };
    return (decode_json($set), join ' ', sort @{ decode_json($del) });
}

sub count { return $b->sql('select count(*) from command where account = $1', $account) }

# Lines without their ids, which count on.
sub lines { return join '|', map { s/^\d+ //r } split /\n/, $_[0] // '' }

sub fails {
    my ($function, $args, $code, $detail) = @_;
    my $error = $b->sql_error("select api.$function(\$1::jsonb)", encode_json($args));
    is $error->{message}, $code, "$function: $code";
    like $error->{text}, $detail, "and says: $detail" if $detail;
    return;
}

my @limits = (
    { name => 'burst', meter => 'rate', rate => '5', burst => 10, per => 'key' },
    { name => 'slow', meter => 'rate', rate => '100/h' },
    { name => 'calls', meter => 'requests', max => 1000, window => 'day', feature => 'image.*' },
    { name => 'budget', meter => 'credits', max => '12.5', window => 'month', align => 'anniversary',
      per => 'app', effect => 'warn', thresholds => [150, '50', 50] },
    { name => 'trial', meter => 'units', max => 5, window => 'life', thresholds => [] },
    { name => 'jobs', meter => 'running', max => 3, lease => '90s', feature => 'video.generate' },
);
my $got = $b->call('account_set_limits', { account => $account, limits => \@limits });
my ($set, $del) = command();
is lines($set->{l}), join('|',
    'burst rate 10 200000 - key * refuse -',
    'slow rate 1 36000000 - account * refuse -',
    'calls requests 1000 day calendar account image.* refuse 80,100',
    'budget credits 12500000 month anniversary app * warn 50,150',
    'trial units 5 life - account * refuse -',
    'jobs running 3 90000 - account video.generate refuse -'), 'the edge gets a line of each';
is $del, '', 'and forgets nothing';
is_deeply [map { $_->{name} } @{ $got->{limits} }], [qw(budget burst calls jobs slow trial)],
    'the account shows its limits, by name';
is_deeply $got->{limits}[0], { name => 'budget', meter => 'credits', max => '12.5', window => 'month',
    align => 'anniversary', per => 'app', feature => '*', effect => 'warn', thresholds => [50, 150],
    rate => undef, burst => undef, lease => undef }, 'with all that there is to a limit';
is "$got->{limits}[1]{rate} $got->{limits}[1]{burst}", '5/s 10', 'a rate as it was given';
is $got->{limits}[3]{lease}, '90s', 'a lease too';
my $before = count();
$b->call('account_set_limits', { account => $account, limits => $got->{limits} });
is count(), $before, 'what was shown can be given back, and changes nothing';

# An id stays with what is counted; what is gone takes its counters along.
my %id = map { (split)[1, 0] } split /\n/, $set->{l};
my ($calls, $budget) = @{ $got->{limits} }[2, 0];
$b->call('account_set_limits', { account => $account, limits => [
    { %$calls, max => 2000, window => 'week' }, { %$budget, per => 'key' }] });
($set, $del) = command();
like $set->{l}, qr/^$id{calls} calls requests 2000 week calendar/m, 'another size keeps the counter';
unlike $set->{l}, qr/^$id{budget} /m, 'another counter is another limit';
is $del, join(' ', sort map { my $u = "u:$id{$_}"; ($u, "$u:$app", "$u:$key") }
    qw(burst slow budget trial jobs)), 'counters of what is gone are deleted';
$b->call('account_set_limits', { account => $account, limits => undef });
($set, $del) = command();
is_deeply $set, {}, 'without limits there is no field of them';
like $del, qr/(^| )l( |$)/, 'it is deleted';

# Apps, keys and plans.
my $row = $b->call('app_update', { app => $app, name => 'Shop', state => 'suspended', limits => [$limits[2]] });
is "$row->{name} $row->{state} $row->{limits}[0]{per}", 'Shop suspended app', "an app's limits are its own";
($set) = command();
is lines($set->{"l:$app"}), 'calls requests 1000 day calendar app image.* refuse 80,100', 'in a field of its own';
is $b->sql(q{select set_fields ->> $1 from command where account = $2 and set_fields ? $1 order by no desc limit 1},
    "a:$app", $account), 'suspended', 'the edge learns its state';
$before = count();
$b->call('app_update', { app => $app, name => 'Shop', state => 'suspended' });
is count(), $before, 'what is so already is not told';

$row = $b->call('key_update', { key => $key, limits => [$limits[0]] });
is $row->{limits}[0]{per}, 'key', "a key's limits are its own";
($set) = command();
is lines($set->{"l:$key"}), 'burst rate 10 200000 - key * refuse -', 'in a field of its own';
my $next = $b->call('key_reroll', { key => $key });
is_deeply $next->{limits}, $row->{limits}, 'a key that takes over has the same limits';
is $b->sql(q{select count(*) from command where account = $1 and set_fields ? $2}, $account, "l:$next->{id}"),
    1, 'at the edge too';
$b->call('key_revoke', { key => $next->{id} });
fails('key_update', { key => $next->{id}, limits => [] }, 'key_revoked');

my $plan = { plan => 'pro', name => 'Pro', limits => [$limits[3], { %{ $limits[2] }, per => 'key' }] };
is $b->call('plan_put', $plan)->{version}, 1, 'a plan has limits';
is $b->call('plan_put', $plan)->{version}, 1, 'the same ones are the same version';
my $fields = sub { decode_json scalar $b->sql(q{select fields from mirror.plans() where code = 'pro'}) };
is lines($fields->()->{limits}), 'budget credits 12500000 month anniversary app * warn 50,150|'
    . 'calls requests 1000 day calendar key image.* refuse 80,100', 'its copy has the lines';
ok !exists $fields->()->{align}, 'its own windows are those of the calendar';
is $b->call('plan_put', { plan => 'pro', align => 'anniversary' })->{version}, 2, 'which can change';
is $fields->()->{align}, 'anniversary', 'in the copy too';
is @{ $b->call('plan_put', { plan => 'pro', limits => [$limits[0]] })->{limits} }, 1, 'others take their place';
is $b->sql(q{select version from mirror.plans() where code = 'pro'}), 3, 'as a new version';
$b->call('plan_put', { plan => 'pro', limits => [] });
ok !exists $fields->()->{limits}, 'a plan without limits has no such field';

# One at a time.
$row = $b->call('limit_put', { account => $account, name => 'calls', meter => 'requests', max => '7', window => 'hour' });
is "$row->{holder} $row->{of} $row->{max} $row->{align}", "account $account 7 calendar", 'a limit is made';
$row = $b->call('limit_put', { account => $account, name => 'calls', max => 8, thresholds => ['90'] });
is "$row->{window} $row->{max} @{ $row->{thresholds} }", 'hour 8 90', 'changed, and what is not given stays';
$row = $b->call('limit_put', { account => $account, name => 'calls', window => 'life' });
is $row->{align}, undef, 'a life has no calendar';
$b->call('limit_put', { plan => 'payg', name => 'floor', meter => 'rate', rate => '1/s' });
is_deeply [map { "$_->{holder} $_->{name}" } @{ $b->call('limit_list', { account => $account })->{data} }],
    ['app calls', 'key burst', 'key burst', 'account calls', 'plan floor'],
    'an account lists all that its requests can meet';
is @{ $b->call('limit_list', { account => $account, limit => 2 })->{data} }, 2, 'in pages';
is $b->call('limit_remove', { account => $account, name => 'calls' })->{name}, 'calls', 'a limit is removed';
fails('limit_remove', { account => $account, name => 'calls' }, 'limit_not_found');
fails('limit_list', {}, 'invalid_argument', qr/one of "account", "app", "key" and "plan"/);
fails('limit_put', { account => $account, app => $app, name => 'x' }, 'invalid_argument', qr/one of/);
fails('limit_put', { plan => 'none', name => 'x' }, 'plan_not_found');
fails('app_update', { app => 'app_none' }, 'app_not_found');
is $b->sql('select count(*) from lib.audit_breaks()'), 0, 'the audit chain is whole';

done_testing;
