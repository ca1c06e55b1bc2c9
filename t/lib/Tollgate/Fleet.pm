package Tollgate;

# Real fleets of Redis for a test: a master that sentinels watch, a cluster, TLS.
# Once one is started, $t->r() and all that is built on it speak to the node
# that has the key.
#
#   $t->fleet('sentinel', replicas => 1);      node1 is the master at first
#   $t->fleet('cluster', replicas => 1);       node1..node3 are the masters
#   $t->fleet('single', tls => 1);             one server
#
# Options: replicas (of each master), masters (3), sentinels (3), tls (1, or 2
# where clients need a certificate), redis (settings of the nodes), aclfile (a
# path) and auth ([user, password] of the test itself), sentinel (lines of the
# sentinels' configuration) and sentinel_auth.

use strict;
use warnings;

use IO::Socket::INET;

use Tollgate;
use Tollgate::Cluster;
use Tollgate::Resp;
use Tollgate::Sentinel;
use Tollgate::Tls;

# How the nodes, once they run, become a fleet.
my %kinds = (single => sub { }, sentinel => \&sentinel_start,
             cluster => \&cluster_start);

# What makes a fleet quick; the rest is of conf/redis*.conf.
my %quick = ('repl-diskless-sync-delay' => 0, 'shutdown-timeout' => 0,
             'repl-ping-replica-period' => 1, save => '""',
             'cluster-node-timeout' => 1000);

