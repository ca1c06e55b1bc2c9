#!/usr/bin/perl
# What passed about the time of a loss of Redis, and is in no history: it is
# written off to the credit, once, and taken back where its charge comes after all.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $t0 = int(time / 60) * 60 - 3600;

# Three accounts of three shards.
my %shards;
until (keys %shards == 3) {
    my $account = $b->account(100);
    $shards{ $b->sql('select shard from account where id = $1', $account) } = $account;
}
my ($c, $d, $e) = values %shards;

# The clock, in seconds of this test.
sub now {
    my ($s) = @_;

    $b->sql('select lib.clock_freeze(to_timestamp($1))', $t0 + $s);
    return;
}

# A usage record of a request that ended at a second of this test.
sub used {
    my ($account, $id, $s, %opt) = @_;

    $b->sql(q{insert into usage_event (at, at_ms, host, request_id, account, feature, verdict, status, credits, units, refunded,
            latency_ms, bytes_in, bytes_out, dry_run)
        values (to_timestamp($1), 0, 'h', $2, $3, 'image.generate', $4, 200, $5, 0, $6, $7, 1, 1, $8)},
        $t0 + $s, $id, $account, $opt{verdict} // 'pass', ($opt{credits} // 10) * 1_000_000, $opt{refunded} // 'false',
        ($opt{took} // 0.01) * 1000, $opt{dry} // 'false');
    return;
}

sub found {
    return scalar $b->sql('select ledger.losses_find()');
}

sub sums {
    return $b->sql(q{select string_agg(kind || '=' || sum / 1000000, ' ' order by kind) from (
        select a.kind, sum(e.amount)::bigint as sum from ledger_entry e join ledger_account a on a.id = e.ledger_account
        where a.kind in ('usage_revenue', 'writeoff') group by a.kind) s});
}

my $nothing = '{"credits": "0", "requests": 0, "reversed": 0}';

now(0);
$b->settle([charge => $c, 2, 10, id => 'charged', at => $t0 + 10]);
used($c, 'charged', 10);
used($c, 'lost', 10);
used($c, 'long', 300, took => 289);
used($c, 'refused', 10, verdict => 'credits_exhausted');
used($c, 'refunded', 10, refunded => 'true');
used($c, 'dry', 10, dry => 'true');
used($c, 'free', 10, credits => 0);
used($c, 'served', 10, verdict => 'pass_open');
used($c, 'after', 30);
used($d, 'other', 10);
now(900);
is found(), $nothing, 'without a loss nobody looks';

my $recovery = $b->sql(q{insert into recovery (account, shard, reason, at, done_at)
    select id, shard, 'rewound', to_timestamp($2), to_timestamp($3) from account where id = $1 returning id}, $c, $t0 + 20, $t0 + 21);
now(60);
is found(), $nothing, 'what may still be in a stream is waited for';
now(900);
is found(), '{"credits": "20", "requests": 2, "reversed": 0}', 'two requests have no charge';
is $b->sql(q{select string_agg(request_id, ' ' order by request_id) from recovery_writeoff}), 'long lost',
    'those that passed before the wallet was made again, however long they took';
is $b->sql('select requests || \' \' || written_off from recovery where id = $1', $recovery), '2 20000000',
    'the recovery tells how much';
is sums(), 'usage_revenue=30 writeoff=-20', 'used, and paid by no wallet';
is $b->sql('select ledger.balance($1)', $c), 90_000_000, 'the balance stays';
is $b->sql(q{select detail ->> 'credits' from alert where kind = 'charges_lost' and closed_at is null}), '20', 'an alert says so';
is found(), $nothing, 'once';

$b->settle([charge => $c, 3, 10, id => 'lost', at => $t0 + 10]);
is found(), '{"credits": "0", "requests": 0, "reversed": 1}', 'a charge that comes after all';
is sums(), 'usage_revenue=30 writeoff=-10', 'is booked in its place';
is $b->sql('select requests || \' \' || written_off from recovery where id = $1', $recovery), '1 10000000', 'and told';
is found(), $nothing, 'once too';

# a loss that left the wallet as the ledger knew it
$b->sql(q{delete from store});
$b->sql(q{insert into store (shard, id, replid, at) select shard, 'x', 'y', to_timestamp($2) from account where id = $1}, $d, $t0 + 40);
used($d, 'gone', 35);
used($d, 'later', 60);
used($e, 'elsewhere', 35);
now(600);
is found(), '{"credits": "20", "requests": 2, "reversed": 0}', 'requests of a shard that was looked through';
is $b->sql(q{select string_agg(request_id, ' ' order by request_id) from recovery_writeoff where recovery is null}), 'gone other',
    'up to that moment, without a recovery';
# A hold that came to more than there was: what the commit could not take is owed or waived, behind it, and counts as charged.
used($d, 'over', 30);
used($d, 'poor', 30);
my $seq = 1;
$b->settle([hold => $d, ++$seq, 1, id => 'over', at => $t0 + 29], [commit => $d, ++$seq, 1, id => 'over', at => $t0 + 30, hold => 1],
           [waived => $d, ++$seq, 9, id => 'over', at => $t0 + 30]);
is found(), '{"credits": "10", "requests": 1, "reversed": 0}', 'what was charged in part is not lost';
$b->settle([hold => $d, ++$seq, 1, id => 'poor', at => $t0 + 29], [commit => $d, ++$seq, 0, id => 'poor', at => $t0 + 30, hold => 1],
           [waived => $d, ++$seq, 10, id => 'poor', at => $t0 + 30]);
is found(), '{"credits": "0", "requests": 0, "reversed": 1}', 'though the commit that comes after all took nothing';
is found(), $nothing, 'once';

now(3 * 3600);
used($d, 'too late', 30);
is found(), $nothing, 'after hours nobody looks any more';
is $b->sql(q{select ledger.verify_totals() ->> 'ok'}), 'true', 'the ledger adds up';

done_testing;
