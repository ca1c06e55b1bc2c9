#!/usr/bin/perl
# What a Postgres that is too old lacks is posted to the credit, whatever ran when
# the events went, once, though the worker dies; commands keep their numbers.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Gate;
use Tollgate::Hold;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
my %conf = ('settle.idle_ms' => 20, 'postgres.timeout' => '20s');
$t->worker(%conf);
$t->load_demo;
my %c = map { $_ => $t->customer(credits => '100') } qw(charge hold commit grant idle);
my $dbadmin = $t->{dsn} =~ s/dbname=\S+ user=\S+/dbname=postgres user=postgres/r;

sub template {
    my ($from, $to) = @_;

    $t->worker_stop if $t->{processes}{worker};
    $t->psql($dbadmin, "drop database if exists $to with (force);\n"
        . "create database $to template $from owner tollgate;\n");

    return;
}

sub pay {
    my ($c, $n) = @_;

    gate($t, $c->{account}, { key => $c->{key}, cost => 1_000_000 }) for 1 .. $n;

    return;
}

sub hold_of { return hold($t, $_[0]{account}, $_[0]{key}, $_[1], $_[2] * 1e6)->{verdict} }

sub balances { return join ' ', map { $t->balance($c{$_}) } sort keys %c }

sub wallets {
    return join ' ', map { wallet_fields($t, $c{$_}{account}, 'avail', 'held') =~ s/000000\b//gr =~ tr/ /+/r }
        sort keys %c;
}

sub catchup { return $t->must('POST', '/api/ledger/catchup', { yes => $_[0] ? \1 : \0 }) }

# Waits until the streams of these customers are known to be behind, and no others.
sub behind {
    my %shards = map { Tollgate::shard($_->{account}) => 1 } @_;

    return $t->wait_for(sub { $t->sql('select count(*) from stream_behind where is_gap and ended_at is null
        and caught_up_at is null') == keys %shards }, 'streams to be behind');
}

is hold_of($c{commit}, 'h1', 20), 'pass', 'credits are held before the copy';
$t->settled;
template('tollgate', 'copy');
$t->worker_start;

# what will be gone, and then what stays
pay($c{$_}, 5) for qw(charge grant);
is hold_of($c{hold}, 'h2', 10), 'pass', 'a hold that goes';
is hold_of($c{commit}, 'h3', 30), 'pass', 'and another';
$t->must('POST', "/api/accounts/$c{grant}{account}/credits", { credits => '40', source => 'purchase' });
my $stranger = $t->customer(credits => '10');
pay($stranger, 1);
$t->settled;
ok $t->verified->{ok}, 'before all is well';
template('copy', 'tollgate');
$t->worker_start;
behind(@c{qw(charge hold commit grant)}, $stranger);
commit($t, $c{commit}{account}, 'h3', 25_000_000);
commit($t, $c{hold}{account}, 'h2', 4_000_000);
pay($c{charge}, 2);
pay($stranger, 1);

my $before = $t->sql('select count(*) from ledger_txn');
my $look = catchup(0);
ok !$look->{applied}, 'a look';
is join(' ', map { $_->{credits} } sort { $a->{credits} <=> $b->{credits} } @{ $look->{data} }), '-5 0 0 35',
    'tells of each account what it lacks';
is_deeply [map { @{ $_->{unknown} } } @{ $look->{streams} }], [$stranger->{account}],
    'and who is unknown';
is scalar $t->sql('select count(*) from ledger_txn'), $before, 'it leaves nothing behind';
# it dies amid the posting
open my $psql, '|-', 'psql', '-X', '-q', '-d', $t->{dsn} or die "psql: $!\n";
print {$psql} "begin; lock table catchup in exclusive mode;\n";
$psql->flush;
$t->wait_for(sub { $t->sql(q{select count(*) from pg_locks where granted and mode = 'ExclusiveLock'
    and relation = 'catchup'::regclass}) }, 'the table to be held');
my $asks = fork // die "fork: $!\n";
if (!$asks) {
    eval { catchup(1) };
    POSIX::_exit(0);
}
$t->wait_for(sub { $t->sql(q{select count(*) from pg_stat_activity where wait_event_type = 'Lock'
    and application_name like '%catchup'}) }, 'it to wait');
my ($api) = grep { $t->slurp("/proc/$_/comm") =~ /^api/ } $t->children('worker');
kill 'KILL', $api;
close $psql;
waitpid $asks, 0;
$t->wait_for(sub { ($t->api('GET', '/api/health'))[0] == 200
    && !$t->sql(q{select count(*) from pg_stat_activity where application_name like '%catchup'}) }, 'its end');
is scalar $t->sql('select count(*) from catchup'), 0, 'killed in the middle it has done nothing';

my $done = catchup(1);
ok $done->{applied}, 'again';
is_deeply [sort map { "$_->{account} $_->{credits}" } @{ $done->{data} }],
    [sort map { "$_->{account} $_->{credits}" } @{ $look->{data} }], 'it does what the look told';
$t->settled;
is balances(), '93 75 135 96 100', 'each request is charged, known or not';
is wallets(), '93+0 55+20 135+0 96+0 100+0', 'as the wallets have it';
my $proof = $t->verified;
ok $proof->{ok}, 'the proof agrees' or diag explain $proof;
is_deeply catchup(1)->{streams}, [], 'a second time there is nothing to do';
is scalar $t->sql(q{select string_agg(kind, ' ' order by kind) from ledger_txn
    where account in ($1, $2) and kind <> 'grant'}, $c{charge}{account}, $c{grant}{account}),
    'recovery recovery usage', 'what is known is posted as what it is';
is scalar $t->sql(q{select string_agg(distinct account, ' ') from alert where kind = 'account_unknown'}),
    $stranger->{account}, 'events of the stranger are kept aside';

# what was asked of a restored Postgres before it was compared gets other numbers
$t->must('POST', "/api/accounts/$c{idle}{account}/credits", { credits => '1' });
$t->mirrored;
$t->settled;
template('tollgate', 'copy');
$t->worker_start;
$t->must('POST', "/api/accounts/$c{idle}{account}/credits", { credits => '7' });
pay($c{charge}, 1);
$t->settled;
template('copy', 'tollgate');
$t->sql(q{select ledger.grant_credits(account => $1, amount => 3000000, source => 'promo', issue_key => 'early')},
        $c{idle}{account});
$t->worker_start;
behind(@c{qw(charge idle)});
catchup(1);
$t->mirrored;
$t->settled;
is join(' ', $t->balance($c{idle}), wallet_fields($t, $c{idle}{account}, 'avail')), '111 111000000',
    'the command that was forgotten and the new one both count';
ok $t->verified->{ok}, 'and the proof agrees';
is scalar $t->sql(q{select count(*) from account where state = 'frozen'}), 0, 'nobody was frozen';

done_testing;
