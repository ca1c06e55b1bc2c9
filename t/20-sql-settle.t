#!/usr/bin/perl
# The cheque register: a batch posts once; a gap, a lie or another epoch freezes the
# account alone.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $account = $b->account(100);

is $b->settle([charge => $account, 2, 10], [charge => $account, 3, 20]), 2,
    'a batch posts' or diag $b->{answer};
is $b->balance($account), 70, 'and is in the balance';
is $b->sql('select count(*) from ledger_txn where kind = \'usage\''), 1,
    'as one transaction of the account';
is_deeply [map { $_->[0] } $b->sql(q{select amount from ledger_entry e
    join ledger_txn t on t.id = e.txn where t.kind = 'usage' order by n})],
    [-30_000_000, 30_000_000], 'with an entry for the grant and the feature';

is $b->settle_error($b->{from}[-2], [charge => $account, 2, 10])->{message},
    'cursor_moved', 'a batch from where the cursor was is refused';
is $b->settle([charge => $account, 2, 10], [charge => $account, 3, 20]), 0,
    'events that come again post nothing';
is $b->balance($account), 70, 'and change nothing';
is $b->settle([charge => $account, 3, 20], [charge => $account, 4, 5]), 1,
    'only the new one of an overlapping batch posts';
is $b->balance($account), 65, 'once';

my $other = $b->account(100);
is $b->settle([charge => $account, 6, 10], [charge => $other, 2, 10]), 1,
    'a gap stops its account and no other';
is $b->balance($account), 65, 'nothing after a gap is posted';
is $b->balance($other), 90, 'the other account is charged';
is $b->state($account), 'frozen', 'the account is frozen';
is $b->state($other), 'active', 'the other is not';
like $b->{answer}, qr/"frozen": \["$account"\]/, 'the answer names it';
is $b->sql(q{select count(*) from alert where kind = 'register_broken'}), 1,
    'with an alert';
is $b->sql('select set_fields ->> \'state\' from command where account = $1
    order by no desc limit 1', $account), 'frozen', 'and a command for the edge';
is $b->settle([charge => $account, 7, 10]), 0, 'what follows waits in suspense';
is $b->sql('select count(*) from suspense_event where account = $1', $account),
    2, 'where both events are kept';
is $b->sql(q{select count(*) from alert where kind = 'register_broken'}), 1,
    'without a second alert';

my %fault = (
    'a balance that does not add up' =>
        sub { [charge => $_[0], 2, 10, avail => 95] },
    'items that do not add up' => sub { [charge => $_[0], 2, 10, items => 11] },
    'another epoch' => sub { [charge => $_[0], 2, 10, epoch => 2] },
    'a command that never was' =>
        sub { [command => $_[0], 2, 10, cmd => 77] },
    'a malformed entry' => sub { [malformed => $_[0], 2, 0] },
);
for my $name (sort keys %fault) {
    my $victim = $b->account(100);
    is $b->settle($fault{$name}->($victim)), 0, "$name is not posted";
    is $b->state($victim) . ' ' . $b->balance($victim), 'frozen 100',
        "$name freezes the account";
}

is $b->settle([charge => 'Nobody0000', 1, 10]), 0,
    'an event of an unknown account is kept aside';
is $b->sql(q{select reason from suspense_event where account = 'Nobody0000'}),
    'no such account', 'with the reason';

# Of a lease what was used is charged, whatever is lent or returns beside it.
my $host = $b->account(100);
is $b->settle([lease => $host, 2, 0, held => 40, avail => 60, bare => 1],
              [lease => $host, 3, 15, held => 20, avail => 65],
              [lease => $host, 4, 5, held => 90, avail => -10]), 2,
    'events of leases post, but for one that takes more than there is';
is $b->balance($host), 85, 'what was used is in the balance';
is $b->sql(q{select string_agg(kind || ' ' || credits, ', ') from charge
             where account = $1}, $host), 'charge 15000000', 'as a charge';
is $b->sql('select last_avail || \' \' || last_held from account_cursor where account = $1', $host),
    '65000000 20000000', 'and the register knows what is lent';
is $b->settle([lease => my $liar = $b->account(100), 2, 10, items => 9]), 0, 'what does not add up is not posted';

my $totals = $b->sql('select ledger.verify_totals() ->> \'ok\'');
is $totals, 'true', 'the ledger sums to zero and equals its grants';

# Ten times the events take no more than some ten times as long, on any machine.
my @crowd = map { $b->account(1000) } 1 .. 20;
sub batch_takes {
    my ($from, $to) = @_;

    my @events = map { my $n = $_; map { [charge => $_, $n + 1, 1] } @crowd } $from .. $to;
    my $start = Time::HiRes::time();
    is $b->settle(@events), scalar @events, @events . ' events post in one batch';

    return Time::HiRes::time() - $start;
}
my ($few, $many) = map { batch_takes(@$_) } [1, 50], [51, 550];
cmp_ok $many, '<', 15 * $few, sprintf 'in %.2f s, the first tenth of them in %.2f s', $many, $few;
cmp_ok $many, '<', 5, 'and less than five seconds';
is $b->balance($crowd[7]), 450, 'exactly';

done_testing;
