#!/usr/bin/perl
# count.pl JOBS FILE...: runs test files in parallel through TAP::Harness and
# ends with "-- N passed, N failed" over their assertions.

use strict;
use warnings;

use TAP::Harness;

my $jobs = shift @ARGV;
my $harness = TAP::Harness->new({
    jobs => $jobs,
    lib => ['t/lib'],
    timer => 1,
    failures => 1,
    comments => 1,
});

my $result = $harness->runtests(@ARGV);
my ($passed, $failed) = (0, 0);
for my $parser ($result->parsers) {
    $passed += $parser->actual_passed;
    $failed += $parser->actual_failed;

    # A file that died, or whose servers left a fault, counts as one failure.
    $failed++ if $parser->has_problems && !$parser->actual_failed;
}

print "-- $passed passed, $failed failed\n";
exit($failed ? 1 : 0);
