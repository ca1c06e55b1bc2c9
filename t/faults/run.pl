#!/usr/bin/perl
# run.pl [SEED=n] [ROUNDS=n] [SECONDS=n] [TRACE=1]: traffic and faults that follow
# from a seed (of the time if left out), and an oracle that knows what every balance
# has to be; docs/faults.md tells all.  No round begins after so many seconds.

use strict;
use warnings;

use FindBin;

# where a test would stand, for the harness looks from there
BEGIN { $FindBin::Bin = "$FindBin::Bin/.." }
use lib "$FindBin::Bin/lib", "$FindBin::Bin/faults";

use Test::More;

use Driver;

my %opt = (SEED => time % 1_000_000, ROUNDS => 10, SECONDS => 600, TRACE => 0,
           map { /^([A-Z]+)=(\d+)$/ or die "run.pl: what is $_?\n"; ($1, $2) } @ARGV);

$| = 1;
my $say = sub { print "@_\n" };
$say->("seed $opt{SEED}");
my $run = Driver::run(seed => $opt{SEED}, rounds => $opt{ROUNDS},
    seconds => $opt{SECONDS}, say => $say, trace => $opt{TRACE} ? $say : sub { });

printf "\n%-28s %6s\n", 'fault', 'times';
my $faults = 0;
for my $fault (sort keys %{ $run->{faults} }) {
    printf "%-28s %6d\n", $fault, $run->{faults}{$fault};
    $faults += $run->{faults}{$fault};
}
printf "\n%-10s %s\n", 'request', 'answers';
for my $does (sort keys %{ $run->{requests} }) {
    my $seen = $run->{requests}{$does};
    printf "%-10s %s\n", $does, join '  ', map { "$_: $seen->{$_}" } sort keys %$seen;
}

$say->("faults injected $faults, requests sent $run->{sent}, differences found "
       . $run->{differences});
is $run->{differences}, 0, 'there are no differences';
done_testing;
