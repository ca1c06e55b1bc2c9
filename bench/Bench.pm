package Bench;

# What the benches of the gate measure: for each gate an nginx of its own, all
# before one backend, with one Redis and the same wallets.

use strict;
use warnings;

use Cwd ();
use File::Basename ();
use IO::Socket::INET ();
use POSIX ();
use Test::More ();

use Tollgate;
use Tollgate::Gate ();

my $folder = Cwd::abs_path(File::Basename::dirname(__FILE__));
my $debian = "$Tollgate::build/debian-modules/usr";
my $tick_us = 1e6 / POSIX::sysconf(POSIX::_SC_CLK_TCK());

our @GATES = qw(ungated limit_req auth_request lua strict lease);

# Peers wait for Redis as long as it takes.
my $tollgate = 'tollgate_zone catalog:1m; tollgate_redis unix:%%REDIS%%; tollgate_timeout 10s;';

# Texts of the configuration by where they stand.  A gate decides where it asks
# gate.lua; its service is a process beside nginx.
my %gates = (
    ungated => {},
    limit_req => {
        http => 'limit_req_zone $http_authorization zone=keys:32m rate=1000000r/s;',
        location => 'limit_req zone=keys burst=100000 nodelay;',
    },
    auth_request => {
        decides => 1,
        service => ['node', "$folder/peers/auth/server.js", '%%DIR%%/auth.sock',
                    '%%REDIS%%', '%%CALL%%'],
        http => 'upstream auth { server unix:%%DIR%%/auth.sock; keepalive 1024; }',
        location => 'auth_request /auth;',
        server => <<'CONF',
        location = /auth {
            internal;
            proxy_pass_request_body off;
            proxy_set_header Connection "";
            proxy_set_header Content-Length "";
            proxy_set_header X-Request-Id $request_id;
            proxy_pass http://auth;
        }
CONF
    },
    lua => {
        decides => 1,
        load => [map { "$debian/lib/nginx/modules/${_}_module.so" }
                 'ndk_http', 'ngx_http_lua'],
        http => <<"CONF",
    lua_package_path "$debian/share/lua/5.1/?.lua;;";
    init_by_lua_block {
        package.loaded.gate =
            assert(loadfile("$folder/peers/lua/gate.lua"))("%%REDIS%%", "%%CALL%%")
    }
CONF
        location => 'access_by_lua_block { require("gate")() }',
    },
    strict => {
        decides => 1, module => 1, http => $tollgate,
        location => 'tollgate on; tollgate_feature bench;',
    },
    lease => {
        decides => 1, module => 1, http => "$tollgate tollgate_leases %%DIR%%/leases;",
        location => 'tollgate on; tollgate_feature bench; tollgate_lease on;',
    },
);

# Redis with so many accounts, the backend, and each of the named gates that
# this nginx can have.  With "under" nginx runs under that command, and so many
# "connections" are nginx's at most.
sub new {
    my ($class, %opt) = @_;

    my $t = Tollgate->new;
    my $self = bless { connections => 8192, %opt, t => $t }, $class;

    $t->redis;
    $t->catalog('tier 0 free Free', 'feature bench 1000000 1');
    $self->fill($opt{accounts});
    $self->write_call;

    $self->{backend} = Tollgate->new;
    $self->{backend}->nginx(<<'CONF', bare => 1, log_level => 'error',
    keepalive_requests 1000000000;
    server {
        listen unix:%%DIR%%/nginx.sock backlog=16384;
        return 200 "ok\n";
    }
CONF
        connections => $self->{connections});

    for my $name (@{ $opt{names} }) {
        my $gate = $gates{$name} or die "there is no gate \"$name\"\n";
        $self->gate_start($name, $gate);
    }

    return $self;
}

# Those of the gates that are there, in the order in which they were named.
sub names { return grep { $_[0]{gates}{$_} } @{ $_[0]{names} } }