sub fleet {
    my ($self, $kind, %opt) = @_;

    my $masters = $opt{masters} // ($kind eq 'cluster' ? 3 : 1);
    my $count = $masters * (1 + ($opt{replicas} // 0));
    $self->{fleet} = { kind => $kind, masters => $masters, sentinels => 3,
                       replicas => 0, %opt, nodes => {} };

    my $text = join '', map { $self->conf_text($_) } 'redis',
        $kind eq 'cluster' ? 'redis-cluster' : (),
        $opt{tls} ? 'redis-tls' : ();
    for my $name (map { "node$_" } 1 .. $count) {
        $self->node_make($name, $text, %quick,
                         $opt{aclfile} ? (aclfile => $opt{aclfile}) : (),
                         %{ $opt{redis} // {} });
    }
    $self->node_start("node$_") for 1 .. $count;
    $kinds{$kind}->($self);

    return;
}

# The addresses that clients are told: nodes, or sentinels.
sub fleet_servers {
    my ($self) = @_;

    my $prefix = $self->{fleet}{kind} eq 'sentinel' ? 'sentinel' : 'node';
    my @names = sort grep { /^$prefix/ } keys %{ $self->{fleet}{nodes} };

    return map { $self->node_address($_) } @names;
}

# What tollgate_redis gets.
sub fleet_address {
    my ($self) = @_;

    my $kind = $self->{fleet}{kind};

    return join ' ', $self->fleet_servers,
        $kind eq 'cluster' ? 'cluster'
        : $kind eq 'sentinel' ? 'sentinel=tollgate' : (),
        $self->{fleet}{tls}
            ? ('tls', 'tls_ca=' . $self->tls_file('ca.crt')) : ();
}

# What worker() gets.
sub fleet_worker {
    my ($self) = @_;

    my $kind = $self->{fleet}{kind};

    return ('redis.server' => join(' ', $self->fleet_servers),
        $kind eq 'cluster' ? ('redis.cluster' => 'on')
        : $kind eq 'sentinel' ? ('redis.sentinel' => 'tollgate') : (),
        $self->{fleet}{tls}
            ? ('redis.tls' => 'on', 'redis.tls_ca' => $self->tls_file('ca.crt'))
            : ());
}

# conf/redis-users.acl with passwords, "<user>'s secret" each, and beside it files
# that hold them: "<user>.password".  Who tests may do everything.
sub acl_file {
    my ($self) = @_;

    my $text = $self->slurp("$self->{root}/conf/redis-users.acl");
    $text =~ s{^user (\w+) on \K#0+}{
        $self->spew("$1.password", "$1's secret\n");
        '#' . Digest::SHA::sha256_hex("$1's secret")
    }gme;

    return $self->spew('users.acl', "${text}user test on nopass ~* &* +\@all\n");
}

# --- nodes --------------------------------------------------------------------

# A port below those that the kernel gives to clients, so that a node which is
# started again finds it free.
sub free_port {
    for (1 .. 1000) {
        my $port = 10_000 + int rand 22_000;
        return $port if IO::Socket::INET->new(LocalAddr => '127.0.0.1',
            LocalPort => $port, Listen => 1, ReuseAddr => 1);
    }

    die "no port is free\n";
}

sub node { return $_[0]{fleet}{nodes}{ $_[1] } // die "no node $_[1]\n" }

sub node_address { return '127.0.0.1:' . $_[0]->node($_[1])->{port} }

sub conf_text { return $_[0]->slurp("$_[0]{root}/conf/$_[1].conf") }

# Writes the configuration of a new node, the text and then the settings; once,
# since Redis itself keeps it up to date from then on.
sub node_make {
    my ($self, $name, $text, %config) = @_;

    my $home = "$self->{dir}/$name";
    my $node = $self->{fleet}{nodes}{$name} = { home => $home, args => [],
        port => free_port(), bus => free_port() };
    $config{'cluster-port'} = $node->{bus} if $config{'cluster-node-timeout'};
    %config = (dir => $home, bind => '127.0.0.1', port => $node->{port},
               unixsocket => "$home/redis.sock", unixsocketperm => 777,
               $self->node_tls($node), %config);
    mkdir $home;
    chmod 0755, $home;
    $self->spew("$name/redis.conf", join "\n", $text,
                (map { "$_ $config{$_}" } sort keys %config), '');

    return $node;
}

sub node_tls {
    my ($self, $node) = @_;

    my $tls = $self->{fleet}{tls} or return;

    return (port => 0, 'tls-port' => $node->{port},
        'tls-cert-file' => $self->tls_file('server.crt'),
        'tls-key-file' => $self->tls_file('server.key'),
        'tls-ca-cert-file' => $self->tls_file('ca.crt'),
        'tls-auth-clients' => $tls > 1 ? 'yes' : 'no');
}

sub node_start {
    my ($self, $name) = @_;

    my $node = $self->node($name);
    delete $node->{connection};
    unlink "$node->{home}/redis.sock";
    $self->start($name, 0, {}, 'redis-server', "$node->{home}/redis.conf",
                 @{ $node->{args} });

    return $self->wait_for(sub {
        my $pong = $self->n_try($name, 'PING');
        return !ref $pong && $pong eq 'PONG';
    }, "$name to answer") || Test::More::diag($self->slurp("$name.log"));
}

# kill -9, or another signal.
sub node_kill {
    my ($self, $name, $signal) = @_;

    delete $self->node($name)->{connection};

    return $self->stop($name, $signal // 'KILL');
}

# A node that hangs: it has its connections and answers nothing.
sub node_pause {
    my ($self, $name) = @_;

    kill 'STOP', $self->{processes}{$name};
    delete $self->node($name)->{connection};

    return;
}

sub node_resume { return kill 'CONT', $_[0]{processes}{ $_[1] } }

sub node_runs {
    my ($self, $name) = @_;

    my $pid = $self->{processes}{$name} or return 0;

    return $self->slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) [^TZ]/;
}

# A command to one node, whatever keys it names; an error is a reference to its
# text, as in r_try().
sub n_try {
    my ($self, $name, @words) = @_;

    my $node = $self->node($name);
    my $fleet = $self->{fleet};
    my $auth = $name =~ /^sentinel/ ? $fleet->{sentinel_auth} : $fleet->{auth};
    local $SIG{PIPE} = 'IGNORE';
    my $reply = eval {
        unless ($node->{connection}) {
            $node->{connection} =
                Tollgate::Resp->new("$node->{home}/redis.sock");
            $node->{connection}->command('AUTH', @$auth) if $auth;
        }
        $node->{connection}->command(@words);
    };
    if (my $error = $@) {
        delete $node->{connection};
        die $error;
    }

    return $reply;
}

sub n {
    my ($self, $name, @words) = @_;

    my $reply = $self->n_try($name, @words);
    die "$name: $$reply\n" if ref $reply eq 'SCALAR';

    return $reply;
}

# A field of the node's INFO.
sub n_info {
    my ($self, $name, $field) = @_;

    return $self->n($name, 'INFO', 'everything') =~ /^\Q$field\E:(.*?)\r/m
        ? $1 : '';
}

# Runs a part of the test beside it, with connections of its own; its process.
sub beside {
    my ($self, $code) = @_;

    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;

    delete $_->{connection} for values %{ $self->{fleet}{nodes} };
    eval { $code->(); 1 } or print STDERR $@;
    POSIX::_exit($@ ? 1 : 0);
}

# The nodes that say of themselves that they are masters and run.
sub masters {
    my ($self) = @_;

    return grep {
        /^node/ && $self->node_runs($_)
            && $self->n($_, 'ROLE')->[0] eq 'master'
            && ($self->{fleet}{kind} ne 'cluster' || $self->n_serves($_));
    } sort keys %{ $self->{fleet}{nodes} };
}

# Waits until every replica that runs has what its master has.
sub in_sync {
    my ($self) = @_;

    return $self->wait_for(sub {
        for my $name (grep { /^node/ && $self->node_runs($_) }
                      keys %{ $self->{fleet}{nodes} })
        {
            my $role = $self->n($name, 'ROLE');
            next unless $role->[0] eq 'slave';
            my $master = $self->node_at($role->[2]);
            return 0 unless $role->[3] eq 'connected'
                && $self->node_runs($master)
                && $self->n($name, 'ROLE')->[4]
                    >= $self->n($master, 'ROLE')->[1];
        }
        return 1;
    }, 'the replicas to be in sync');
}

sub node_at {
    my ($self, $port) = @_;

    my $nodes = $self->{fleet}{nodes};
    my ($name) = grep { $nodes->{$_}{port} == $port } keys %$nodes;

    return $name // die "no node at $port\n";
}

# --- commands by key ------------------------------------------------------------

# Where a command has no key, or none that is its second word.
my %keyed = (EVAL => 3, EVALSHA => 3, XREAD => undef, KEYS => undef,
             SCRIPT => undef, PING => undef, FLUSHALL => undef, INFO => undef,
             CONFIG => undef, ACL => undef, CLIENT => undef, TIME => undef);

# Speaks to the master that has the key; to each that runs where there is no key,
# and then lists of keys are joined.  Refusals that pass are borne for 10 s.
sub fleet_command {
    my ($self, @words) = @_;

    my $at = exists $keyed{ uc $words[0] } ? $keyed{ uc $words[0] } : 1;
    unless (defined $at) {
        my @replies = map { $self->n_try($_, @words) } $self->masters;
        return ref $replies[0] eq 'ARRAY' ? [map { @$_ } @replies]
                                          : $replies[0];
    }

    my ($reply, $asked);
    my $end = Time::HiRes::time() + 10;
    my $name = $self->node_of($words[$at]);
    while (Time::HiRes::time() < $end) {
        $self->n($name, 'ASKING') if $asked;
        $reply = $self->n_try($name, @words);
        return $reply unless ref $reply eq 'SCALAR'
            && $$reply =~ /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|READONLY|LOADING)/;
        ($asked, $name) = $$reply =~ /^(MOVED|ASK) \d+ \S+:(\d+)/
            ? ($1 eq 'ASK', $self->node_at($2))
            : (0, $self->node_of($words[$at]));
        Time::HiRes::usleep(20_000);
    }

    return $reply;
}

# The node that serves a key, or a slot given as a number.
sub node_of {
    my ($self, $key) = @_;

    my $kind = $self->{fleet}{kind};
    return 'node1' if $kind eq 'single';
    return $self->wait_for(sub { $self->master }, 'a master')
        if $kind eq 'sentinel';

    my $slot = $key =~ /^\d+$/ ? $key : slot($key);

    return $self->wait_for(sub {
        for my $name ($self->masters) {
            return $name if grep { $_->[0] <= $slot && $slot <= $_->[1] }
                $self->n_serves($name);
        }
        return;
    }, "a node that serves slot $slot");
}

1;
