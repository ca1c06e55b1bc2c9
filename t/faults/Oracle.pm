package Oracle;

# What every balance has to be, from what the clients sent and were answered, and
# from the credits that the API said it gave.  It shares nothing with the product:
# prices are those of its own list.
#
# A request is judged by a list of [credits, units] that it may have cost; there is one
# where its outcome is known.  Where there are more the books are looked up, which have
# to say one of them.

use strict;
use warnings;

# The documented price list, in micro-credits; of tokens a million.
our %FEATURES = ('video.view' => 5_000_000, 'file.download' => 20_000_000,
                 'image.generate' => 10_000_000,
                 'video.generate' => 50_000_000);
our @TOKENS = (35_000_001, 8_750_000, 1_050_000_000);

sub new { return bless { accounts => {} }, $_[0] }

sub account {
    my ($self, $id) = @_;

    return $self->{accounts}{$id} //= { granted => 0, scoped => 0, lapsed => 0,
                                        good => 0, requests => [] };
}

# What the books gave beyond that, to make good a loss of Redis.
sub made_good {
    my ($self, $id, $micro) = @_;

    $self->account($id)->{good} = $micro;

    return;
}

# Credits for features alone are no use to a request of none.
sub granted {
    my ($self, $id, $micro, $features) = @_;

    my $account = $self->account($id);
    $account->{granted} += $micro;
    $account->{scoped} += $micro if $features;

    return;
}

# What the books say has lapsed, which depends on what was used first; and what they
# have left for any feature.
sub lapsed {
    my ($self, $id, $lapsed, $usable) = @_;

    @{ $self->account($id) }{qw(lapsed usable)} = ($lapsed, $usable);

    return;
}

sub sent {
    my ($self, $id, $request) = @_;

    push @{ $self->account($id)->{requests} }, $request;

    return;
}

# --- one request ----------------------------------------------------------------

# What a request that passes is asked to pay at first.
sub price {
    my ($request) = @_;

    return $request->{held} // $request->{price}
        // $FEATURES{ $request->{feature} };
}

# What it comes to when it is over.
sub comes_to {
    my ($request) = @_;

    return $request->{actual} // price($request) unless $request->{tokens};
    return $request->{held} if $request->{how} eq 'cut';

    my $sum = 0;
    $sum += $request->{tokens}[$_] * $TOKENS[$_] for 0 .. 2;

    return int(($sum + 999_999) / 1_000_000);
}

# All that it may have cost where nobody knows what became of it.
sub anything {
    my ($request) = @_;

    my %seen;

    return grep { !$seen{"@$_"}++ } [0, 0], [comes_to($request), 0],
        [price($request), 0], $request->{counted} ? [0, 1] : ();
}

# Sets what it may have cost, and its id.  $died: of what was there after it began:
# 'nginx', so what nginx owed to Redis then may never have come there; 'redis', so
# what Redis had answered may be lost.  A complaint where the answer itself is wrong.
sub judge {
    my ($request, $died) = @_;

    my $answer = $request->{answer};
    my @open = $died ? anything($request) : ();

    if ($request->{fate} eq 'refused') {
        $request->{may} = [[0, 0]];
        return;
    }
    my $verdict = $answer && $answer->{headers}{'tollgate-verdict'};
    if (!$verdict) {
        $request->{may} = [anything($request)];
        return;
    }

    $request->{id} = $answer->{headers}{'x-request-id'};
    $request->{verdict} = $verdict;
    if ($verdict ne 'pass' || $answer->{status} >= 500) {
        $request->{may} = @open ? \@open : [[0, 0]];
        return $verdict ne 'pass' && $answer->{status} < 400
            ? "refused as $verdict with status $answer->{status}" : ();
    }

    my @wrong = judge_passed($request, $answer->{headers}, @open);
    $request->{may} = \@open if $died eq 'redis';

    return @wrong;
}

