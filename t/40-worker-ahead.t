#!/usr/bin/perl
# A stream is read while Postgres posts the one before it; what was read so of a
# store that was lost meanwhile is not posted.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Gate;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('settle.batch' => 30_000, 'settle.idle_ms' => 20);
$t->load_demo;

# Of shards one after the other, which are read one at a time with such batches.
my ($first, $next) = do {
    my (%shards, @found);
    until (@found) {
        my $c = $t->customer(credits => '100');
        my $shard = Tollgate::shard($c->{account});
        $shards{$shard} = $c;
        @found = map { $shards{$_} && $shards{ $_ + 1 } ? @shards{ $_, $_ + 1 } : () }
            $shard - 1, $shard;
    }
    @found[0, 1];
};
my $lost = Tollgate::shard($next->{account});

# Charges five credits to each while nobody settles; then the worker begins, and
# waits for a lock with the first one's batch, longer than it leaves stores alone.
sub held {
    $t->settled;
    $t->worker_stop;
    gate($t, $_->{account}, { key => $_->{key}, cost => 1_000_000 })
        for map { ($_) x 5 } $first, $next;
    $t->r('CONFIG', 'SET', 'slowlog-log-slower-than', 0);
    $t->r('SLOWLOG', 'RESET');

    open my $psql, '|-', 'psql', '-X', '-q', '-d', $t->{dsn} or die "psql: $!\n";
    print {$psql} "begin; lock table ledger_entry in exclusive mode;\n";
    $psql->flush;
    $t->wait_for(sub {
        $t->sql(q{select count(*) from pg_locks where granted
            and mode = 'ExclusiveLock' and relation = 'ledger_entry'::regclass})
    }, 'the ledger to be held');
    $t->worker_start;
    $t->wait_for(sub {
        $t->sql(q{select count(*) from pg_stat_activity
            where wait_event_type = 'Lock' and clock_timestamp() - query_start > interval '0.6 s'})
    }, 'the batch to wait');

    return $psql;
}

# How often that shard's stream was read since the worker began.
sub reads {
    my ($shard) = @_;
    return scalar grep { $_->[3][0] eq 'XREAD' && $_->[3][4] eq "tg:{$shard}:ledger" }
        @{ $t->r('SLOWLOG', 'GET', 1000) };
}

sub charges {
    my ($c) = @_;
    return $t->sql('select count(*) from charge where account = $1', $c->{account});
}

sub books_are_right {
    my ($balances, $when) = @_;

    $t->settled;
    $t->mirrored;
    is join(' ', map { $t->balance($_) } $first, $next), $balances, "balances are right $when";
    is $t->sql('select count(*) from suspense_event'), 0, "nothing is in suspense $when";
    ok $t->verified->{ok}, "edge and ledger agree $when";

    return;
}

my $psql = held();
is reads($lost), 1, 'the next stream is read already';
is reads($lost + 1), 0, 'and none behind it';
is charges($next), 0, 'though nothing of it can be posted';
close $psql;
books_are_right('95 95', 'where all went well');

$psql = held();
is reads($lost), 1, 'the next stream is read again';
$t->r('DEL', @{ $t->r('KEYS', "tg:{$lost}:*") });
close $psql;
books_are_right('90 95', 'after a shard was lost that had been read');
is charges($next), 5, 'what was read of it is not posted';
is $t->must('GET', "/api/accounts/$next->{account}")->{state}, 'active', 'and nobody is frozen';

done_testing;
