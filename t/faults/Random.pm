package Random;

# Numbers that follow from a seed alone, whatever else in the process rolls dice.

use strict;
use warnings;

sub new {
    my ($class, $seed) = @_;

    # a zero would stay zero for ever
    my $state = ($seed * 2_654_435_761 + 88_675_123) & 0xffff_ffff;
    my $self = bless { state => $state || 1 }, $class;
    $self->below(2) for 1 .. 8;

    return $self;
}

# An integer of 0 to $n - 1.
sub below {
    my ($self, $n) = @_;

    my $x = $self->{state};
    $x ^= ($x << 13) & 0xffff_ffff;
    $x ^= $x >> 17;
    $x ^= ($x << 5) & 0xffff_ffff;
    $self->{state} = $x;

    return $x % $n;
}

sub between { return $_[1] + $_[0]->below($_[2] - $_[1] + 1) }

sub pick {
    my ($self, @from) = @_;

    return $from[$self->below(scalar @from)];
}

# True in so many of a hundred cases.
sub percent { return $_[0]->below(100) < $_[1] }

# One of the names, as often as its weight says; name => weight, ...
sub weighted {
    my ($self, %weight) = @_;

    my $sum = 0;
    $sum += $_ for values %weight;
    my $at = $self->below($sum);
    for my $name (sort keys %weight) {
        return $name if ($at -= $weight{$name}) < 0;
    }

    return;
}

# Credits as text, of so many micro-credits.
sub credits {
    my ($micro) = @_;

    my $text = sprintf '%d.%06d', int($micro / 1_000_000), $micro % 1_000_000;

    return $text =~ s/\.?0+\z//r;
}

1;
