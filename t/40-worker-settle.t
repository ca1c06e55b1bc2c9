#!/usr/bin/perl
# Settle posts every event once, whatever is killed, and stops for no entry.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Gate;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('settle.batch' => 5, 'settle.idle_ms' => 20);
$t->load_demo;

my @customers = map { $t->customer(credits => '1000') } 1 .. 3;
my $paid = 0;

# Charges one credit n times for each customer, one event a request.
sub pay {
    my ($n) = @_;

    for my $c (@customers) {
        gate($t, $c->{account}, { key => $c->{key}, cost => 1_000_000,
                                  feature => 'video.view' }) for 1 .. $n;
    }
    $paid += $n;

    return;
}

# Takes a lock that a batch has to wait for; closing the handle lets it go.
sub hold_ledger {
    open my $psql, '|-', 'psql', '-X', '-q', '-d', $t->{dsn}
        or die "psql: $!\n";
    print {$psql} "begin; lock table ledger_entry in exclusive mode;\n";
    $psql->flush;
    $t->wait_for(sub {
        $t->sql(q{select count(*) from pg_locks where granted
            and mode = 'ExclusiveLock' and relation = 'ledger_entry'::regclass})
    }, 'the ledger to be held');

    return $psql;
}

sub settle_pid {
    my $master = $t->{processes}{worker};

    return (grep { $t->slurp("/proc/$_/comm") =~ /^settle/ }
            split ' ', $t->slurp("/proc/$master/task/$master/children"))[0];
}

sub balances_are_right {
    my ($when) = @_;

    $t->settled;
    is join(' ', map { $t->balance($_) } @customers),
        join(' ', (1000 - $paid) x @customers), "each request is posted once $when";
    is scalar $t->sql(q{select count(*) from charge where kind = 'charge'}),
        $paid * @customers, 'and listed once';
    my $proof = $t->verified;
    ok $proof->{ok}, 'the proof agrees' or diag explain $proof;

    return;
}

pay(12);
balances_are_right('in batches');

for my $round (1 .. 2) {
    my $psql = hold_ledger();
    pay(4);
    $t->wait_for(sub {
        $t->sql(q{select count(*) from pg_stat_activity
            where wait_event_type = 'Lock' and state = 'active'
            and application_name like '%settle'})
    }, 'settle to be inside a batch');

    my $pid = settle_pid();
    kill 'KILL', $pid;
    $t->wait_for(sub { (settle_pid() // $pid) != $pid },
                 'the master to start another');
    close $psql;
    balances_are_right("after kill -9 inside a batch, round $round");
}

# The master dies between any two steps, with batches under way.
for my $round (1 .. 4) {
    pay(5);
    my $master = delete $t->{processes}{worker};
    kill 'KILL', $master;
    waitpid $master, 0;
    pay(2);
    $t->worker_start;
}
balances_are_right('after the whole worker was killed four times');

pay(3);
$t->postgres_stop('QUIT');
pay(3);
$t->postgres_start;
balances_are_right('after Postgres ended at once');

$t->wait_for(sub { $t->sql(q{select count(*) from pg_locks
    where locktype = 'advisory' and classid = 7461002}) == 64 },
    'all shards to be owned');
my $ledger = Tollgate::ledger_key($customers[0]{account});
$t->r('XADD', $ledger, '*', 'a', 'nobody', 'x', 1);
$t->r('XADD', $ledger, '*', qw(junk junk));
pay(2);
balances_are_right('around entries that name no account');
like $t->slurp('worker.log'), qr/entry \S+ of \Q$ledger\E is malformed: .*names no account/,
    'which are reported';

$t->r('XADD', $ledger, '*', 'a', $customers[0]{account}, 'e', 1, 's', 'many',
      't', 1, 'k', 'charge', 'd', -1, 'v', 0, 'h', 0, 'n', 0, 'i', '');
$t->settled;
is $t->must('GET', "/api/accounts/$customers[0]{account}")->{state}, 'frozen',
    'a malformed entry freezes the account that it names';
$t->mirrored;
is gate($t, $customers[0]{account}, { key => $customers[0]{key} })->{verdict},
    'account_frozen', 'at the edge too';
is gate($t, $customers[1]{account}, { key => $customers[1]{key},
    cost => 1_000_000 })->{verdict}, 'pass', 'and no other account';
$t->settled;
is $t->balance($customers[1]), 1000 - $paid - 1, 'which goes on to be settled';

done_testing;
