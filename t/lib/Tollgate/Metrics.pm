package Tollgate::Metrics;

# A page in Prometheus' text format, taken apart and checked.

use strict;
use warnings;

# { 'name{label="value",...}' => number }, as the page writes them.
sub samples {
    my ($text) = @_;

    my %samples;
    for my $line (grep { !/^#/ } split /\n/, $text) {
        my ($series, $value) = $line =~ /^(\w+(?:\{.*\})?) (\S+)$/
            or die "not a sample: $line\n";
        die "twice: $series\n" if exists $samples{$series};
        $samples{$series} = $value;
    }

    return \%samples;
}

# The sum of those of a name whose labels match all patterns.
sub total {
    my ($samples, $name, @patterns) = @_;

    my $sum = 0;
    SERIES: for my $series (keys %$samples) {
        next unless $series =~ /^\Q$name\E(?:\{|$)/;
        $series =~ $_ or next SERIES for @patterns;
        $sum += $samples->{$series};
    }

    return $sum;
}

# The names of the families, in their order.
sub families { return $_[0] =~ /^# TYPE (\w+) /mg }

# What promtool has to say about the page; '' where it is clean.
sub complaints {
    my ($t, $text) = @_;

    my $file = $t->spew('metrics.txt', $text);
    my $out = `promtool check metrics <$file 2>&1`;

    return $? ? "exit $?: $out" : $out;
}

1;
