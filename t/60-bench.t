#!/usr/bin/perl
# The bench measures each gate that needs no other packages, counts its
# instructions and keeps many connections on it; what is published is what the
# data file says.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;

my $t = Tollgate->new;
my $root = $t->{root};
my @names = qw(ungated limit_req strict lease);

# What a part of the bench tells, and the lines of its data file.
sub bench {
    my ($part, %env) = @_;

    local @ENV{ keys %env } = values %env;
    local $ENV{RESULTS} = "$t->{dir}/$part.tsv";
    my $out = `timeout 300 $root/bench/run.sh $part 2>&1`;
    is $?, 0, "the bench of $part ends well" or diag $out;

    return ($out, map { [split /\t/] } split /\n/, $t->slurp("$part.tsv"));
}

my ($out, @lines) = bench('gate', CELLS => '4x10 1x1', ROUNDS => 2, SECONDS => 1,
                          GATES => "@names");
for my $cell ([4, 10], [1, 1]) {
    my %row = map { $_->[3] => [@$_[4 .. $#$_]] }
        grep { $_->[0] eq 'row' && "@$_[1, 2]" eq "@$cell" } @lines;
    is_deeply [sort keys %row], [sort @names],
        "there are rows with $cell->[0] connections and $cell->[1] accounts";
    for my $name (@names) {
        my ($rate, $p50, $p99, $p999, $nginx, $redis, $service, $bytes) = @{ $row{$name} };
        cmp_ok $rate, '>', 10, "$name answers";
        ok $p50 > 0 && $p50 <= $p99 && $p99 <= $p999, 'and has latencies in order';
        cmp_ok $nginx, '>', 0, 'and CPU of nginx';
        is $service, '0.0', 'and no service';
        ok $name eq 'strict' ? $redis > 0 && $bytes > 300 : $name eq 'lease' || $bytes < 300,
            'and Redis is asked by the gate alone' or diag "$redis us, $bytes bytes";
    }
}

my %ratio = map { @$_[1, 2] } grep { $_->[0] eq 'ratio' } @lines;
is_deeply [sort keys %ratio], ['lease/ungated', 'limit_req/ungated', 'strict/ungated'],
    'there are ratios of what was measured';
ok $ratio{'strict/ungated'} > 0 && $ratio{'strict/ungated'} < 1,
    'and a gate costs something' or diag $ratio{'strict/ungated'};
like $out, qr{\nratio strict/ungated $ratio{'strict/ungated'}\n(?:ratio [^\n]+\n){2}\z},
    'with them it ends';
like join("\t", map { @$_ } grep { $_->[0] eq 'machine' } @lines),
    qr/^machine\t\d+ cores, .*Redis \d/, 'the machine is described';

(undef, @lines) = bench('instructions', REQUESTS => 50, GATES => 'ungated strict lease');
my %count = map { @$_[1, 2] } grep { $_->[0] eq 'instructions' } @lines;
cmp_ok $count{ungated}, '>', 5000, 'a request takes thousands of instructions';
cmp_ok $count{lease}, '>', $count{ungated}, 'and more where it is gated';
cmp_ok $count{strict}, '>', $count{lease}, 'the most where Redis is asked each time';

(undef, @lines) = bench('soak', CONNECTIONS => 200, SECONDS => 1, GATES => 'strict');
my ($soak) = grep { $_->[0] eq 'soak' } @lines;
my ($rate, $p50, $p95, $p99, $errors, $before, $most, $after) = @$soak[4 .. $#$soak];
is $errors, 0, 'no request of many connections fails';
ok $before > 1 && $before <= $after && $after <= $most, 'memory of nginx is told'
    or diag "$before $most $after";

$out = `GATES=none $root/bench/run.sh gate 2>&1`;
isnt $?, 0, 'a gate that is not known is an error';
like $out, qr/there is no gate "none"/, 'which is told';

my ($published) = $t->slurp("$root/docs/performance.md") =~ m{\(\.\./(bench/results/[\w-]+\.tsv)\)};
ok $published && -e "$root/$published", 'a data file is published';
is `$root/bench/publish.pl --check $root/$published 2>&1`, '',
    'and the documentation shows what it says';

done_testing;
