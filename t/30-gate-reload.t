#!/usr/bin/perl
# nginx reloads under load and stops gracefully: no request fails for it, each
# is charged once, and what is owed to customers is given back first.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(workers => 2, conf => <<'CONF');
        tollgate on;
        tollgate_timeout 5s;
        tollgate_feature image.generate;
        location / { proxy_pass http://backend; }
        location /hand { proxy_pass http://unix:%%DIR%%/hand.sock; }
CONF
my $c = $t->customer(avail => 100_000);

my $reloads = 0;

# Reloads until only processes of the new configuration are left.
sub reload {
    my ($text) = @_;

    $t->spew('nginx.conf', $text) if defined $text;
    $t->nginx_reload;
    $reloads++;
    $t->wait_for(sub {
        2 * $reloads == (() = $t->error_log =~ /exited with code 0/g)
    }, "reload $reloads");

    return;
}

# Sends requests until told to stop; a line with the status of each.
sub load {
    my ($name) = @_;

    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;

    open my $out, '>', "$t->{dir}/$name" or POSIX::_exit(1);
    until (-e "$t->{dir}/stop") {
        my $status = eval { $t->call($c, 'GET', '/x')->{status} } // 'none';
        print {$out} "$status\n";
    }
    close $out;
    POSIX::_exit(0);
}

my @children = map { load("load.$_") } 1 .. 3;
reload() for 1 .. 3;
$t->spew('stop', '');
waitpid $_, 0 for @children;

my %status;
$status{$_}++ for map { split /\n/, $t->slurp("load.$_") } 1 .. 3;
is_deeply [keys %status], ['200'], 'every request passes while nginx reloads'
    or diag explain \%status;
is $t->avail($c), 100_000_000_000 - 10_000_000 * $status{200},
    'each is charged once';
my @events = events($t, $c->{account});
is_deeply [map { $_->{s} } @events], [1 .. @events],
    'the register has no gap';
is scalar $t->used($c->{account}, $status{200}), $status{200},
    'each is one usage record';

# the catalog is there at once after a reload, and a new one is found
my $r = $t->call($c, 'GET', '/x');
is $r->{headers}{'tollgate-cost'}, '10', 'the catalog outlives a reload';
$t->catalog(map { s/10000000 1/3000000 1/r } @Tollgate::Edge::CATALOG);
$t->wait_for(sub {
    ($t->call($c, 'GET', '/x')->{headers}{'tollgate-cost'} // '') eq '3'
}, 'a new catalog after reloads');

# another database of Redis, and a zone of another size
my $conf = $t->slurp('nginx.conf');
reload($conf =~ s/catalog:1m/catalog:2m/r =~ s/redis\.sock/$& database=1/r);
is $t->call($c, 'GET', '/x')->{status}, 503, 'another Redis can be named';
reload($conf);
is $t->call($c, 'GET', '/x')->{status}, 200, 'and the first one again';

# a configuration that is wrong changes nothing
$t->spew('nginx.conf', $conf =~ s/tollgate on;/tollgate on; tollgate_cost x;/r);
$t->nginx_reload;
$t->wait_for(sub { $t->error_log =~ /\[emerg\].*"tollgate_cost"/ },
             'the complaint');
is $t->call($c, 'GET', '/x')->{status}, 200,
    'a wrong configuration leaves the running one in place';
$t->spew('nginx.conf', $conf);
my $log = $t->error_log;
$t->spew('error.log', $log =~ s/\[emerg\](?=.*"tollgate_cost")/[expected]/r);

# a graceful stop gives back first
my $listener = $t->listener('hand');
my $m = $t->customer(avail => 100);
my $socket = $t->send_request($m, 'GET', '/hand');
my ($backend) = $t->accepted($listener);
is $t->avail($m), 97_000_000, 'a request is on its way';
kill 'STOP', $t->{redis_pid};
print {$backend} "HTTP/1.0 500 Failed\r\n\r\n";
close $backend;
is Tollgate::Http::read_response($socket)->{status}, 500, 'and fails';
close $socket;
my $pid = $t->{processes}{nginx};
kill 'QUIT', $pid;
is waitpid($pid, POSIX::WNOHANG()), 0, 'nginx waits for Redis';
kill 'CONT', $t->{redis_pid};
$t->nginx_stop('QUIT');
is $t->avail($m), 100_000_000, 'until the refund is acknowledged';

done_testing;
