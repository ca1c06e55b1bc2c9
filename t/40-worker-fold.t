#!/usr/bin/perl
# Two ways through settle, the short one of plain events and the long one, say the
# same of every register: accounts in pairs get the same events, sound and broken,
# one by Redis and the worker, the other by the SQL of the long way alone.

use strict;
use warnings;

use lib 't/lib';
use List::Util qw(max);
use Test::More;
use Tollgate;

my $PAIRS = 60;
my $GRANT = 1_000_000;
my $seed = $ENV{TOLLGATE_SEED} // time;
diag "TOLLGATE_SEED=$seed";
srand $seed;

my $t = Tollgate->new;
$t->redis;
$t->postgres;
$t->worker('settle.idle_ms' => 20, 'worker.roles' => 'settle mirror api',
           'worker.log_level' => 'debug');

sub settled { return !grep { $t->r('XLEN', "tg:{$_}:ledger") } 0 .. 63 }

my @accounts = map { $_->[0] } $t->sql(q{
    select account from (select api.account_create('{"name": "Test"}') ->> 'id' as account
                         from generate_series(1, $1)) made
    where ledger.grant_credits(account, $2, 'purchase', 'test:' || account) is not null},
    2 * $PAIRS, $GRANT);
$t->wait_for(sub { settled() && $t->sql(q{select count(*) from account_cursor
                                          where last_avail > 0}) == @accounts },
             'the grants to be settled');
my @pairs = map { { of => [splice @accounts, 0, 2], seq => 1, avail => $GRANT, held => 0,
                    at => 1_795_262_390_000_000 + int rand 86_400_000_000, plain => $_ % 3 } } 1 .. $PAIRS;

sub pick { return $_[rand @_] }

# Two of three are plain; a void makes its account go the long way for a day.
# What each kind may take, and does to avail and held.
my %kinds = (
    charge => sub { (-$_[1], 0) }, refund => sub { ($_[1], 0) },
    hold => sub { (-$_[1], $_[1]) }, late => sub { (-$_[1], 0) },
    commit => sub { my $more = int rand($_[0]{held} - $_[1] + 1); ($more, -$_[1] - $more) },
    release => sub { ($_[1], -$_[1]) }, expired => sub { ($_[1], -$_[1]) },
    void => sub { (0, 0) }, threshold => sub { (0, 0) },
    lease => sub { my $lent = int(rand($_[0]{avail} - $_[1] + $_[0]{held} + 1)) - $_[0]{held};
                   (-$_[1] - $lent, $lent) },
);
my @often = ('charge') x 8;

