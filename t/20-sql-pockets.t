#!/usr/bin/perl
# Grants with terms: which of them charges burn and refunds fill, how they start
# and lapse, and what the register may not say of them.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $END = 1801440000; # 2027-02-01T00:00:00Z
my ($B, $C) = map { "$_/${END}000/*" } 50, 10;
my ($account, $seq);

sub fresh {
    $b->sql(q{select lib.clock_freeze('2027-01-31T12:00:00Z')});
    $account = $b->account(0);
    $seq = 0;
}

# A grant, settled as the command that it is at the edge; its id.
sub give {
    my ($credits, $source, %terms) = @_;
    my $id = $b->sql(q{select ledger.grant_credits($1, $2, $3, $4, '',
        jsonb_populate_record(null::credit_grant, $5))}, $account, $credits * 1e6,
        $source, 'test:' . $account . $b->{place}++,
        JSON::PP->new->canonical->encode(\%terms));
    $b->applied($account);
    my ($cmd, $delta) = @{ ($b->sql('select no, delta from command where account = $1
        order by no desc limit 1', $account))[0] };
    settle([command => $credits, cmd => $cmd]) if $delta;
    return $id;
}

sub settle {
    return $b->settle(map { [$_->[0], $account, ++$seq, @$_[1 .. $#$_]] } @_);
}

sub grants {
    return join ' ', map { "$_->[0]:$_->[1]/$_->[2]" } $b->sql(
        'select source, remaining / 1000000, lapsed / 1000000 from credit_grant
         where account = $1 order by id', $account);
}

sub sums {
    return join ' ', map { "$_->[0]:$_->[1]" } $b->sql(
        'select a.kind, (sum(e.amount) / 1000000)::bigint from ledger_entry e
         join ledger_txn t on t.id = e.txn join ledger_account a on a.id = e.ledger_account
         where t.account = $1 group by a.kind order by a.kind', $account);
}

sub sound { return $b->sql(q{select ledger.verify_totals() ->> 'ok'}) }

my %end = (expires_at => '2027-02-01T00:00:00Z');

# P4: burn, lapse at the boundary, and use that is settled after it.
fresh();
give(100, 'purchase');
give(50, 'promo', %end);
give(30, 'daily', %end, priority => 10);
is grants(), 'purchase:100/0 promo:50/0 daily:30/0', 'three grants are settled';
is settle([charge => 60, at => $END - 0.001, pockets => "$C=30000000,$B=30000000"]), 1,
    'a charge just before the end';
is grants(), 'purchase:100/0 promo:20/0 daily:0/0', 'burns what it names';
is settle([charge => 10, at => $END - 0.5, pockets => $B],
          [lapse => 10, at => $END, parts => [[undef, 10, $B]]],
          [charge => 60, at => $END]), 3, 'use, the lapse and use after it';
is grants(), 'purchase:40/0 promo:0/10 daily:0/0', 'each burn what is theirs';
is sums(), 'breakage:10 issued:-180 usage_revenue:130 wallet:40',
    'and the books say so';
is sound(), 'true', 'and balance';
is_deeply [$b->sql(q{select type, meter, used from account_event
    where account = $1}, $account)], [['credits.expired', 'credits', 10_000_000]],
    'the customer hears of it';
is $b->sql(q{select description from ledger_txn where account = $1 and kind = 'lapse'},
           $account), 'expired', 'the statement too';
# A refund after the end returns and lapses.
is settle([refund => 60, at => $END + 1, pockets => "$C=30000000,$B=30000000"],
          [lapse => 60, at => $END + 1,
           parts => [[undef, 30, $C], [undef, 30, $B]]]), 2,
    'a refund to pockets that have ended';
is grants(), 'purchase:40/0 promo:0/40 daily:0/30', 'lapses with them';
is sums(), 'breakage:70 issued:-180 usage_revenue:70 wallet:40', 'all of it';

# Within a pocket, and back.
fresh();
give(20, 'purchase', %end);
give(20, 'promo', %end);
give(20, 'promo', %end, effective_at => '2027-01-01T00:00:00Z');
is settle([charge => 30, pockets => $B]), 1, 'grants of a pocket burn';
is grants(), 'purchase:20/0 promo:10/0 promo:0/0',
    'promotional first, the earlier before the later';
settle([charge => 25, pockets => $B, id => 'a'], [refund => 40, pockets => "$B=40000000"]);
is grants(), 'purchase:20/0 promo:20/0 promo:5/0', 'a refund fills them in reverse';

# A grant that starts later.
fresh();
my $later = give(40, 'promo', %end, effective_at => '2027-01-31T18:00:00Z');
is $b->sql('select set_fields from command where account = $1 order by no desc limit 1',
           $account), qq({"later": "1801418400000 $later 40000000 $B"}),
    'what starts later is told to the edge';
is grants() . ' ' . $b->balance($account), 'promo:0/0 0', 'and is not there yet';
is settle([start => 40, id => $later, at => 1801418400, pockets => $B],
          [charge => 15, pockets => $B, at => 1801418400]), 2, 'until it starts';
is grants() . ' ' . $b->balance($account), 'promo:25/0 25', 'and can be used';
is sums(), 'issued:-40 usage_revenue:15 wallet:25', 'from then on it is issued';
is sound(), 'true', 'and the books balance';

# Brought to a level: up, down, and what burns.
fresh();
give(30, 'purchase');
give(20, 'promo', %end);
my @levels = map { scalar $b->sql(q{select mirror.command($1, 0,
    jsonb_build_object('level', $2))}, $account, "${_}000000") } 5, 12;
is settle([charge => 1, pockets => $B],
          [adjust => -44, cmd => $levels[0], pockets => "$B=19000000,-=25000000"]), 2,
    'a level below the balance is settled';
is settle([adjust => 7, cmd => $levels[1]]), 1, 'and one above it';
is grants(), 'purchase:5/25 promo:0/19 adjustment:7/0',
    'what went went by pockets, what came is a grant';
is sums(), 'issued:-13 usage_revenue:1 wallet:12', 'of credits that were issued';
is sound(), 'true', 'and the books balance';

# Use ahead of a revocation that is settled after it, of the same pocket.
fresh();
my ($first) = map { give($_, 'promo', %end) } 20, 30;
$b->call('grant_revoke', { grant => $first });
my $cmd = $b->sql('select max(no) from command where account = $1', $account);
settle([charge => 25, pockets => $B]);
is grants(), 'promo:20/0 promo:5/0', 'of what is revoked nothing is burnt first';
settle([charge => 10, pockets => $B],
       [lapse => 15, cmd => $cmd, id => $first, pockets => $B]);
is grants(), 'promo:0/15 promo:0/0', 'and it lapses as far as there is something';

# What is owed is not asked for where only credits of some features are left.
fresh();
give(60, 'promo', %end, features => ['video.*']);
settle([owed => 5, id => 'beyond'], [charge => 1, pockets => "50/${END}000/video.*"]);
is $b->sql(q{select count(*) from command where account = $1 and set_fields ? 'take'},
           $account), 0, 'credits of a feature pay nothing that is owed';
is $b->call_error('unpaid_charge', { account => $account }), 'PT409 credits_insufficient',
    'nor when an operator asks';
give(5, 'promo');
is $b->sql(q{select state from unpaid_use where account = $1}, $account), 'charging',
    'others do';

done_testing;