# The servers of a gate: its nginx, and its service. Undefined where it isn't there.
sub nginx {
    my ($self, $name) = @_;
    return $self->{gates}{$name} && $self->{gates}{$name}{t};
}

# --- Redis --------------------------------------------------------------------

sub account { return sprintf 'b%09d', $_[0] }

# The wallets go through a pipe: one by one takes minutes.
sub fill {
    my ($self, $accounts) = @_;

    my ($t, @keys) = ($self->{t});
    $t->plan('payg');
    open my $pipe, '|-', "redis-cli -s $t->{dir}/redis.sock --pipe >$t->{dir}/fill.log"
        or die "redis-cli: $!\n";
    {
        no warnings 'redefine';
        local *Tollgate::r = sub {
            my (undef, @words) = @_;
            print {$pipe} '*' . @words . "\r\n",
                map { '$' . length . "\r\n$_\r\n" } @words;
            return 1;
        };
        for my $n (1 .. $accounts) {
            $t->wallet(account($n), avail => 9_000_000_000_000_000);
            push @keys, $t->key(account($n));
        }
    }
    close $pipe or die $t->slurp('fill.log');

    $self->{key} = $keys[0];
    $self->{keys} = $t->spew('keys', join '', map { "$_\n" } @keys);

    return;
}

# In the place of a test's connection: keeps what a script would be called with.
sub Bench::Call::script { return [@_[2, 3]] }

# A file that tells peers how to call gate.lua: its SHA1, the place of the
# verdict in its reply, the number of keys, then keys and arguments.  They fill
# in @account@, @shard@, @hash@ (of the key) and @id@ (of the request).
sub write_call {
    my ($self) = @_;

    my $t = $self->{t};
    my %request = (cost => 1_000_000, units => 1, feature => 'bench',
                   ip => '7f000001', method => 'GET', path => '/');
    my $call = Tollgate::Gate::gate_reply(
        bless({}, 'Bench::Call'), '@account@',
        [{ %request, hash => '@hash@', id => '@id@' }]);
    my $shard = Tollgate::shard('@account@');
    my ($keys, $args) = @$call;
    s/\{$shard\}/{\@shard\@}/ for @$keys, @$args;

    my $reply = Tollgate::Gate::gate_reply(
        $t, account(1), [{ %request, key => $self->{key} }]);
    my ($verdict) = grep { $reply->[$_] eq 'pass' } 0 .. $#$reply;
    my $sha = $t->r('SCRIPT', 'LOAD', $t->script_text('gate'));

    $self->{call} = $t->spew('call', join '', map { "$_\n" }
                             $sha, $verdict // die("no verdict\n"),
                             scalar @$keys, @$keys, @$args);

    return;
}

# --- nginx --------------------------------------------------------------------

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        or die "no free port: $!\n";
    return $socket->sockport;
}

