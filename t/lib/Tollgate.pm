package Tollgate;

# The servers of one test: private Redis, Postgres, worker and nginx on unix
# sockets in a directory of their own, stopped and checked at the end.

use strict;
use warnings;

use Compress::Zlib ();
use Cwd ();
use Digest::SHA ();
use File::Path ();
use File::Temp ();
use FindBin ();
use JSON::PP ();
use POSIX ();
use Time::HiRes ();

use Tollgate::Http;
use Tollgate::Nginx;
use Tollgate::Resp;

my $root = Cwd::abs_path("$FindBin::Bin/..");
my $pg_bin = (sort glob '/usr/lib/postgresql/*/bin')[-1];
my @live;

our $build = $ENV{TOLLGATE_BUILD} // "$root/build";
our $SHARDS = 64;

sub new {
    my ($class) = @_;

    my $dir = File::Temp::tempdir('tollgate-XXXXXX', TMPDIR => 1);
    chmod 0755, $dir;

    my $self = bless { dir => $dir, root => $root, processes => {},
                       owner => $$ }, $class;
    push @live, $self;

    return $self;
}

# --- processes ----------------------------------------------------------------

sub start {
    my ($self, $name, $as_nobody, $env, @command) = @_;

    # A master of nginx that is killed would leave its workers behind.
    unshift @command, 'setpriv', '--pdeathsig',
        $name eq 'nginx' ? 'TERM' : 'KILL',
        $as_nobody && $> == 0
            ? ('--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups')
            : ();

    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        setpgrp;
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$self->{dir}/$name.log";
        open STDERR, '>&', \*STDOUT;
        @ENV{ keys %$env } = values %$env;
        exec @command or POSIX::_exit(127);
    }

    return $self->{processes}{$name} = $pid;
}

# Ends a process with the signal and waits for it; its exit status.
sub stop {
    my ($self, $name, $signal) = @_;

    my $pid = delete $self->{processes}{$name} or return;
    kill $signal // 'TERM', $pid;

    my $deadline = Time::HiRes::time() + 15;
    until (waitpid($pid, POSIX::WNOHANG()) == $pid) {
        if (Time::HiRes::time() > $deadline) {
            kill 'KILL', -$pid, $pid;
            waitpid $pid, 0;
            push @{ $self->{faults} }, "$name did not stop";
            return;
        }
        Time::HiRes::usleep(5000);
    }

    return $?;
}

# Process ids of what a started process has forked.
sub children {
    my ($self, $name) = @_;

    my $pid = $self->{processes}{$name};

    return split ' ', $self->slurp("/proc/$pid/task/$pid/children");
}

