#!/usr/bin/perl
# Settle is killed inside a batch, again and again, while requests are paid for:
# nothing is doubled and nothing is lost.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(worker => { 'settle.batch' => 7 });
my @customers = map { $t->customer(credits => '10000') } 1 .. 3;

# Holds the ledger so that a batch hangs inside its transaction.
sub hold_ledger {
    my $pid = open my $psql, '|-', 'psql', '-X', '-q', '-d', $t->{dsn}
        or die "psql: $!\n";
    print {$psql} "begin; lock table ledger_entry in exclusive mode;\n";
    $psql->flush;
    return $psql;
}


sub role_pid {
    my ($name) = @_;
    for my $pid ($t->children('worker')) {
        return $pid if $t->slurp("/proc/$pid/comm") =~ /$name/
            || $t->slurp("/proc/$pid/cmdline") =~ /$name/;
    }
    return;
}

my $sent = 0;
for my $round (1 .. 4) {
    my $psql = hold_ledger();
    $t->wait_for(sub {
        $t->sql(q{select count(*) from pg_locks where mode = 'ExclusiveLock'
            and relation = 'ledger_entry'::regclass and granted})
    }, 'the ledger to be held');

    for my $c (@customers) {
        my %headers = (Authorization => "Bearer $c->{key}");
        $sent += grep { $_->{status} == 200 } $t->parallel(
            map { ['POST', '/poster-editor/quick-edit', \%headers] } 1 .. 20);
    }

    $t->wait_for(sub {
        $t->sql(q{select count(*) from pg_stat_activity
            where wait_event_type = 'Lock' and state = 'active'})
    }, 'settle to be inside a batch');

    my $pid = role_pid('settle');
    ok $pid, 'settle is running';
    kill 'KILL', $pid;
    $t->wait_for(sub {
        my $now = role_pid('settle');
        $now && $now != $pid
    }, 'the master to start another settle');
    close $psql;
}

is $sent, 4 * 3 * 20, 'all requests passed meanwhile';
$t->settled;

is $t->balance($_), '9200', 'each account is charged once for each request'
    for @customers;
is scalar $t->sql('select count(*) from charge'), $sent,
    'each charge is listed once';
is scalar $t->sql('select count(distinct request_id) from charge'), $sent,
    'and no request twice';
my $proof = $t->verified;
ok $proof->{ok}, 'edge and ledger agree' or diag explain $proof;

done_testing;