# The next event of a register, which sometimes is a lie.
sub event {
    my ($p) = @_;

    my $kind = pick(@often, grep { !$p->{plain} || !/void|threshold/ } sort keys %kinds);
    my $most = $kind =~ /commit|release|expired/ ? $p->{held}
             : $kind =~ /charge|lease|hold|late/ ? $p->{avail} : $GRANT - $p->{avail} - $p->{held};
    my @credits = map { int rand(($most > 3000 ? 3000 : $most) / 3) } 1 .. pick(1, 1, 2, 3);
    @credits = (0) if $kind =~ /void|threshold/;
    @credits = () if $kind eq 'lease' && rand() < 0.3;
    my $credits = 0;
    $credits += $_ for @credits;
    my ($avail, $held) = $kinds{$kind}->($p, $credits);
    $p->{avail} += $avail;
    $p->{held} += $held;
    $p->{seq}++;
    $p->{at} += pick(1, 1000, 1_000_000, -500, 3_600_000_000);

    my %e = (e => 1, s => $p->{seq}, t => $p->{at}, k => $kind, d => $avail + $held,
             v => $p->{avail}, h => $p->{held}, n => 0);
    $e{i} = [map { ["r$p->{seq}x$_", 'key_0000000001', 'app_0000000001',
        pick('image.generate', 'text.write', '-'), '-', $credits[$_],
        $kind =~ /charge|lease/ ? pick(0, 0, 1, 2) : $kind eq 'refund' ? pick(0, !$p->{plain}) + 0 : 0] }
        0 .. $#credits];
    $e{i} = [["r$p->{seq}x0", 'key_0000000001', 'app_0000000001', 'balance', '50', 100, 50]]
        if $kind eq 'threshold';

    pick(sub { $e{ pick(qw(e s d v h)) } += pick(-1, 1) },
         sub { $p->{seq}++ }, sub { $e{s} -= 1 },
         @credits ? (sub { $e{i}[0][5]++ }, sub { $e{k} = pick(sort keys %kinds) }) : ())->() if rand() < 0.015;
    $_ = $_ < 0 ? 0 : $_ for @e{qw(v h)};

    return \%e;
}

# By Redis, all at once; and by SQL, as a batch of a stream that nobody owns.
my ($place, $cursor) = (0, '0-0');
sub carry {
    my (@events) = @_;
    $t->r('MULTI');
    my @rows;
    for my $event (@events) {
        my ($p, $e) = @$event;
        my ($left, $right) = @{ $p->{of} };
        $t->r('XADD', Tollgate::ledger_key($left), '*', a => $left,
              (map { $_ => $e->{$_} } qw(e s t k d v h n)),
              i => join ';', map { join ' ', "$left$_->[0]", @$_[1 .. 6] } @{ $e->{i} });
        $place++;
        push @rows, map {
            my @item = @{ $e->{i} } ? ("$right$e->{i}[$_][0]", @{ $e->{i}[$_] }[1 .. 6]) : ('-') x 7;
            sprintf "('tg:{99}:ledger', '$place-0', $_, '$right', %s, '%s', %s, %s)",
                join(', ', @$e{qw(e s t)}), $e->{k}, join(', ', @$e{qw(d v h n)}),
                join ', ', map { $_ eq '-' ? 'null' : "'$_'" } @item
        } 0 .. max(0, $#{ $e->{i} });
    }
    $t->r('EXEC');
    $t->psql($t->{dsn}, join "\n", 'set role tollgate_worker;', 'begin;',
        'select ledger.settle_begin() \gset',
        'insert into settle_event values ' . join(",\n", @rows) . ';',
        "select ledger.settle_ledger('tg:{99}:ledger', '$cursor', '$place-0');", 'commit;');
    $cursor = "$place-0";
    $t->wait_for(\&settled, 'the batch to be settled');

    return;
}

for my $batch (1 .. 6) {
    carry(map { my $p = $_; map { [$p, event($p)] } 1 .. rand 20 } @pairs);
}

# What is told of each account, in lines.
my %told;
push @{ $told{ $_->[0] } }, join ' ', map { $_ // '-' } @$_[1 .. $#$_] for map { $t->sql($_) } (
    'select id, state, ledger.balance(id) from account',
    'select account, epoch, last_seq, last_avail, last_held, last_cmd from account_cursor',
    q{select account, at, kind, epoch, seq, substr(request_id, 11), key, app, feature, credits,
             units, txn is null from charge order by seq, request_id},
    q{select x.account, feature, sum(amount) from ledger_entry e join ledger_txn x on x.id = e.txn
      where feature is not null group by 1, 2 having sum(amount) <> 0 order by 2},
    q{select account, "window", start, used from quota_usage where used > 0 order by 2, 3},
    'select account, reason, jsonb_array_length(event) from suspense_event order by id',
    'select account, substr(request_id, 11) from void_request order by 2',
    'select account, type, percent, seq from account_event order by seq');

for my $i (0 .. $#pairs) {
    my ($left, $right) = map { $told{$_} } @{ $pairs[$i]{of} };
    is_deeply $left, $right, "pair $i: $left->[0]";
}
my $log = $t->slurp('worker.log');
like $log, qr/settled tg:\S+ to \S+: \{"plain": true\}/, 'the short way was gone';
like $log, qr/settled tg:\S+ to \S+: \{"events": [1-9]/, 'and the long one';
my $frozen = $t->sql(q{select count(*) from account where state = 'frozen'});
cmp_ok $frozen, '>', 0, "$frozen accounts were frozen";
cmp_ok $frozen, '<', 2 * $PAIRS, 'and others not';
is $t->sql(q{select ledger.verify_totals() ->> 'ok'}), 'true', 'the ledger sums to zero';

done_testing;
