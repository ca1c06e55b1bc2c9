#!/usr/bin/perl
# The judgement of the proof alone, with accounts that move between any two of
# its looks: t/unit/verify.c, built with sanitizers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;

my $t = Tollgate->new;
my $root = $t->{root};
my $out = `cc -std=c11 -D_GNU_SOURCE -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined \\
    -fno-sanitize-recover=all -I$root/worker -I$root/redis $root/t/unit/verify.c \\
    $root/worker/verify.c $root/worker/verify_pockets.c -o $t->{dir}/verify 2>&1`;
is $?, 0, 'it builds' or diag $out;
$out = `$t->{dir}/verify 2>&1`;
is $?, 0, 'it runs to its end' or diag $out;
like $out, qr/^1\.\.\d+$/m, 'with all of its tests';
for my $line (grep { /^(?:not )?ok / } split /\n/, $out) {
    my ($not, $name) = $line =~ /^(not )?ok \d+ - (.*)/;
    ok !$not, $name or diag $out;
}

done_testing;
