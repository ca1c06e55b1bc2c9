#!/usr/bin/perl
# run.pl: throughput, latency, CPU and traffic of Redis with each gate, in
# alternating rounds on one machine.  The figures of a machine mean little; the
# ratios of one run are what counts.
#
# Environment: CELLS, connections x accounts, of which the first has all rounds
# ("64x1000 1x1 ..."); ROUNDS (5), SECONDS (4); FULL=1: all rounds for each cell;
# GATES ("ungated limit_req ...").

use strict;
use warnings;

use FindBin ();
use lib $FindBin::Bin;

use Bench;

my %opt = (ROUNDS => 5, SECONDS => 4, FULL => 0, GATES => "@Bench::GATES",
    CELLS => '64x1000 64x1 64x100000 1x1000 1x1 1x100000 1000x1000 1000x1 1000x100000');
$opt{$_} = $ENV{$_} // $opt{$_} for keys %opt;

my @columns = (
    [rate => 'req/s', '%.0f'], [p50 => 'p50 us', '%.0f'], [p99 => 'p99 us', '%.0f'],
    [p999 => 'p99.9 us', '%.0f'], [nginx => 'nginx us', '%.1f'],
    [redis => 'Redis us', '%.1f'], [service => 'service us', '%.1f'],
    [bytes => 'Redis B', '%.0f']);
my @ratios = (
    [qw(strict ungated)], [qw(lease ungated)], [qw(strict lua)], [qw(lease lua)],
    [qw(strict auth_request)], [qw(limit_req ungated)]);

my @cells = map { [split /x/] } split ' ', $opt{CELLS};
my ($accounts) = sort { $b <=> $a } map { $_->[1] } @cells;
my $bench = Bench->new(accounts => $accounts, names => [split ' ', $opt{GATES}]);

Bench::record('rounds', @opt{qw(ROUNDS SECONDS)});
for my $cell (@cells) {
    my $whole = $cell == $cells[0] || $opt{FULL};
    my $results = measure($cell, $whole ? @opt{qw(ROUNDS SECONDS)} : (1, 1));
    report($cell, $results);
    report_ratios($results) if $cell == $cells[0];
}

# Rounds go to and fro, so that what changes meanwhile favours nobody.
sub measure {
    my ($cell, $rounds, $seconds) = @_;

    my ($connections, $of) = @$cell;
    my (%results, @names);
    @names = $bench->names;
    for my $round (1 .. $rounds) {
        for my $name (@names) {
            my $figures = $bench->load($name, connections => $connections,
                                       accounts => $of, seconds => $seconds);
            die "$name: $figures->{errors} of $figures->{requests} requests failed\n"
                if $figures->{errors};
            push @{ $results{$name} }, $figures;
        }
        @names = reverse @names;
    }

    printf "\n%d connections, %d accounts, medians of %d rounds of %d s\n\n",
        $connections, $of, $rounds, $seconds;

    return \%results;
}

sub report {
    my ($cell, $results) = @_;

    printf '%-13s' . ' %10s' x @columns . "\n", '', map { $_->[1] } @columns;
    for my $name ($bench->names) {
        my @medians = map {
            my ($figure, undef, $format) = @$_;
            sprintf $format, Bench::median(map { $_->{$figure} } @{ $results->{$name} })
        } @columns;
        printf '%-13s' . ' %10s' x @columns . "\n", $name, @medians;
        Bench::record('row', @$cell, $name, @medians);
    }

    return;
}

# Of each round, since rounds differ more than what is compared.
sub report_ratios {
    my ($results) = @_;

    print "\n";
    for my $pair (@ratios) {
        my ($gate, $than) = map { $results->{$_} } @$pair;
        printf "ratio %s/%s %.3f\n", @$pair,
            Bench::median(map { $gate->[$_]{rate} / $than->[$_]{rate} } 0 .. $#$gate)
            if $gate && $than;
    }

    return;
}
