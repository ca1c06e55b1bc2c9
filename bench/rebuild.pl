#!/usr/bin/perl
# rebuild.pl: how long all wallets take to come back into an empty Redis, and to
# be made again by `tollgate rebuild --all` where they are there.
#
# Environment: ACCOUNTS (1000000), each with an app, a key, a plan and credits.

use strict;
use warnings;

use FindBin ();
use POSIX ();
use Time::HiRes ();
use Test::More ();

use Tollgate;

my $accounts = $ENV{ACCOUNTS} // 1_000_000;
my $t = Tollgate->new;

$t->redis;
$t->postgres(shared_buffers => '2GB', max_wal_size => '8GB');
$t->worker('postgres.timeout' => '2m', 'worker.roles' => 'mirror api');
fill();
Test::More::diag("there are $accounts accounts");
measure('empty');
measure('rebuild');
proved();

# As the API makes them, in bulk: what their commands told is applied.
sub fill {
    $t->sql(<<'SQL', $accounts);
create temporary table made as
select 'B' || lpad(n::text, 9, '0') as id, 'app_' || lpad(n::text, 10, '0') as app,
       'key_' || lpad(n::text, 10, '0') as key, encode(sha256(n::text::bytea), 'hex') as hash
from generate_series(1, $1::int) n;
insert into account (id, shard, name, created_at, edge)
select id, lib.shard(id), 'Bench', now(), '{"anchor": "1"}' from made;
insert into account_cursor (account, last_seq, last_avail, last_cmd, command_no) select id, 1, 1000000000, 4, 4 from made;
insert into app (id, account, name, kind, created_at) select app, id, 'Web', 'web', now() from made;
insert into api_key (id, app, account, hash, prefix, last4, created_at)
select key, app, id, hash, 'tg_live_', '0000', now() from made;
insert into ledger_account (account, kind, asset) select id, 'wallet', 'CREDIT' from made;
insert into ledger_txn (key, kind, account, at) select 'grant:' || id, 'grant', id, now() from made;
insert into credit_grant (account, source, amount, remaining, effective_at, created_at, issue_key, txn)
select t.account, 'purchase', 1000000000, 1000000000, now(), now(), t.account, t.id from ledger_txn t;
insert into ledger_entry (txn, n, ledger_account, amount, credit_grant)
select g.txn, s.n, case s.n when 1 then ledger.system_account('issued') else l.id end,
       case s.n when 1 then -g.amount else g.amount end, case s.n when 2 then g.id end
from credit_grant g join ledger_account l on l.account = g.account and l.kind = 'wallet'
cross join (values (1), (2)) s (n);
insert into command (account, no, delta, set_fields, created_at, applied_at)
select m.id, c.no, c.delta, c.fields, now(), now()
from made m
cross join lateral (values (1, 0, jsonb_build_object('state', 'active', 'plan', 'payg', 'anchor', '1')),
                           (2, 0, jsonb_build_object('a:' || m.app, 'active')),
                           (3, 0, jsonb_build_object('k:' || m.hash, concat_ws(' ', m.key, m.app, 'active', '0'))),
                           (4, 1000000000, '{}')) c (no, delta, fields);
analyze;
SQL

    return;
}

# Seconds, accounts/s, and CPU of each process for an account.
sub measure {
    my ($what) = @_;

    my %before = cpu_all();
    my $began = Time::HiRes::time();
    if ($what eq 'empty') {
        $t->worker_stop;
        $t->worker('postgres.timeout' => '2m', 'worker.roles' => 'settle mirror api');
        $before{worker} = 0;
        $began = Time::HiRes::time();
    } else {
        system("$Tollgate::build/tollgate", '--socket', "$t->{dir}/admin.sock", 'rebuild', '--all') == 0
            or die "rebuild failed\n";
    }

    my $deadline = time + 3600;
    until (done()) {
        die "$what: not done\n" if time > $deadline;
        Time::HiRes::usleep(200_000);
    }
    my $took = Time::HiRes::time() - $began;
    my %after = cpu_all();
    printf "%-8s %d wallets in %.1f s, %.0f a second; CPU of a wallet, us: %s\n", $what, $accounts, $took,
        $accounts / $took, join ', ',
        map { sprintf '%s %.1f', $_, ($after{$_} - $before{$_}) * 1e6 / $accounts } qw(postgres redis worker);

    return;
}

# CPU of processes, and of children of theirs that ended, so far, in seconds.
sub cpu {
    my $ticks = 0;
    for my $pid (@_) {
        my $stat = eval { $t->slurp("/proc/$pid/stat") } or next;
        my @stat = split ' ', $stat =~ s/^.*\) //r;
        $ticks += $stat[11] + $stat[12] + $stat[13] + $stat[14];
    }
    return $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

sub cpu_all {
    return (worker => cpu($t->children('worker')),
            postgres => cpu($t->{postgres_pid}, $t->children('postgres')),
            redis => cpu($t->{redis_pid}));
}

sub done {
    my ($state) = $t->api('GET', '/api/rebuild');
    my (undef, $answer) = $t->api('GET', '/api/rebuild');

    return $state == 200 && $answer->{done} && $answer->{shards} == $Tollgate::SHARDS
        && $t->r('EXISTS', 'tg:{63}:plan:payg');
}

sub proved {
    my $wallets = $t->sql('select count(*) from recovery where done_at is not null');
    die "$wallets recoveries of $accounts accounts\n" if $wallets != 2 * $accounts;
    my (undef, $proof) = $t->api('GET', '/api/ledger/verify');
    die "edge and ledger differ\n" unless $proof->{ok};

    return;
}
