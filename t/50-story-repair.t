#!/usr/bin/perl
# A wallet changed by hand, an event that was lost and one that was invented:
# each is found, stops its account alone, and is repaired by what the ledger says.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP qw(decode_json);
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(conf => <<'CONF', worker => { 'proof.round' => '50ms' });
    tollgate on;
    tollgate_feature image.generate;
    location / { proxy_pass http://backend; }
CONF

my ($edited, $lost, $invented, $good) = map { $t->customer(credits => '1000') } 1 .. 4;

sub status { return $t->call($_[0], 'POST', '/a')->{status} }

sub pay {
    my ($customer, $n) = @_;

    is join(' ', map { status($customer) } 1 .. $n), join(' ', (200) x $n),
        "$n requests pass";

    return;
}

sub role {
    my ($name) = @_;

    my ($pid) = grep { $t->slurp("/proc/$_/comm") =~ /^$name/ }
        $t->children('worker');

    return $pid;
}

# The operator's tool: exit code, and its answer.
sub repair {
    my (@words) = @_;

    my $out = `$Tollgate::build/tollgate --socket $t->{dir}/admin.sock ledger repair @words -o json 2>&1`;
    my $answer = decode_json($out);

    return ($? >> 8, $answer->{data} ? @{ $answer->{data} } : @$answer);
}

sub frozen {
    my ($customer) = @_;

    $t->wait_for(sub {
        $t->sql('select state from account where id = $1', $customer->{account}) eq 'frozen'
    }, 'the difference to be found');
    $t->mirrored;
    is status($customer), 403, 'the account is stopped';
    is status($good), 200, 'it alone is stopped';

    return;
}

# What is planned, that planning does nothing, and that doing it does it.
sub is_repaired {
    my ($customer, $what, %expected) = @_;

    my $account = $customer->{account};
    %expected = (account => $account, state => 'frozen', action => 'recover',
                 given_up => 0, %expected);
    my ($exit, $plan, @others) = repair();
    is_deeply \@others, [], 'nothing else is to be repaired';
    is $exit, 6, 'something is to be done';
    is_deeply { map { $_ => $plan->{$_} } keys %expected }, \%expected,
        "the plan says what it would do: $what"
        or diag explain $plan;
    is status($customer), 403, 'planning does nothing';

    ($exit, my $done) = repair($account, '--yes');
    is $exit, 0, 'it is done' or diag explain $done;
    ok $done->{done}, 'and says so';
    is $done->{state}, 'active', 'the account is active again';
    $t->wait_for(sub { status($customer) == 200 }, 'it to pass again');
    $t->settled;
    $t->mirrored;
    my $proof = $t->verified;
    ok $proof->{ok}, "the proof holds after $what" or diag explain $proof;
    is $t->sql(q{select count(*) from alert where kind <> 'redis_lost' and closed_at is null}),
        0, 'no alert is open';
    is_deeply [repair()], [0], 'and nothing is to be repaired any more';

    return;
}

pay($_, 3) for $edited, $lost, $invented, $good;
$t->settled;

# A wallet that somebody gave credits by hand.
$t->r('HINCRBY', Tollgate::wallet_key($edited->{account}), 'avail', 7_000_000);
frozen($edited);
my (undef, $one) = repair($good->{account});
is "$one->{action}", 'none', 'an account that is right is left alone';
is +(repair($good->{account}, '--yes'))[0], 0, 'also where it is asked for';
is $t->r('HGET', Tollgate::wallet_key($good->{account}), 'epoch'), 1,
    'its wallet is not touched';
is_repaired($edited, 'a wallet that was changed', before => '977', after => '970', delta => '-7', written_off => '0',
            reason => 'register');
is $t->balance($edited), 970 - 10, 'the ledger never had those credits';

# An event that is lost: its request passed, and is written off.
kill 'STOP', role('settle');
pay($lost, 3);
my $stream = Tollgate::ledger_key($lost->{account});
$t->r('XDEL', $stream, $t->r('XREVRANGE', $stream, '+', '-', 'COUNT', 2)->[1][0]);
kill 'CONT', role('settle');
frozen($lost);
$t->settled;
is_repaired($lost, 'an event that was lost', before => '940', after => '950', delta => '10', written_off => '10',
            events => 1);
is $t->balance($lost), 950 - 10, 'what came behind it is charged, it alone is not';

# An event that nobody's request made.
$stream = Tollgate::ledger_key($invented->{account});
my $seq = $t->r('HGET', Tollgate::wallet_key($invented->{account}), 'seq');
$t->r('XADD', $stream, '*', a => $invented->{account}, e => 1, s => $seq + 1, t => 1,
      k => 'charge', d => -500_000_000, v => 1, h => 0, n => 0,
      i => 'ffffffffffffffffffffffffffffffff - - - - 500000000 0');
$t->wait_for(sub { $t->sql('select count(*) from suspense_event where repaired_at is null') },
             'it to be kept aside');
frozen($invented);
$t->settled;
my ($exit, $plan) = repair();
is_deeply [$exit, @$plan{qw(account action)}], [6, $invented->{account}, 'unfreeze'],
    'Redis and the ledger agree: the account may pass again';
($exit, $plan) = repair('--yes');
is_deeply [$exit, @$plan{qw(done state)}], [0, JSON::PP::true, 'active'], 'and does';
$t->wait_for(sub { status($invented) == 200 }, 'it to pass again');
$t->settled;
is $t->balance($invented), 970 - 10, 'nothing of it was charged';
is_deeply [repair()], [0], 'and nothing is left to do';

is $t->sql(q{select string_agg(distinct actor, ' ') from audit_log
    where action in ('account.repair', 'account.unfreeze')}), 'operator',
    'who repaired stands in the audit log';
is $t->sql(q{select count(*) from audit_log where action = 'account.unfreeze'}), 3,
    'for each account';
ok $t->verified->{ok}, 'in the end all is right';

done_testing;
