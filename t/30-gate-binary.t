#!/usr/bin/perl
# A binary upgrade (USR2, WINCH, QUIT) and a reload under load, with calls in
# flight: every request is answered, and the charges are the answers of 200.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

# nginx takes USR2 only after it has left its parent; it hands on no environment
# that it wasn't told of.
my $t = Tollgate::Edge->begin(workers => 2, daemon => 'on', conf => <<'CONF',
        tollgate on;
        tollgate_timeout 5s;
        tollgate_feature image.generate;
        location / { proxy_pass http://backend; }
        location /hand { proxy_pass http://unix:%%DIR%%/hand.sock; }
CONF
    main => 'env LD_PRELOAD; env ASAN_OPTIONS; env UBSAN_OPTIONS;');
my $owner = $$;
waitpid delete $t->{processes}{nginx}, 0;

sub master { return 0 + ($t->slurp($_[0] // 'nginx.pid') || 0) }

# A master removes the file of its process id when it ends.
END {
    if ($t && $owner == $$) {
        kill 'QUIT', grep { $_ } master('nginx.pid.oldbin'), master();
        $t->wait_for(sub { !glob "$t->{dir}/nginx.pid*" }, 'nginx to end');
    }
}

my $c = $t->customer(avail => 1_000_000);
my $listener = $t->listener('hand');

# Sends requests until told to stop; a line with the status of each.
sub load {
    my ($name) = @_;

    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;

    open my $out, '>', "$t->{dir}/$name" or POSIX::_exit(1);
    until (-e "$t->{dir}/stop") {
        my $status = eval { $t->call($c, 'GET', '/x')->{status} } // 'none';
        syswrite $out, "$status\n";
    }
    POSIX::_exit(0);
}

sub answers { return map { split /\n/, $t->slurp("load.$_") } 1 .. 3 }

# The load goes on: each of its processes gets another answer or two.
sub served {
    my $before = answers();
    return $t->wait_for(sub { answers() >= $before + 10 }, 'more answers');
}

sub exited { return scalar(() = $t->error_log =~ /exited with code 0/g) }

my @children = map { load("load.$_") } 1 .. 3;
served();

# A request that is with its backend, and its socket.
sub in_flight {
    my $socket = $t->send_request($c, 'GET', '/hand');
    my ($backend) = $t->accepted($listener);
    return ($socket, $backend);
}

sub lands {
    my ($socket, $backend, $when) = @_;

    print {$backend} "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
    close $backend;
    return is Tollgate::Http::read_response($socket)->{body}, 'ok',
        "a request in flight over $when is answered";
}

# reload
my $first = master();
my @flight = in_flight();
kill 'HUP', $first;
$t->wait_for(sub { $t->error_log =~ /gracefully shutting down/ }, 'the reload');
served();
lands(@flight, 'a reload');
$t->wait_for(sub { exited() == 2 }, 'the first processes to leave');

# upgrade: two masters side by side, then the old one's workers go, then itself
@flight = in_flight();
kill 'USR2', $first;
$t->wait_for(sub {
    -e "$t->{dir}/nginx.pid.oldbin" && master() && master() != $first
}, 'a new master');
my $second = master();
served();
kill 'WINCH', $first;
served();
lands(@flight, 'an upgrade');
$t->wait_for(sub { exited() == 4 }, "the old master's processes to leave");
served();
@flight = in_flight();
kill 'QUIT', $first;
$t->wait_for(sub { !-e "$t->{dir}/nginx.pid.oldbin" }, 'the old master to end');
is master(), $second, 'the new master is the only one';
served();
lands(@flight, "the old master's end");

# and back: an upgrade that is called off
kill 'USR2', $second;
$t->wait_for(sub {
    -e "$t->{dir}/nginx.pid.oldbin" && master() && master() != $second
}, 'another master');
my $third = master();
served();
kill 'QUIT', $third;
$t->wait_for(sub { !-e "$t->{dir}/nginx.pid.oldbin" && master() == $second },
             'the one before to be the only one again');
served();

$t->spew('stop', '');
waitpid $_, 0 for @children;
my %status;
$status{$_}++ for answers();
is_deeply [keys %status], ['200'], 'every request of the load passed'
    or diag explain \%status;
my $passed = $status{200} + 3;
is tally($t, $c, $passed),
    "$passed charged, 0 refunded, " . (1_000_000 - 10 * $passed) . ' left',
    'each is charged once, those in flight too';

done_testing;
