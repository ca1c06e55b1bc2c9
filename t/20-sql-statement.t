#!/usr/bin/perl
# Statements of random ledgers: opening + movements = closing for any period and in
# pages of any size, while rows are added and where the clock stepped back.

use strict;
use warnings;

use lib 't/lib';
use List::Util qw(first max min sum0);
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $account = $b->account(0);
my $other = $b->account(0);
$b->sql(q{insert into ledger_account (account, kind, asset) values ($1, 'unpaid', 'CREDIT'), ($2, 'unpaid', 'CREDIT')}, $account, $other);
my $seed = $ENV{TOLLGATE_SEED} // time;
srand $seed;
diag "TOLLGATE_SEED=$seed";

# Movements at the times given (s after the first of May): what is sold and bought at
# random, and some of what is owed, which moves no balance.
my ($made, %balance) = (0);
sub post {
    my ($id, @at) = @_;

    my @rows = map {
        my $amount = int rand 2_000_000_000;
        $amount = -$amount if $amount <= ($balance{$id} //= 0) && rand() < 0.6;
        my $owes = rand() < 0.1 ? 1 : 0;
        $balance{$id} += $amount unless $owes;
        sprintf q{(%d, '%s', %d, '2026-05-01Z'::timestamptz + interval '%.6f s', %d)}, ++$made, $id, $amount || 1, $_, $owes;
    } @at;
    $b->sql("create temp table made (n int, account text, amount bigint, recorded_at timestamptz, owes int);
        insert into made values " . join(', ', @rows) . ";
        insert into ledger_txn (key, kind, account, description, at, recorded_at)
        select 'test:' || n, case when amount > 0 then 'grant' else 'usage' end, account, '=n' || n, recorded_at, recorded_at
        from made order by n;
        insert into ledger_entry (txn, n, ledger_account, amount)
        select t.id, side, case when side = 2 then ledger.system_account('issued') when owes = 1
                                then ledger.unpaid_account(m.account) else ledger.wallet(m.account) end,
               case owes when 1 then -abs(amount) else amount end * case side when 1 then 1 else -1 end
        from made m join ledger_txn t on t.key = 'test:' || m.n, generate_series(1, 2) side");
    return;
}

# What the ledger has, to compare with: [id, us since May, movement of the balance].
sub ledger_of {
    return map { [$_->[0], $_->[1] + 0, $_->[2]] } $b->sql(q{
        select t.id, extract(epoch from t.recorded_at - '2026-05-01Z')::numeric * 1000000,
               coalesce((select sum(amount) from ledger_entry e where e.txn = t.id and e.ledger_account = ledger.wallet($1)), 0)
        from ledger_txn t where t.account = $1 order by t.id}, $_[0]);
}

sub micro { return int sprintf '%.0f', 1_000_000 * $_[0] }
sub at { return sprintf '2026-05-01T%02d:%02d:%02d.%06dZ', $_[0] / 3600, $_[0] / 60 % 60, $_[0] % 60, 1_000_000 * ($_[0] - int $_[0]) }

# All pages of a statement, of so many rows; between two of them $add is called.
sub pages {
    my ($function, $args, $limit, $add) = @_;

    my ($first, @lines, $next);
    do {
        my $page = $b->call($function, { %$args, limit => $limit, cursor => $next });
        push @lines, @{ delete $page->{data} };
        $next = $page->{next_cursor};
        $first //= { map { $_ => $page->{$_} } grep { !/^(?:next_cursor|has_more)$/ } keys %$page };
        $add->() if $add;
    } while ($next);

    return ($first, @lines);
}

# Whether it foots: from the opening over each balance to the closing.
sub foots {
    my ($head, @lines) = @_;

    my $sum = micro($head->{opening});
    for (@lines) { return "off at $_->{id}" if ($sum += micro($_->{amount})) != micro($_->{balance}) }

    return $sum == micro($head->{closing}) ? 'foots' : 'closing is off';
}

# The clock steps back by two minutes once in a while, and at each checkpoint.
my ($clock, $ticks) = (0, 0);
sub ticks { return map { $clock += ++$ticks % 256 == 0 || rand() < 0.02 ? -120 : rand 20; $clock = 0 if $clock < 0; sprintf '%.6f', $clock } 1 .. $_[0] }
for my $some (300, 1, 260, 90) {
    post(@$_) for [$account, ticks($some)], [$other, $clock];
    $b->sql('select ledger.seal()') unless $some == 90;
}
is $b->sql('select count(*) from ledger_checkpoint'), 2, 'there are checkpoints';
my @ledger = ledger_of($account);

my %seen;
for my $turn (1 .. 12) {
    my @ends = $turn == 1 ? map { $ledger[$_][1] / 1_000_000 } 254, 510 : map { rand() < 0.2 ? $ledger[rand @ledger][1] / 1_000_000 : rand $clock * 1.1 } 1, 2;
    my ($from, $to) = (min(@ends), max(@ends));
    # the first of a time or later, and all behind it, is not before that time
    my ($begin, $end) = map { my $at = 1_000_000 * $_; first { $_ == @ledger || $ledger[$_][1] >= $at - 0.5 } 0 .. @ledger } $from, $to;
    my ($head, @lines) = pages('ledger_statement', { account => $account, from => at($from), to => at($to) }, 20 + int rand 80);
    $seen{foots($head, @lines)}++;
    $seen{micro($head->{opening}) == sum0(map { $_->[2] } @ledger[0 .. $begin - 1]) ? 'opens' : "opening of $from-$to"}++;
    $seen{join(' ', map { $_->{id} } @lines) eq join(' ', map { $_->[0] } @ledger[$begin .. $end - 1]) ? 'lines' : "lines of $from-$to"}++;
}
is_deeply \%seen, { foots => 12, opens => 12, lines => 12 }, 'any period opens, lists and closes as the ledger does';

my ($head, @lines) = pages('ledger_statement', { account => $account }, 100, sub { post($account, $clock += 1) });
is foots($head, @lines), 'foots', 'pages foot while movements are added';
is scalar @lines, scalar @ledger, 'which are in none of them';
is micro($b->call('ledger_statement', { account => $account })->{closing}), $b->sql('select ledger.balance($1)', $account), 'but in the next';

# --- issued ---------------------------------------------------------------------

my %may = (account => $account, from => at(0), to => at($clock += 500));
is $b->call_error('statement_issue', { %may, to => '2999-01-01' }), 'PT409 period_open', 'what is not over is not issued';
my $issued = $b->call('statement_issue', { %may, _actor => 'operator' });
is "$issued->{no} $issued->{movements} $issued->{closing}",
    "1 " . ledger_of($account) . ' ' . $b->call('ledger_statement', \%may)->{closing}, 'one that is over is, with number 1';
is_deeply $b->call('statement_issue', \%may), $issued, 'the same again is the same';
my ($kept, @kept) = pages('statement_get', { statement => $issued->{id} }, 100);
is foots($kept, @kept), 'foots', 'its pages foot';

# A clock that stepped back records something in a period that was issued.
post($account, $clock - 100, $clock + 1);
is_deeply [pages('statement_get', { statement => $issued->{id} }, 70)], [$kept, @kept],
    'what is recorded for that time later leaves an issued statement as it is';
is $b->call('ledger_statement', \%may)->{closing}, $issued->{closing}, 'as any statement of that period';
my ($next, @next) = pages('ledger_statement', { account => $account, from => at($clock) }, 50);
is "$next->{opening} " . @next . ' ' . foots($next, @next), "$issued->{closing} 2 foots",
    'it is in the next period, which opens as that one closed';
my $june = $b->call('statement_issue', { account => $account, from => at($clock), to => at($clock + 500) });
is "$june->{no} $june->{opening} $june->{movements}", "2 $issued->{closing} 2", 'and so is number 2';
is $b->call('statement_issue', { %may, to => at($clock / 2) })->{no}, 3, 'a part of a period has a number of its own';
is join(' ', map { $_->{no} } @{ $b->call('statement_list', { account => $account, limit => 2 })->{data} }), '1 2', 'they are listed';
is_deeply [map { $_->{no} } @{ $b->call('statement_list', { account => $account, limit => 2, cursor => 2 })->{data} }], [3],
    'in pages';

is $b->sql('select count(*) from ledger.statements_broken()'), 0, 'all are what they were';
is_deeply [$b->sql(q{select user_id, balance from user_credits order by 1}), sum0(map { $_->[0] } $b->sql(
    'select amount from credit_transactions where user_id = $1', $account))],
    [(map { [$_, scalar $b->sql('select ledger.balance($1)', $_)] } sort $account, $other),
     scalar $b->sql('select ledger.balance($1)', $account)], 'the views say the same';
$b->{sql_dsn} = "host=$b->{dir}/pg dbname=tollgate user=postgres";
is_deeply [grep { @$_ } $b->sql(qq{begin; set local session_replication_role = replica;
    update ledger_entry set amount = amount + 1 where txn = $kept[50]{id};
    select statement from ledger.statements_broken() order by 1; rollback})],
    [map { [$_] } sort $issued->{id}, scalar $b->sql('select id from statement where no = 3')], 'a line that changed is found';

done_testing;