# Waits for a condition that is due within so many seconds (10); a machine that
# does other things as well gets several times as long.
sub wait_for {
    my ($self, $condition, $what, $seconds) = @_;

    my $slower = $ENV{TOLLGATE_VALGRIND} ? 12 : 4;
    my $deadline = Time::HiRes::time() + $slower * ($seconds // 10);
    while (Time::HiRes::time() < $deadline) {
        my $value = eval { $condition->() };
        return $value if $value;
        Time::HiRes::usleep(10_000);
    }

    my (undef, $file, $line) = caller;
    Test::More::fail('waited for ' . ($what // 'a condition')
                     . " at $file line $line");
    return;
}

sub slurp {
    my ($self, $name) = @_;

    open my $file, '<', $name =~ m{^/} ? $name : "$self->{dir}/$name"
        or return '';
    local $/;
    return scalar readline $file;
}

sub spew {
    my ($self, $name, $text) = @_;

    open my $file, '>', "$self->{dir}/$name" or die "$name: $!\n";
    print {$file} $text;
    close $file or die "$name: $!\n";

    return "$self->{dir}/$name";
}

# --- Redis --------------------------------------------------------------------

sub redis {
    my ($self, %config) = @_;

    $self->{redis_config} = { port => 0, save => '""', dir => $self->{dir},
        unixsocket => "$self->{dir}/redis.sock", unixsocketperm => 777,
        'maxmemory-policy' => 'noeviction', %config };

    return $self->redis_start;
}

# Settings for the next start.
sub redis_config {
    my ($self, %config) = @_;

    @{ $self->{redis_config} }{ keys %config } = values %config;

    return;
}

sub redis_start {
    my ($self) = @_;

    my $config = $self->{redis_config};
    $self->spew('redis.conf',
        join '', map { "$_ $config->{$_}\n" } sort keys %$config);

    my $path = "$self->{dir}/redis.sock";
    unlink $path;
    $self->{redis_pid} = $self->start('redis', 0, {}, 'redis-server',
                                      "$self->{dir}/redis.conf");
    delete $self->{connection};
    $self->wait_for(sub {
        my $pong = $self->r_try('PING');
        return ref $pong ? $$pong =~ /NOAUTH/ : $pong eq 'PONG';
    }, 'Redis to answer');

    return $path;
}

sub redis_stop {
    my ($self, $signal) = @_;

    delete $self->{connection};
    return $self->stop('redis', $signal // 'KILL');
}

sub r_try {
    my ($self, @words) = @_;

    return $self->fleet_command(@words) if $self->{fleet};
    $self->{connection} //= Tollgate::Resp->new("$self->{dir}/redis.sock");
    my $reply = eval { $self->{connection}->command(@words) };
    if ($@) {
        delete $self->{connection};
        die $@;
    }

    return $reply;
}

sub r {
    my ($self, @words) = @_;

    my $reply = $self->r_try(@words);
    die "redis: $$reply\n" if ref $reply eq 'SCALAR';

    return $reply;
}

sub script {
    my ($self, $name, $keys, $args) = @_;

    return $self->r('EVAL', $self->script_text($name), scalar @$keys, @$keys,
                    @$args);
}

# A script with the parts that it includes.
sub script_text {
    my ($self, $name) = @_;

    return $self->slurp("$root/redis/$name.lua")
        =~ s{^--: include (\S+)\n}{$self->slurp("$root/redis/$1")}egmr;
}

# --- what a test puts into Redis without a worker -------------------------------

sub crc32 { return Compress::Zlib::crc32($_[0]) }

sub shard { return crc32($_[0]) % $SHARDS }

sub wallet_key { return 'tg:{' . shard($_[0]) . "}:w:$_[0]" }

sub ledger_key { return 'tg:{' . shard($_[0]) . '}:ledger' }

sub make_key {
    my ($account, $secret, $kind) = @_;

    my $text = 'tg_' . ($kind // 'live') . "_$account$secret";
    my @digits = (0 .. 9, 'A' .. 'Z', 'a' .. 'z');
    my ($checksum, $rest) = ('', crc32($text));
    for (1 .. 6) {
        $checksum = $digits[$rest % 62] . $checksum;
        $rest = int($rest / 62);
    }

    return $text . $checksum;
}

sub plan {
    my ($self, $code, %fields) = @_;

    %fields = (version => 1, name => ucfirst $code, tier => 0, mode => 'payg',
               day => -1, month => -1, key_rate => 0, app_rate => 0,
               key_burst => 1, app_burst => 1, %fields);
    $self->r('HSET', "tg:{$_}:plan:$code", %fields) for 0 .. $SHARDS - 1;

    return;
}

sub wallet {
    my ($self, $account, %fields) = @_;

    $self->plan('payg')
        unless $self->r('EXISTS', 'tg:{' . shard($account) . '}:plan:payg');
    $self->r('HSET', wallet_key($account), state => 'active', plan => 'payg',
             epoch => 1, seq => 0, avail => 0, held => 0, cmd => 0, %fields);

    return;
}

# Writes a key record and its app, and returns the whole key.
sub key {
    my ($self, $account, %record) = @_;

    my $n = ++$self->{keys};
    %record = (id => sprintf('key_%010d', $n), app => 'app_0000000001',
               state => 'active', expires_ms => 0, app_state => 'active',
               secret => sprintf('%032d', $n), %record);
    my $key = make_key($account, $record{secret}, $record{kind});

    $self->r('HSET', wallet_key($account),
        'k:' . Digest::SHA::sha256_hex($key),
        "$record{id} $record{app} $record{state} $record{expires_ms}"
            . ($record{rules} ? ' rules' : ''),
        "a:$record{app}", $record{app_state},
        $record{rules} ? ("r:$record{id}", $record{rules}) : ());

    return $key;
}

sub catalog {
    my ($self, @lines) = @_;

    my $version = 1 + ($self->r('HGET', 'tg:catalog', 'version') // 0);
    $self->r('HSET', 'tg:catalog', version => $version,
             body => join('', map { join("\t", split ' ') . "\n" } @lines));

    return $version;
}

# --- Postgres -----------------------------------------------------------------

sub postgres {
    my ($self, %config) = @_;

    $self->{postgres_config} = { shared_buffers => '32MB', %config };

    my $home = "$self->{dir}/pg";
    mkdir $home;
    chown scalar getpwnam('nobody'), scalar getgrnam('nogroup'), $home
        if $> == 0;

    my $initdb = $self->start('initdb', 1, {}, "$pg_bin/initdb", '-D',
        "$home/data", '-U', 'postgres', '--auth=trust', '--no-sync',
        '--encoding=UTF8', '--locale=C.UTF-8');
    waitpid $initdb, 0;
    delete $self->{processes}{initdb};
    die $self->slurp('initdb.log') if $?;

    $self->{dsn} = "host=$home dbname=tollgate user=tollgate";
    $self->postgres_start;
    $self->psql("host=$home dbname=postgres user=postgres",
        "create role tollgate login createrole;\n"
        . "create database tollgate owner tollgate;\n");

    return $self->{dsn};
}

sub postgres_start {
    my ($self) = @_;

    my $home = "$self->{dir}/pg";
    $self->{postgres_pid} = $self->start('postgres', 1, {},
        "$pg_bin/postgres", '-D', "$home/data", map { ('-c', $_) }
        'listen_addresses=', "unix_socket_directories=$home", 'fsync=off',
        'full_page_writes=off', 'synchronous_commit=off', 'timezone=UTC',
        'max_connections=40',
        map { "$_=$self->{postgres_config}{$_}" } sort keys %{ $self->{postgres_config} });
    $self->wait_for(sub {
        system("$pg_bin/pg_isready -q -h $home -U postgres -d postgres") == 0
    }, 'Postgres to start', 30);

    return;
}

sub postgres_stop {
    my ($self, $signal) = @_;

    return $self->stop('postgres', $signal // 'INT');
}

sub schema {
    my ($self) = @_;

    $self->postgres unless $self->{dsn};

    my @files = glob "$root/sql/migrations/*.sql";
    push @files, glob "$root/sql/functions/$_/*.sql"
        for qw(lib ledger mirror job api);
    $self->psql($self->{dsn}, join "\n;\n", 'set client_min_messages = warning; set check_function_bodies = off',
                map { $self->slurp($_) } @files);

    return;
}

# Runs the text in psql and returns its output; dies with its errors.
sub psql {
    my ($self, $dsn, $text) = @_;

    my $in = $self->spew("psql.$$.sql", $text);
    my $out = `psql -X -q -A -t -F '\x1f' -R '\x1e' -P null='\x1d' \\
        -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -f $in -d '$dsn' 2>&1`;
    die $out if $?;

    return $out;
}

sub sql {
    my ($self, $text, @params) = @_;

    my @quoted = map {
        my $value = $_;
        defined $value ? "'" . $value =~ s/'/''/gr . "'" : 'null';
    } @params;
    $text =~ s/\$(\d+)/$quoted[$1 - 1]/g if @params;

    my $out = $self->psql($self->{sql_dsn} // $self->{dsn},
                          "set standard_conforming_strings = on;\n$text\n;\n");
    $out =~ s/\n\z//;
    my @rows = map {
        [map { $_ eq "\x1d" ? undef : $_ } split /\x1f/, $_, -1]
    } split /\x1e/, $out;

    return wantarray ? @rows : @rows ? $rows[0][0] : undef;
}

sub sql_error {
    my ($self, $text, @params) = @_;

    eval { $self->sql($text, @params); 1 } and return undef;
    my ($state, $message) = $@ =~ /ERROR:\s+(\w{5}): (.*)/ or die $@;

    return { state => $state, message => $message, text => $@ };
}

# --- worker -------------------------------------------------------------------

sub worker {
    my ($self, %over) = @_;

    $self->spew('operator.token', "tgop_test_token_of_the_operator\n");
    chmod 0600, "$self->{dir}/operator.token";

    my %conf = (
        'postgres.dsn' => $self->{dsn},
        'redis.server' => "unix:$self->{dir}/redis.sock",
        'api.socket' => "$self->{dir}/api.sock",
        'api.admin_socket' => "$self->{dir}/admin.sock",
        'api.socket_mode' => '0666',
        'api.token_file' => "$self->{dir}/operator.token",
        'sql.dir' => "$root/sql",
        %over);

    my %sections;
    for my $name (sort keys %conf) {
        my ($section, $key) = split /\./, $name, 2;
        $sections{$section} .= "$key = $conf{$name}\n";
    }
    $self->spew('worker.ini',
        join "\n", map { "[$_]\n$sections{$_}" } sort keys %sections);

    return $self->worker_start;
}

sub worker_start {
    my ($self) = @_;

    unlink "$self->{dir}/admin.sock", "$self->{dir}/api.sock";
    my $pid = $self->start('worker', 0, {}, "$build/tollgate-worker", '-c',
                           "$self->{dir}/worker.ini");
    $self->wait_for(sub { ($self->api('GET', '/api/health'))[0] == 200 },
                    'the worker to answer', 30)
        or Test::More::diag($self->slurp('worker.log'));

    return $pid;
}

sub worker_stop {
    my ($self, $signal) = @_;

    return $self->stop('worker', $signal);
}

sub api {
    my ($self, $method, $path, $body, %headers) = @_;

    $body = JSON::PP->new->utf8->canonical->encode($body) if ref $body;
    $headers{'Content-Type'} //= 'application/json' if defined $body;
    my $response = Tollgate::Http::request("$self->{dir}/admin.sock", $method,
                                           $path, \%headers, $body);

    return ($response->{status}, $response->{json}, $response);
}

# --- the end of a test ----------------------------------------------------------

# Stops everything; what must never stand in a log is a fault of the test.
sub finish {
    my ($self) = @_;

    return if $self->{finished}++;

    kill 'CONT', values %{ $self->{processes} };
    $self->stop($_, $_ eq 'nginx' ? 'QUIT' : $_ eq 'postgres' ? 'INT' : 'TERM')
        for sort { ($a eq 'nginx' ? 0 : $a eq 'worker' ? 1 : 2)
                   <=> ($b eq 'nginx' ? 0 : $b eq 'worker' ? 1 : 2) }
            keys %{ $self->{processes} };

    for my $log ('error.log', 'nginx.log', 'worker.log') {
        push @{ $self->{faults} }, map { "$log: $_" }
            grep { !$self->{killed} || !/exited on signal 9/ }
            grep { /\[alert\]|\[emerg\]|Sanitizer|runtime error:/ }
            split /\n/, $self->slurp($log);
    }
    push @{ $self->{faults} }, map { "valgrind: $_" }
        grep { /^==/ } map { split /\n/, $self->slurp($_) }
        glob "$self->{dir}/valgrind-*.log";

    return @{ $self->{faults} // [] };
}

END {
    my $exit = $?;

    for my $t (grep { $_->{owner} == $$ } @live) {
        my @faults = $t->finish;
        Test::More::diag("fault: $_") for @faults;
        $exit ||= 1 if @faults;

        if ($exit || !Test::More->builder->is_passing || $ENV{TOLLGATE_LEAVE}) {
            Test::More::diag("logs are kept in $t->{dir}");
        } else {
            File::Path::remove_tree($t->{dir});
        }
    }

    $? = $exit;
}

1;