# A gate with a directive that the module doesn't know is left out.  Of one that
# decides it is tried whether it does.
sub gate_start {
    my ($self, $name, $gate) = @_;

    my ($t, $port) = (Tollgate->new, free_port());
    my %text = (location => '', http => '', server => '', %$gate);
    my %path = (DIR => $t->{dir}, REDIS => "$self->{t}{dir}/redis.sock",
                CALL => $self->{call});
    my @conf = (<<"CONF" =~ s/%%(\w+)%%/$path{$1}/gr,
    $text{http}
    upstream backend {
        server unix:$self->{backend}{dir}/nginx.sock;
        keepalive $self->{connections};
        keepalive_timeout 10s;
    }
    keepalive_requests 1000000000;
    server {
        listen unix:%%DIR%%/nginx.sock;
        listen 127.0.0.1:$port backlog=16384;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location / { $text{location} proxy_pass http://backend; }
        $text{server}
    }
CONF
        bare => !$gate->{module}, log_level => 'error',
        first => join('', map { "load_module $_;\n" } @{ $gate->{load} }),
        connections => $self->{connections});

    my ($known, $why) = $t->nginx_test(@conf);
    if (!$known) {
        die $why unless $why =~ /unknown directive "tollgate_/;
        Test::More::diag("no $name: the module doesn't know its directive");
        return;
    }

    $t->start('service', 0, { NODE_PATH => "$Tollgate::build/peers/node_modules" },
              map { s/%%(\w+)%%/$path{$1}/gr } @{ $gate->{service} })
        if $gate->{service};
    $t->{under} = $self->{under};
    $t->nginx(@conf);
    $t->wait_for(sub { answer($t, $self->{key}) == 200 }, "$name to pass")
        or die $t->error_log . $t->slurp('service.log');
    my $status = answer($t, $self->{key} =~ s/.{9}$/000000000/r);
    die "$name answers $status to a key of nobody\n"
        if ($status == 200) == !!$gate->{decides};
    $self->{gates}{$name} = { %$gate, t => $t, port => $port };

    return;
}

sub answer {
    my ($t, $key) = @_;
    return $t->get('/', Authorization => "Bearer $key")->{status};
}

# --- what is measured ---------------------------------------------------------

# So far: CPU of each process, us, and bytes that Redis read and wrote.
sub counters {
    my ($self, $gate) = @_;

    my $t = $gate->{t};
    my %pids = (nginx => ($t->children('nginx'))[0],
                redis => $self->{t}{redis_pid},
                service => $t->{processes}{service});
    my %so_far = (service => 0);
    for my $name (grep { $pids{$_} } keys %pids) {
        my @stat = split ' ', $t->slurp("/proc/$pids{$name}/stat") =~ s/^.*\) //r;
        $so_far{$name} = ($stat[11] + $stat[12]) * $tick_us;
    }
    $so_far{bytes} += $_ for $self->{t}->r('INFO', 'stats')
        =~ /^total_net_(?:in|out)put_bytes:(\d+)/mg;

    return %so_far;
}

# How many events the first account has had.
sub events {
    my ($self) = @_;
    return $self->{t}->r('HGET', Tollgate::wallet_key(account(1)), 'seq');
}

# Loads a gate for so many seconds.  A hash: rate, latencies in us, errors, and
# by request CPU in us and bytes of Redis.
sub load {
    my ($self, $name, %opt) = @_;

    my $gate = $self->{gates}{$name};
    my %before = $self->counters($gate);
    my $events = $self->events;
    local @ENV{qw(KEYS ACCOUNTS)} = ($self->{keys}, $opt{accounts});

    my $out = `wrk -t1 -c$opt{connections} -d$opt{seconds}s --timeout 10s \\
        -s $folder/keys.lua http://127.0.0.1:$gate->{port}/ 2>&1`;
    my %figures;
    @figures{qw(requests us p50 p95 p99 p999 errors)} =
        split ' ', $out =~ /^RESULT (.*)$/m ? $1 : die $out;

    my %after = $self->counters($gate);
    my $requests = $figures{requests} || die "$name: no request came back\n";
    $figures{$_} = ($after{$_} - $before{$_}) / $requests for keys %after;
    $figures{rate} = $requests / ($figures{us} / 1e6);
    $self->{t}->wait_for(sub { $self->events > $events }, "charges by $name") or exit 1
        if $gate->{decides};
    $self->forget;

    return \%figures;
}

# Nobody settles what the requests came to.
sub forget {
    my ($self) = @_;

    my $t = $self->{t};
    $t->r('UNLINK', (map { "tg:{$_}:ledger" } 0 .. $Tollgate::SHARDS - 1),
          map { "tg:{usage}:$_" } @{ $t->r('SMEMBERS', 'tg:{usage}') });

    return;
}

# --- what is told -------------------------------------------------------------

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[$#sorted / 2];
}

# A line of the data file, which RESULTS names.
sub record {
    my (@fields) = @_;

    open my $file, '>>', $ENV{RESULTS} // '/dev/null' or die "$ENV{RESULTS}: $!\n";
    print {$file} join("\t", @fields), "\n";
    close $file or die "$ENV{RESULTS}: $!\n";

    return;
}

1;
