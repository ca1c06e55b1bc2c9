package Faults;

# The faults: what each breaks and how it is mended.  A row is
#   on      what it touches, in words; two that touch the same don't overlap
#   lasts   for how many steps, at least and at most; 1 if left out
#   break, mend   functions of the world; without mend it mends itself
#   in      where Redis has to stand as World.pm says; anywhere if left out
#   weight  how often, 2 if left out

use strict;
use warnings;

use Time::HiRes ();

our %table = (
    'nginx worker: kill -9' => { on => 'nginx',
        break => sub { nginx_killed($_[0]); kill KILL => child($_[0], 'nginx') } },
    'nginx: kill -9 of all' => { on => 'nginx', lasts => [1, 15],
        weight => 1, break => \&nginx_kill_all, mend => sub { $_[0]->nginx_start } },
    'nginx: reload' => { on => 'nginx', break => sub { $_[0]->nginx_reload } },
    'nginx worker: SIGSTOP' => { on => 'nginx', lasts => [5, 40],
        break => sub { freeze($_[0], nginx => child($_[0], 'nginx')) },
        mend => sub { thaw($_[0], 'nginx') } },

    'settle: kill -9' => { on => 'worker', weight => 4, break => role_kill('settle') },
    'settle: SIGSTOP' => { on => 'worker', lasts => [10, 80],
        break => role_freeze('settle'), mend => sub { thaw($_[0], 'settle') } },
    'mirror: kill -9' => { on => 'worker', weight => 3, break => role_kill('mirror') },
    'mirror: SIGSTOP' => { on => 'worker', lasts => [10, 60],
        break => role_freeze('mirror'), mend => sub { thaw($_[0], 'mirror') } },
    'jobs: kill -9' => { on => 'worker', break => role_kill('jobs') },
    'api: kill -9' => { on => 'worker', break => role_kill('api') },
    'api: SIGSTOP' => { on => 'worker', lasts => [5, 30],
        break => role_freeze('api'), mend => sub { thaw($_[0], 'api') } },
    'worker: kill -9 of all' => { on => 'worker postgres', lasts => [1, 40],
        break => sub { $_[0]->worker_stop('KILL') },
        mend => sub { $_[0]->worker_start } },

    'redis: kill -9, AOF' => { on => 'redis', in => 'one', lasts => [1, 20],
        break => sub { $_[0]->redis_stop('KILL') },
        mend => sub { $_[0]->redis_start } },
    'redis: SIGSTOP' => { on => 'redis', in => 'one', lasts => [2, 160], weight => 3,
        break => sub { freeze($_[0], redis => $_[0]{redis_pid}) },
        mend => sub { thaw($_[0], 'redis') } },
    'redis: failover' => { on => 'redis', in => 'sentinel', weight => 6,
        lasts => [1, 40], break => \&master_kill, mend => \&master_back },
    'redis: FLUSHALL' => { on => 'redis', in => 'one',
        break => sub { $_[0]->r('FLUSHALL'); lost($_[0]) } },
    'redis: a wallet deleted' => { on => 'redis', break => \&wallet_delete },
    'redis: old AOF restored' => { on => 'redis', in => 'one', weight => 1,
        lasts => [10, 40], break => \&aof_keep, mend => \&aof_restore },
    'redis: failover that loses' => { on => 'redis', in => 'sentinel', weight => 3,
        lasts => [5, 30], break => \&replica_stop, mend => \&replica_promote },
    'redis: connections cut' => { on => 'redis', weight => 4, break => \&clients_kill },
    'redis: SCRIPT FLUSH' => { on => 'redis', break => sub { $_[0]->r('SCRIPT', 'FLUSH') } },
    'redis: memory full' => { on => 'redis', lasts => [5, 60],
        break => sub { $_[0]->r('CONFIG', 'SET', 'maxmemory', '1mb') },
        mend => sub { $_[0]->r('CONFIG', 'SET', 'maxmemory', 0) } },

    'postgres backend: kill -9' => { on => 'postgres', weight => 1, break => \&backend_kill },
    'postgres: kill -9 of all' => { on => 'postgres', weight => 1, lasts => [1, 40],
        break => \&postgres_kill, mend => sub { $_[0]->postgres_start } },
    'postgres: SIGSTOP' => { on => 'postgres', lasts => [5, 60],
        break => sub { freeze($_[0], postgres => $_[0]{postgres_pid},
                              $_[0]->children('postgres')) },
        mend => sub { thaw($_[0], 'postgres') } },
    'postgres: connections cut' => { on => 'postgres', weight => 3,
        break => \&backends_terminate },
    'postgres: ledger locked' => { on => 'postgres', lasts => [10, 80],
        break => \&ledger_lock, mend => \&ledger_unlock },
    'postgres: clock steps ahead' => { on => 'postgres', lasts => [10, 60],
        break => clock('1 hour'), mend => clock() },
    'postgres: clock steps back' => { on => 'postgres', lasts => [10, 60],
        break => clock('-1 hour'), mend => clock() },
);

