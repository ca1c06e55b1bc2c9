# docs/metrics.md has every metric that the sources have, and alerts are on
# metrics that exist.

use strict;
use warnings;

use FindBin;
use Test::More;

my $root = "$FindBin::Bin/..";
my $rules = "$root/conf/prometheus-rules.yml";

sub text {
    my ($name) = @_;

    open my $file, '<', $name or die "$name: $!\n";
    local $/;

    return scalar readline $file;
}

# What the two have: name and type of each metric.
for my $part (
    ['Of the gate', 'ngx_module/ngx_http_tollgate_status.c'],
    ['Of the worker', 'worker/api_metrics.c'],
) {
    my ($title, $file) = @$part;

    my ($section) = text("$root/docs/metrics.md")
        =~ /^## $title\n(.*?)(?=^## |\z)/ms;
    my @told = $section =~ /^\| `(tollgate_\w+|process_\w+)` \| (\w+) \|/mg;
    my @there = text("$root/$file")
        =~ /"(\w+)"\)?,\s*"(gauge|counter|histogram)"/g;
    cmp_ok scalar @there, '>', 0, "$file has metrics";
    is_deeply pairs(@told), pairs(@there),
        'and docs/metrics.md has all of them, and no others';
}

sub pairs {
    my @pairs;
    push @pairs, join ' ', splice @_, 0, 2 while @_;

    return [sort @pairs];
}

# promtool can't know which metrics exist.
my %exist = map { $_ => 1 } text("$root/docs/metrics.md") =~ /^\| `(\w+)` /mg;
my @used = map { s/_bucket$//r } map { /\b(tollgate_\w+)/g }
    text($rules) =~ s/^\s+(?:summary|action):.*$//mgr;
cmp_ok scalar @used, '>', 0, 'there are alerts';
is_deeply [grep { !$exist{$_} } @used], [], 'on metrics that exist';

my $out = `promtool check rules $rules 2>&1`;
is $?, 0, 'promtool reads them' or diag $out;

done_testing;
