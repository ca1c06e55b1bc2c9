package Tollgate::Purse;

# A model of a wallet's pockets: what each script is to do to them, and the
# events that are to tell of it.  It shares nothing with the scripts.

use strict;
use warnings;

use List::Util qw(min sum0);
use Tollgate::Pockets;

sub new { return bless { has => { '-' => 0 }, later => [], held => 0, now => $_[1], want => [] }, $_[0] }

sub avail { return sum0(values %{ $_[0]{has} }) }

sub usable {
    my ($self, $feature) = @_;

    return sum0(map { $self->{has}{$_} } grep { fits($_, $feature) } keys %{ $self->{has} });
}

# As Tollgate::Pockets::pockets() tells of a wallet.
sub text {
    my ($self) = @_;

    my %has = %{ $self->{has} };
    my @names = in_order(grep { $has{$_} } keys %has);
    my @later = sort map { join ' ', @$_ } @{ $self->{later} };
    return '- ' . ($has{'-'} // 0) if !@later && !grep { $_ ne '-' } @names;

    return join ', ', map({ "$_ $has{$_}" } @names), @later;
}

# An event: what avail and held are after it is what they are now.
sub say {
    my ($self, $kind, $d, $items, $n) = @_;

    push @{ $self->{want} },
        join ' ', $kind, $d, $self->avail, $self->{held}, $n // 0, $items;

    return;
}

sub where {
    my ($list) = @_;

    return '' unless grep { $_->[0] ne '-' } @$list;

    return ' ' . (@$list == 1 ? $list->[0][0] : join ',', map { "$_->[0]=$_->[1]" } @$list);
}

sub is_due {
    my ($self) = @_;

    return 1 if grep { $_->[0] <= $self->{now} } @{ $self->{later} };

    return grep { $self->{has}{$_} && ended($_, $self->{now}) } keys %{ $self->{has} };
}

sub ended {
    my ($name, $now) = @_;

    my $end = (split m{/}, $name)[1];

    return $end && $end <= $now;
}

sub due {
    my ($self) = @_;

    my $has = $self->{has};
    my @now = grep { $_->[0] <= $self->{now} } @{ $self->{later} };
    @{ $self->{later} } = grep { $_->[0] > $self->{now} } @{ $self->{later} };
    for my $grant (@now) {
        my (undef, $id, $amount, $name) = @$grant;
        $has->{$name} += $amount;
        $self->say('start', $amount, "$id - - - - $amount 0" . where([[$name, $amount]]));
    }

    my @ended = in_order(grep { $has->{$_} && ended($_, $self->{now}) } keys %$has);
    my %ended = map { ($_, delete $has->{$_}) } @ended;
    $self->say('lapse', -sum0(values %ended),
               join ';', map { "- - - - - $ended{$_} 0 $_" } @ended) if @ended;

    return;
}

# Takes an amount; the list of where.
sub burn {
    my ($self, $amount, $feature) = @_;

    my @list;
    for my $name (in_order(grep { fits($_, $feature) } keys %{ $self->{has} })) {
        my $taken = min($amount, $self->{has}{$name}) or next;
        $self->{has}{$name} -= $taken;
        $amount -= $taken;
        push @list, [$name, $taken];
    }
    die "the model has too little\n" if $amount;

    return \@list;
}

sub give {
    my ($self, $list) = @_;

    $self->{has}{ $_->[0] } += $_->[1] for @$list;

    return;
}

# Two lists as one.
sub joined {
    my %sum;
    $sum{ $_->[0] } += $_->[1] for map { @$_ } @_;

    return [map { [$_, $sum{$_}] } in_order(keys %sum)];
}

# The front of a list that comes to an amount, and the rest.
sub parted {
    my ($list, $amount) = @_;

    my (@front, @rest);
    for my $pair (@$list) {
        my $part = min($amount, $pair->[1]);
        $amount -= $part;
        push @front, [$pair->[0], $part] if $part;
        push @rest, [$pair->[0], $pair->[1] - $part] if $part < $pair->[1];
    }

    return (\@front, \@rest);
}

1;
