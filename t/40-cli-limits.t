# Limits, time zones and events from the command line: to Redis, and back from
# the register.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Cli;
use Test::More;
use Tollgate;

my $t = Tollgate->new;
$t->redis;
$t->postgres;
$t->worker;
my $cli = Cli->new($t, "$t->{dir}/admin.sock");

# The decoded answer of a command that must succeed.
sub done {
    my $run = $cli->run(@_, '-o', 'json');
    is($run->{status}, 0, "it runs: @_") or diag $run->{err};
    return $run->{json} // {};
}

my $account = done(qw(accounts create Acme --time-zone Asia/Bangkok))->{id};
my $app = done('apps', 'create', $account, 'Web')->{id};
my $key = done('keys', 'create', $app)->{id};
my $wallet = Tollgate::wallet_key($account);

# What a field of the wallet is once the mirror has carried it.
sub at_edge {
    my ($field, $wanted, $what) = @_;
    my $got;
    $t->wait_for(sub { ($got = $t->r('HGET', $wallet, $field) // '') =~ $wanted }, "$field like $wanted");
    like $got, $wanted, $what;
    return;
}

at_edge('zone', qr/^25200$/, 'the wallet has its time zone');
at_edge('anchor', qr/^\d{10}$/, 'and what anniversaries count from');
my $shown = done('accounts', 'update', $account, qw(--time-zone Europe/London --low-balance 80 --low-balance 100 --name Ltd));
is "$shown->{name} $shown->{time_zone} @{ $shown->{low_balance} }", 'Ltd Europe/London 80 100', 'an account is changed';
at_edge('low', qr/^80,100$/, 'the percents are there');
at_edge('zone', qr/^0 \d+ 3600 \d+ 0 /, 'and the zone with its summers');

my $limit = done(qw(limits set daily --account), $account, qw(--meter credits --max 12.5 --window day --per key
    --threshold 90 --threshold 50));
is "$limit->{max} @{ $limit->{thresholds} } $limit->{align}", '12.5 50 90 calendar', 'a limit is made';
at_edge('l', qr/^$limit->{id} daily credits 12500000 day calendar key \* refuse 50,90$/, 'it is in the wallet');
done(qw(limits set daily --account), $account, qw(--max 20 --threshold none));
at_edge('l', qr/ 20000000 day calendar key \* refuse -$/, 'and changed there');
done(qw(limits set burst --key), $key, qw(--meter rate --rate 300/m --burst 20));
at_edge("l:$key", qr/^\d+ burst rate 20 200000 - key \* refuse -$/, 'a rate of a key');
done(qw(limits set calls --app), $app, qw(--meter requests --max 1000 --window month --align anniversary --feature image.* --effect warn));
at_edge("l:$app", qr/ calls requests 1000 month anniversary app image\.\* warn 80,100$/, 'a warning of an app');
done(qw(limits set jobs --plan payg --meter running --max 3 --lease 30s));
$t->wait_for(sub { ($t->r('HGET', 'tg:{3}:plan:payg', 'limits') // '') =~ / jobs running 3 30000 - account \* refuse -$/ },
             'a limit of a plan in its copies');

my $table = $cli->run(qw(limits list --account), $account)->{out};
like $table, qr/^HOLDER +OF +NAME +METER +MAX /, 'a table';
like $table, qr{ 80 100$}m, "with its thresholds";
like $table, qr/^\Q$_\E +\S+ +/m, "with one of $_" for qw(account key app plan);
is $cli->run(qw(limits list --plan payg -o name))->{out}, "jobs\n", 'or those of one holder';
is $cli->run(qw(limits remove daily --account), $account)->{status}, 0, 'a limit is removed';
$t->wait_for(sub { !$t->r('HEXISTS', $wallet, 'l') }, 'the limit to leave the wallet');

is done('apps', 'update', $app, qw(--state suspended --name Shop))->{name}, 'Shop', 'an app is changed';
at_edge("a:$app", qr/^suspended$/, 'and refused at the edge');

# Two thresholds as the gate's script tells them, and one that is a lie.
my $shard = Tollgate::shard($account);
my $told = sub {
    my ($seq, $item, %over) = @_;
    my %event = (a => $account, e => 1, s => $seq, t => 1_801_396_800_000_000 + $seq, k => 'threshold', d => 0, v => 0,
                 h => 0, n => 0, i => "0123456789abcdef0123456789abcdef $key $app $item", %over);
    $t->r('XADD', "tg:{$shard}:ledger", '*', %event);
};
$told->(1, 'calls 80 1000 800');
$told->(2, 'balance 100 5000000 5000000');
$t->wait_for(sub { @{ done('events', $account)->{data} // [] } == 2 }, 'two events');
my ($first, $second) = @{ done('events', $account)->{data} };
is "$first->{type} $first->{limit} $first->{percent} $first->{max} $first->{used} $first->{app}",
    "limit.threshold calls 80 1000 800 $app", 'what a limit has come to is an event';
is "$second->{type} $second->{used}", 'balance.exhausted 5', 'what a balance has come to as well';
like $cli->run('events', $account, qw(--type balance.exhausted))->{out}, qr/\A[^\n]+\n[^\n]+balance\.exhausted[^\n]+\n\z/,
    'by type';
$told->(3, 'calls 90 1000', s => 3);
$t->wait_for(sub { done('accounts', 'get', $account)->{state} eq 'frozen' }, 'an item of too few parts to freeze its account');

for my $row (
    [[qw(limits set daily --account), $account, qw(--meter bytes --max 1)], 5, qr/one of rate, requests/],
    [[qw(limits set x --plan payg --account), $account], 5, qr/must say whose limit it is/],
    [[qw(limits list)], 5, qr/must say whose limit/], [[qw(limits list --plan none)], 3, qr/plan_not_found/],
    [[qw(limits remove none --account), $account], 3, qr/limit_not_found/],
    [[qw(accounts update), $account, qw(--time-zone Mars/Base)], 5, qr/as Asia\/Bangkok/],
    [[qw(apps update app_none --state active)], 3, qr/app_not_found/],
    [[qw(events --type other)], 5, qr/one of balance\.exhausted/])
{
    my ($words, $status, $error) = @$row;
    my $run = $cli->run(@$words);
    is $run->{status}, $status, "@$words is refused";
    like $run->{err}, $error, 'and says why';
}

done_testing;
