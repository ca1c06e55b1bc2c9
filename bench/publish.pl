#!/usr/bin/perl
# publish.pl FILE: puts what a data file of the bench says into
# docs/performance.md, between its two marks, and draws docs/performance.svg.
# With "--check" says instead what would change.

use strict;
use warnings;

use FindBin ();

my $root = "$FindBin::Bin/..";
my $check = @ARGV && $ARGV[0] eq '--check' && shift;
my ($results) = @ARGV or die "usage: publish.pl [--check] FILE\n";

# What a row of the data file has after its gate.
my @figures = qw(rate p50 p99 p999 nginx redis service bytes);
# Processes whose CPU is told, and their colors.
my @parts = ([nginx => 'nginx', '#2a6f97'], [redis => 'Redis', '#c1443c'],
             [service => 'Node', '#7a7a7a']);

my (%one, %all, @cells, %cell, %gates, @gates);
for my $line (split /\n/, slurp($results)) {
    my ($kind, @fields) = split /\t/, $line;
    $one{$kind} = $fields[0];
    push @{ $all{$kind} }, \@fields;
}
for my $row (@{ $all{row} }) {
    my ($connections, $accounts, $gate, @row) = @$row;
    my $cell = "$connections x $accounts";
    push @cells, $cell unless $cell{$cell};
    push @gates, $gate unless $gates{$gate}++;
    @{ $cell{$cell}{$gate} }{@figures} = @row;
}
my $main = $cell{ $cells[0] };

my $page = slurp("$root/docs/performance.md");
$page =~ s/(<!-- bench -->\n).*(?=<!-- end of bench -->)/$1 . text()/es
    or die "docs/performance.md has no marks\n";
put('docs/performance.md', $page);
put('docs/performance.svg', chart());

sub slurp {
    my ($name) = @_;

    open my $file, '<', $name or die "$name: $!\n";
    local $/;
    return scalar readline $file;
}

sub put {
    my ($name, $text) = @_;

    if ($check) {
        print "$name is not what $results says\n"
            if !-e "$root/$name" || slurp("$root/$name") ne $text;
        return;
    }
    open my $file, '>', "$root/$name" or die "$name: $!\n";
    print {$file} $text;
    close $file or die "$name: $!\n";

    return;
}

# --- the page -----------------------------------------------------------------

# 12 345 678
sub spaced { return scalar reverse reverse($_[0]) =~ s/(\d{3})(?=\d)/$1 /gr }

sub table {
    my ($head, @rows) = @_;
    return join '', map { '| ' . join(' | ', @$_) . " |\n" }
        $head, [('---') x @$head], @rows;
}

sub text {
    my ($connections, $accounts) = split / x /, $cells[0];
    my $name = $results =~ s{.*/}{}r;
    my $text = "Of $one{date}, $one{machine}; "
        . "load average $one{load} before it began. All figures: [$name](../bench/results/$name).\n\n"
        . "$connections connections, " . spaced($accounts) . " accounts, "
        . "medians of $all{rounds}[0][0] rounds of $all{rounds}[0][1] s; times in us, CPU and bytes a request:\n\n"
        . table(['', 'req/s', 'p50', 'p99', 'p99.9', map({ "CPU of $_->[1]" } @parts), 'bytes of Redis'],
                map { [$_, map { spaced($_) } @{ $main->{$_} }{@figures}] } @gates);

    $text .= "\nRequests a second elsewhere:\n\n"
        . table(['connections', 'accounts', @gates], map {
            my $of = $cell{$_};
            [map({ spaced($_) } split / x /), map { spaced($of->{$_}{rate} // '-') } @gates]
        } @cells[1 .. $#cells]) if @cells > 1;

    $text .= "\n" . join(', ', map { "`ratio $_->[0] $_->[1]`" } @{ $all{ratio} }) . ".\n";

    $text .= "\nInstructions of nginx a request, by callgrind: "
        . join(', ', map { "$_->[0] " . spaced($_->[1]) } @{ $all{instructions} }) . ".\n"
        if $all{instructions};

    $text .= "\n" . spaced($all{soak}[0][0]) . " connections for $all{soak}[0][1] s:\n\n"
        . table(['', 'req/s', 'p50 ms', 'p95 ms', 'p99 ms', 'errors', 'MB of nginx before',
                 'at most', 'after'],
                map { my (undef, undef, @row) = @$_; [map { spaced($_) } @row] } @{ $all{soak} })
        if $all{soak};

    return "\n$text\n";
}

# --- the chart ----------------------------------------------------------------

sub chart {
    my ($left, $width, $step) = (100, 250, 30);
    my $height = 50 + $step * @gates + 30;
    my ($right, $svg) = ($left + $width + 80, '');
    my %cpu = map { my $row = $main->{$_}; my $sum = 0; $sum += $row->{ $_->[0] } for @parts;
                    $_ => $sum } @gates;
    my ($fastest) = sort { $b <=> $a } map { $_->{rate} } values %$main;
    my ($dearest) = sort { $b <=> $a } values %cpu;

    $svg .= label($left, 30, 'requests a second', 'bold') . label($right, 30, 'CPU a request, us', 'bold');
    for my $n (0 .. $#gates) {
        my ($gate, $y) = ($gates[$n], 45 + $step * $n);
        my $row = $main->{$gate};
        my ($long, $x) = ($width * $row->{rate} / $fastest, $right);
        $svg .= label($left - 8, $y + 15, $gate, 'normal', 'end')
            . bar($left, $y, $long, '#2a6f97')
            . label($left + $long + 6, $y + 15, spaced($row->{rate}));
        for my $part (@parts) {
            my $wide = $width * $row->{ $part->[0] } / $dearest;
            $svg .= bar($x, $y, $wide, $part->[2]) if $wide > 0;
            $x += $wide;
        }
        $svg .= label($x + 6, $y + 15, sprintf '%.1f', $cpu{$gate});
    }
    for my $n (0 .. $#parts) {
        my $x = $right + 80 * $n;
        $svg .= bar($x, $height - 24, 12, $parts[$n][2], 12)
            . label($x + 18, $height - 13, $parts[$n][1]);
    }

    my $whole = $right + $width + 60;
    my ($connections, $accounts) = split / x /, $cells[0];
    return <<"SVG";
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $whole $height" font-family="sans-serif" font-size="13" fill="#222">
<title>Requests a second and CPU a request of each gate, $connections connections, $accounts accounts</title>
<rect width="$whole" height="$height" fill="#fff"/>
$svg</svg>
SVG
}

sub bar {
    my ($x, $y, $width, $color, $height) = @_;
    return sprintf qq(<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>\n),
        $x, $y, $width, $height // 20, $color;
}

sub label {
    my ($x, $y, $text, $weight, $anchor) = @_;
    return sprintf qq(<text x="%.1f" y="%d" font-weight="%s" text-anchor="%s">%s</text>\n),
        $x, $y, $weight // 'normal', $anchor // 'start', $text;
}