sub judge_passed {
    my ($request, $headers, @open) = @_;

    my $held = $headers->{'tollgate-hold'};
    my $told = micro($held // $headers->{'tollgate-cost'} // 'nothing');
    my $price = price($request);

    if (defined $held) {
        $request->{may} = @open ? \@open : [[comes_to($request), 0]];
    } elsif ($told == 0 && $request->{counted}) {
        $request->{may} = [[0, 1]];
        return;
    } elsif ($told == 0 && defined $request->{call}) {
        $request->{may} = [[0, 0]];
        return;
    } else {
        $request->{may} = [[$price, 0]];
    }

    return $told == $price ? () : "costs $price and was told $told";
}

# Micro-credits of a decimal text; -1 where it is none.
sub micro {
    my ($text) = @_;

    my ($whole, $rest) = $text =~ /^(\d+)(?:\.(\d{1,6}))?$/ or return -1;

    $rest //= '';

    return $whole * 1_000_000 + ($rest . '0' x (6 - length $rest));
}

# --- an account -----------------------------------------------------------------

# Compares an account with the books of single requests, { id => [credits, units] }:
# each known request costs there what it has to, and what the books have beside is of
# one whose answer was lost.  Sets {spent}, {units} and {found}, those of which the answer
# was lost; complaints.
sub resolve {
    my ($self, $id, $books) = @_;

    my $account = $self->account($id);
    my %left = %$books;
    my (@wrong, @unknown);
    @$account{qw(spent units least lost probed featureless)} = (0) x 6;
    $account->{found} = {};

    for my $request (@{ $account->{requests} }) {
        my $may = $request->{may};
        $account->{least} += (sort { $a <=> $b } map { $_->[0] } @$may)[0];
        $account->{lost}++ if @$may > 1 || ($request->{verdict} // '')
            =~ /^(?:store_unreachable|deadline_passed|client_gone)$/;
        if (!defined $request->{id}) {
            push @unknown, $request if $request->{fate} ne 'refused';
            next;
        }
        my $booked = delete $left{ $request->{id} } // [0, 0];
        push @wrong, "request $request->{id} ($request->{does}, "
            . told($request) . ') costs ' . words($may) . ", and the books have @$booked"
            unless grep { "@$_" eq "@$booked" } @$may;
        $account->{spent} += $booked->[0];
        $account->{units} += $booked->[1];
        $account->{featureless} += $booked->[0] unless $request->{feature};
    }

    # those with the fewest ways first, so that the others are left for the rest; and
    # last what came to nothing, which any may have done
    @unknown = sort { @{ $a->{may} } <=> @{ $b->{may} } } @unknown;
    for my $request (sort { "@{ $left{$b} }" cmp "@{ $left{$a} }" } keys %left) {
        my $booked = $left{$request};
        my ($at) = grep {
            grep { "@$_" eq "@$booked" } @{ $unknown[$_]{may} }
        } 0 .. $#unknown;
        push @wrong, "request $request costs @$booked in the books, and nobody"
            . ' sent it; lost are '
            . join ', ', map { "$_->{does} " . words($_->{may}) } @unknown
            unless defined $at;
        splice @unknown, $at, 1 if defined $at;
        $account->{found}{$request} = $booked;
        $account->{spent} += $booked->[0];
        $account->{units} += $booked->[1];
    }

    push @wrong, "credits of $account->{granted} were given, and requests for"
        . " $account->{least} passed"
        if $account->{least} > $account->{granted} + $account->{good};

    push @wrong, "requests of no feature cost $account->{featureless}, and"
        . " $account->{scoped} of $account->{granted} credits are for features"
        if $account->{featureless} > $account->{granted} - $account->{scoped};

    return (@wrong, calls($account, $books));
}

# A call with an Idempotency-Key is paid for once, however often it was sent; unless
# nginx or Redis died of it, for then its key was free again.
sub calls {
    my ($account, $books) = @_;

    my (%paid, %most);
    for my $request (grep { defined $_->{call} } @{ $account->{requests} }) {
        my $call = $request->{call};
        $most{$call} = $request->{died} ? 9**15 : $request->{price}
            unless ($most{$call} // 0) > $request->{price};
        $paid{$call} += ($books->{ $request->{id} // '' } // [0])->[0];
    }

    return map { "call $_ was paid with $paid{$_}, and costs $most{$_}" }
        grep { $paid{$_} > $most{$_} } sort keys %paid;
}

sub balance {
    my ($self, $id) = @_;

    my $account = $self->account($id);

    return $account->{granted} + $account->{good} - $account->{lapsed}
        - $account->{spent};
}

sub words { return join ' or ', map { "@$_" } @{ $_[0] } }

# What became of a request, in a few words.
sub told {
    my ($request) = @_;

    return join ' ', $request->{fate},
        $request->{answer} ? $request->{answer}{status} : (),
        $request->{verdict} // ();
}

# The last requests of an account, for who looks for a difference.
sub last_of {
    my ($self, $id, $count) = @_;

    my @requests = @{ $self->account($id)->{requests} };
    splice @requests, 0, @requests - $count if @requests > $count;

    return map {
        sprintf '%.3f %s %s: %s%s', $_->{began}, $_->{does}, $_->{path},
            told($_), defined $_->{id} ? " $_->{id}" : ''
    } @requests;
}

1;
