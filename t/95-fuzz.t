#!/usr/bin/perl
# Every reader of bytes from outside, fuzzed for a short while from its seeds;
# `make fuzz` does it for longer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;

my $RUNS = 20_000;
my $t = Tollgate->new;
my $folder = "$FindBin::Bin/fuzz";

# A target is a source beside fuzz.h that libFuzzer can call.
my @targets = grep { $t->slurp("$folder/$_.c") =~ /^LLVMFuzzerTestOneInput/m }
    map { m{/(\w+)\.c$} } glob "$folder/*.c";
cmp_ok scalar @targets, '>=', 10, 'there are targets';

my ($listed) = join ' ', $t->slurp("$FindBin::Bin/../Makefile")
    =~ /^FUZZ_(?:NGX|WORKER) = (.*)$/mg;
is_deeply [sort split ' ', $listed], [sort @targets], '`make fuzz` runs all';

for my $target (@targets) {
    my @seeds = glob "$folder/corpus/$target/*";
    cmp_ok scalar @seeds, '>=', 4, "$target has seeds";

    mkdir "$t->{dir}/$target";
    my $out = `$Tollgate::build/fuzz/$target -runs=$RUNS -seed=1 -max_len=4096 \\
        -timeout=20 -rss_limit_mb=1024 -artifact_prefix=$t->{dir}/$target- \\
        $t->{dir}/$target $folder/corpus/$target 2>&1`;
    is $? >> 8, 0, "$target has no finding" or diag $out;
    like $out, qr/^Done $RUNS runs/m, "$target ran $RUNS times";
}

done_testing;