# Those that a world can have.
sub for_store {
    my ($store) = @_;

    return { map { $_ => $table{$_} }
             grep { ($table{$_}{in} // $store) eq $store } keys %table };
}

# --- processes ----------------------------------------------------------------

# One of what a process has forked, the oldest, or that of a name.
sub child {
    my ($t, $process, $name) = @_;

    my ($pid) = grep {
        !$name || $t->slurp("/proc/$_/comm") =~ /^$name$/m
    } $t->children($process);

    return $pid // ();
}

# When nginx was killed; its log may then tell of signal 9.
sub nginx_killed {
    my ($t) = @_;

    $t->{killed} = 1;
    push @{ $t->{nginx_killed} }, Time::HiRes::time();

    return;
}

# The master first, which would start others.
sub nginx_kill_all {
    my ($t) = @_;

    my @workers = $t->children('nginx');
    nginx_killed($t);
    $t->nginx_stop('KILL');
    kill KILL => @workers;
    gone($t, @workers);

    return;
}

sub gone {
    my ($t, @pids) = @_;

    return $t->wait_for(sub {
        !grep { $t->slurp("/proc/$_/stat") =~ /^\d+ \(.*\) [^ZX]/ } @pids
    }, 'killed processes to be gone');
}

sub freeze {
    my ($t, $what, @pids) = @_;

    kill STOP => @pids;
    push @{ $t->{frozen}{$what} }, @pids;

    return;
}

sub thaw {
    my ($t, $what) = @_;

    return kill CONT => @{ delete $t->{frozen}{$what} // [] };
}

sub role_kill {
    my ($role) = @_;

    return sub { kill KILL => child($_[0], 'worker', $role) };
}

sub role_freeze {
    my ($role) = @_;

    return sub { freeze($_[0], $role => child($_[0], 'worker', $role)) };
}

# --- Redis --------------------------------------------------------------------

sub clients_kill {
    my ($t) = @_;

    $t->r('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');

    return;
}

# Says that answered writes are lost now.
sub lost {
    my ($t) = @_;

    push @{ $t->{lost} }, Time::HiRes::time();

    return;
}

sub wallet_delete {
    my ($t) = @_;

    my @names = sort keys %{ $t->{who} };
    my $c = $t->{who}{ $names[$t->{deleted}++ % @names] };
    $t->r('DEL', Tollgate::wallet_key($c->{account}));
    lost($t);

    return;
}

# Redis as it was some steps ago.
sub aof_keep {
    my ($t) = @_;

    system("cp -r $t->{dir}/appendonlydir $t->{dir}/aof-kept") == 0
        or die "cp failed\n";

    return;
}

sub aof_restore {
    my ($t) = @_;

    $t->redis_stop('KILL');
    lost($t);
    system("rm -r $t->{dir}/appendonlydir"
           . " && mv $t->{dir}/aof-kept $t->{dir}/appendonlydir") == 0
        or die "mv failed\n";
    $t->redis_start;

    return;
}

# The replica hears nothing more, and is the master when the old one has died.
sub replica_stop {
    my ($t) = @_;

    $t->{dead} = $t->master;
    $t->{behind} = $t->{dead} eq 'node1' ? 'node2' : 'node1';
    $t->node_pause($t->{behind});

    return;
}

sub replica_promote {
    my ($t) = @_;

    $t->node_kill($t->{dead});
    lost($t);
    $t->node_resume(delete $t->{behind});

    return master_back($t);
}

# The replica has all that the master had answered, and the master dies.
sub master_kill {
    my ($t) = @_;

    my $old = $t->{dead} = $t->master;
    $t->n($old, 'CLIENT', 'PAUSE', 60_000, 'WRITE');
    $t->in_sync;
    $t->node_kill($old);

    return;
}

# The replica takes over, and the old master follows it.
sub master_back {
    my ($t) = @_;

    my $old = delete $t->{dead};
    $t->wait_for(sub {
        !ref $t->n_try('sentinel1', 'SENTINEL', 'FAILOVER', 'tollgate')
    }, 'a failover to be ordered');
    my $new = $t->failed_over($old);

    # it was a master when it died, and must not be one for a moment
    $t->node($old)->{args} = ['--replicaof', '127.0.0.1', $t->node($new)->{port}];
    $t->node_start($old);
    $t->sentinels_agree;
    $t->in_sync;

    return;
}

# --- Postgres -----------------------------------------------------------------

# Postgres ends all others then, and recovers.
sub backend_kill {
    my ($t) = @_;

    my ($pid) = $t->sql(q{select pid from pg_stat_activity
        where usename = 'tollgate' and pid <> pg_backend_pid()
        order by application_name limit 1});
    kill KILL => $pid->[0] if $pid;
    $t->wait_for(sub { $t->sql('select 1') }, 'Postgres to recover', 20);

    return;
}

sub backends_terminate {
    my ($t) = @_;

    $t->sql(q{select pg_terminate_backend(pid) from pg_stat_activity
              where usename = 'tollgate' and pid <> pg_backend_pid()});

    return;
}

sub postgres_kill {
    my ($t) = @_;

    my @backends = $t->children('postgres');
    $t->postgres_stop('KILL');
    kill KILL => @backends;
    gone($t, @backends);

    return;
}

# A transaction that holds the ledger until it is ended.
sub ledger_lock {
    my ($t) = @_;

    open $t->{ledger_lock}, '|-', 'psql', '-X', '-q', '-d', $t->{dsn}
        or die "psql: $!\n";
    print { $t->{ledger_lock} }
        "begin; lock table ledger_entry in exclusive mode;\n";
    $t->{ledger_lock}->flush;

    return;
}

sub ledger_unlock {
    my ($t) = @_;

    local $SIG{PIPE} = 'IGNORE';
    close delete $t->{ledger_lock};

    return;
}

# Stops the clock of the business at a time so far from now; without one it runs again.
sub clock {
    my ($step) = @_;

    return sub {
        $_[0]->sql('select lib.clock_freeze(clock_timestamp() + $1::interval)', $step);
    };
}

1;
