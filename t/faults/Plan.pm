package Plan;

# What a round does, as it follows from the seed: which customer asks for what, and
# which faults begin and end in between.  A plan is a list of steps: a request or
# a call of the API, or { fault => name } and { heal => name }.

use strict;
use warnings;

# Who there is: what they have at first and what they do, by weight.
our %customers = (
    busy   => { credits => '20000', does => { cost => 5, feature => 2, hold => 1,
                reroll => 1, revoke => 1, state => 1, pause => 1, plan => 1,
                grant => 1 } },
    capped => { credits => '5000', does => { cost => 8, feature => 2, idem => 1 },
                limits => [{ name => 'spend', meter => 'credits', max => '150',
                             window => 'day' }] },
    mixed  => { credits => '300', plan => 'mixed',
                does => { cost => 4, feature => 6, grant => 1 } },
    poor1  => { credits => '20', does => { cost => 6, feature => 2, idem => 2,
                burst => 2, grant => 2 } },
    poor2  => { credits => '35', does => { cost => 8, burst => 3, grant => 2 } },
    lots   => { credits => '40', does => { cost => 4, feature => 6, hold => 2,
                lot => 4 } },
    quota  => { credits => '10', plan => 'quota',
                does => { cost => 3, feature => 6 } },
    rich1  => { credits => '100000', does => { cost => 4, feature => 3,
                hold => 5, meter => 3, idem => 3, grant => 1 } },
    rich2  => { credits => '100000', does => { hold => 6, meter => 4, cost => 3,
                idem => 2 } },
);

our %plans = (
    mixed => { mode => 'hybrid', day_units => 60 },
    quota => { mode => 'subscription', day_units => 90 },
);

my @FEATURES = qw(video.view file.download image.generate video.generate);
my $BACKEND = { slow => 10, fail => 8, drop => 3, cut => 2, fine => 77 };

# Options: faults, the table of Faults.pm; steps, how many requests and calls.
sub round {
    my ($random, %opt) = @_;

    my (@steps, %until, %recent);
    my @names = sort keys %{ $opt{faults} };
    my $next = $random->between(5, 20);

    for my $at (1 .. $opt{steps}) {
        for my $name (grep { $until{$_} <= $at } sort keys %until) {
            push @steps, { heal => $name };
            delete $until{$name};
        }

        if ($at >= $next && keys %until < 2) {
            my $name = fault($random, $opt{faults}, \@names, keys %until);
            if (defined $name) {
                push @steps, { fault => $name };
                $until{$name} = $at + $random->between(
                    @{ $opt{faults}{$name}{lasts} // [1, 1] });
            }
            $next = $at + $random->between(8, 40);
        }

        push @steps, step($random, \%recent);
    }
    push @steps, map { { heal => $_ } } sort keys %until;

    return @steps;
}

# One that doesn't touch what is broken already.
sub fault {
    my ($random, $faults, $names, @now) = @_;

    my %taken = map { $_ => 1 } map { split ' ', $faults->{$_}{on} } @now;
    my %free = map { $_ => $faults->{$_}{weight} // 2 }
        grep { !grep { $taken{$_} } split ' ', $faults->{$_}{on} } @$names;

    return %free ? $random->weighted(%free) : undef;
}

sub step {
    my ($random, $recent) = @_;

    my $who = $random->pick(sort keys %customers);
    my $does = $random->weighted(%{ $customers{$who}{does} });

    return { who => $who, does => $does,
             __PACKAGE__->can($does)->($random, $who, $recent) };
}

# --- requests -------------------------------------------------------------------

# What the backend and the client do: status and how.
sub manners {
    my ($random) = @_;

    my $how = $random->weighted(%$BACKEND);

    return (status => $how eq 'fail' ? $random->pick(500, 503) : 200,
            how => $how, delay => $how eq 'slow' ? $random->between(5, 120) : 0,
            leave => leaves($random, 4));
}

# After how many seconds the client leaves, if it does.
sub leaves {
    my ($random, $percent) = @_;

    return $random->percent($percent) ? $random->below(60) / 1000 : undef;
}

sub amount {
    my ($random, $most) = @_;

    return $random->pick(sub { $random->between(1, $most) * 1_000_000 },
                         sub { $random->between(1, $most * 8) * 125_000 },
                         sub { $random->between(1, $most * 1_000_000) })->();
}

sub cost {
    my ($random, $who) = @_;

    my $most = $who =~ /^(?:poor|capped)/ ? 4 : 12;

    return (price => amount($random, $most), manners($random));
}

# Many at once, which nginx asks for together.
sub burst {
    my ($random) = @_;

    return (price => amount($random, 6), many => $random->between(3, 12),
            status => 200, how => 'fine', delay => 0);
}

sub feature {
    my ($random) = @_;

    return (feature => $random->pick(@FEATURES), manners($random));
}

# What it comes to is less than what is held, or more where there is plenty.
sub hold {
    my ($random, $who) = @_;

    my $held = amount($random, 20);
    my $actual = $random->percent(25) && $who =~ /^rich/
        ? $held + amount($random, 5) : $random->below($held + 1);

    return (held => $held, actual => $actual, manners($random));
}

sub meter {
    my ($random) = @_;

    my $cached = $random->below(500);
    my @tokens = ($random->between(1, 3000), $cached, $random->between(1, 2000));

    return (held => amount($random, 8), tokens => \@tokens, manners($random));
}

# A call that is made once, or again, mostly of a key that was used before.
sub idem {
    my ($random, $who, $recent) = @_;

    my $calls = $recent->{$who} //= [];
    return %{ $random->pick(@$calls) } if @$calls && $random->percent(60);

    my $call = { price => amount($random, 4), status => 200, how => 'fine',
                 delay => $random->below(30), leave => leaves($random, 8),
                 call => $random->below(0x7fff_ffff) };
    push @$calls, $call;
    shift @$calls if @$calls > 3;

    return %$call;
}

# --- calls of the API -------------------------------------------------------------

sub grant { return (credits => amount($_[0], 25)) }

# A grant that ends soon, or is for some features, or is used before others.
sub lot {
    my ($random) = @_;

    return (credits => amount($random, 40), terms => {
        source => $random->pick(qw(promo purchase)),
        priority => $random->pick(10, 50, 50, 90),
        $random->pick([], [expires_in => '1s'], [expires_in => '2s'],
                      [expires_at => '2037-01-01T00:00:00Z'])->@*,
        $random->pick([], [], [features => ['video.*']],
                      [features => ['image.generate', 'file.download']])->@* });
}

sub reroll { return () }

sub revoke { return () }

sub pause { return (state => $_[0]->pick(qw(pause resume))) }

sub state { return (state => $_[0]->pick(qw(suspended active active))) }

sub plan { return (plan => $_[0]->pick(qw(payg payg mixed quota))) }

1;
