#!/usr/bin/perl
# soak.pl: very many connections at once that never wait, for a minute: errors,
# latency, and memory of nginx before and after.
#
# Environment: CONNECTIONS (10000), SECONDS (60), ACCOUNTS (1000); GATES ("strict
# lease"), those of the module.

use strict;
use warnings;

use FindBin ();
use lib $FindBin::Bin;

use Bench;

my %opt = (CONNECTIONS => 10_000, SECONDS => 60, ACCOUNTS => 1000,
           GATES => 'strict lease');
$opt{$_} = $ENV{$_} // $opt{$_} for keys %opt;

# Beside those of clients nginx has connections to the backend, nearly as many
# where many pass in the same moment.
my $descriptors = 100 + 1.9 * $opt{CONNECTIONS};
chomp(my $limit = `ulimit -n;`);
die "$limit descriptors are too few for $opt{CONNECTIONS} connections\n"
    . "hint: ulimit -n $descriptors, as root or in /etc/security/limits.conf\n"
    if $limit ne 'unlimited' && $limit < $descriptors;

my $bench = Bench->new(accounts => $opt{ACCOUNTS}, names => [split ' ', $opt{GATES}],
                       connections => $descriptors);

printf "%d connections for %d s, %d accounts\n\n", @opt{qw(CONNECTIONS SECONDS ACCOUNTS)};
printf '%-10s' . ' %10s' x 8 . "\n", '', 'req/s', 'p50 ms', 'p95 ms', 'p99 ms',
    'errors', 'MB before', 'MB at most', 'MB after';
for my $name ($bench->names) {
    my ($before) = memory($name);
    my $figures = $bench->load($name, connections => $opt{CONNECTIONS},
                               accounts => $opt{ACCOUNTS}, seconds => $opt{SECONDS});
    my $t = $bench->nginx($name);
    my ($worker) = $t->children('nginx');
    $t->wait_for(sub { my @files = glob "/proc/$worker/fd/*"; @files < 100 },
                 'connections to close', 30) or exit 1;
    my ($after, $most) = memory($name);

    my @row = ((map { sprintf '%.0f', $_ } $figures->{rate},
                map { $_ / 1000 } @$figures{qw(p50 p95 p99)}), $figures->{errors},
               map { sprintf '%.1f', $_ / 1024 } $before, $most, $after);
    printf '%-10s' . ' %10s' x 8 . "\n", $name, @row;
    Bench::record('soak', @opt{qw(CONNECTIONS SECONDS)}, $name, @row);
}

# KiB of nginx's worker process, now and at most.
sub memory {
    my ($name) = @_;

    my $t = $bench->nginx($name);
    my ($worker) = $t->children('nginx');
    my $status = $t->slurp("/proc/$worker/status");

    return map { $status =~ /^$_:\s+(\d+)/m } qw(VmRSS VmHWM);
}
