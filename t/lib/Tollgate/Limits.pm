package Tollgate::Limits;

# A model of limits with a name: random ones, and what the gate is to say of
# requests under them.

use strict;
use warnings;

use Exporter 'import';
use List::Util qw(min);
use Tollgate;

our @EXPORT = qw(random pick world model);

# Its own generator: the same sequence with every Perl.
my $seed = 20_261_121;

sub random {
    $seed = ($seed * 1_103_515_245 + 12_345) % 2_147_483_648;

    return int($seed / 65_536) % $_[0];
}

sub pick { return $_[random(scalar @_)] }

# A limit of a holder; windows are for life, and an interval longer than a test.
sub limit {
    my ($id, $holder) = @_;

    my %l = (id => $id, name => "limit-$id", meter => pick(qw(rate requests units credits)),
             feature => pick('*', '*', 'video.*', 'video.make'),
             per => $holder =~ /key/ ? 'key' : $holder =~ /app/ ? pick(qw(app key))
                    : pick(qw(account app key)),
             effect => random(5) ? 'refuse' : 'warn', percents => [[], [100], [50, 80, 100]]->[random(3)]);
    $l{max} = { rate => 3 + random(30), requests => random(40), units => random(60),
                credits => random(900) }->{ $l{meter} };
    $l{line} = join ' ', @l{qw(id name meter max)}, $l{meter} eq 'rate' ? 10**12 : 'life', '-',
        @l{qw(per feature effect)}, join(',', @{ $l{percents} }) || '-';
    return \%l;
}

# A world: an account with two apps of two keys each, and limits of all holders.
sub world {
    my ($t, $n) = @_;

    my %w = (account => sprintf('Limit%05d', $n), avail => 20_000, mode => pick(qw(payg subscription hybrid)));
    $t->plan("plan$n", mode => $w{mode});
    $t->wallet($w{account}, avail => $w{avail}, plan => "plan$n");
    $w{wallet} = Tollgate::wallet_key($w{account});
    my $id = 0;
    for my $key (11, 12, 21, 22) {
        my %key = (app => 'app_000000000' . int($key / 10), id => "key_00000$n$key");
        push @{ $w{keys} }, { %key, text => $t->key($w{account}, %key) };
    }
    for my $holder ('plan', 'l', map({ "l:$_->{app}" } @{ $w{keys} }[0, 2]), map { "l:$_->{id}" } @{ $w{keys} }[0, 3]) {
        my @limits = map { limit(++$id, $holder) } 1 .. random(4) or next;
        $w{limits}{$holder} = \@limits;
        my $text = join "\n", map { $_->{line} } @limits;
        $holder eq 'plan'
            ? $t->r('HSET', 'tg:{' . Tollgate::shard($w{account}) . "}:plan:plan$n", 'limits', $text)
            : $t->r('HSET', $w{wallet}, $holder, $text);
    }

    return \%w;
}

# The limits that fit, each with the name of its counter.
sub fitting {
    my ($w, $key, $feature) = @_;

    return map { [$_, "u:$_->{id}" . { account => '', app => ":$key->{app}", key => ":$key->{id}" }->{ $_->{per} }] }
        grep { my $f = quotemeta($_->{feature}) =~ s/\\\*$/.*/r; $feature =~ /^$f$/ }
        map { @{ $w->{limits}{$_} // [] } } 'l', 'plan', "l:$key->{app}", "l:$key->{id}";
}

# What the model says of a request, which it takes where that passes.
sub model {
    my ($w, $request) = @_;

    my @fit = fitting($w, @$request{qw(owner feature)});
    my $full = sub {
        my ($meter, $amount) = @_;
        return $amount && grep { my ($l, $c) = @$_; $l->{meter} eq $meter && $l->{effect} eq 'refuse'
                                     && ($w->{used}{$c} // 0) + $amount > $l->{max} } @fit;
    };
    my ($credits, $units) = ($request->{cost}, 0);
    return 'rate_limited' if $full->('rate', 1);
    if ($w->{mode} ne 'payg' && ($w->{mode} eq 'subscription' || $request->{units} || !$credits)) {
        if (!$full->('units', $request->{units})) {
            ($credits, $units) = (0, $request->{units});
        } elsif ($w->{mode} eq 'subscription') {
            return 'quota_exceeded';
        }
    }
    return 'cap_reached' if $full->('requests', 1) || $full->('credits', $credits);
    return 'credits_exhausted' if $credits > $w->{avail};
    return 'pass' if $request->{dry_run};

    $w->{avail} -= $credits;
    my %amount = (rate => 1, requests => 1, units => $units, credits => $credits);
    for (@fit) {
        my ($l, $c) = @$_;
        my $amount = $amount{ $l->{meter} } or next;
        $w->{used}{$c} += $amount;
        if ($l->{meter} eq 'rate') {
            $w->{used}{$c} = min($w->{used}{$c}, $l->{max});
            next;
        }
        push @{ $request->{taken} }, [$c, $amount];
        for my $percent (@{ $l->{percents} }) {
            next if $percent <= ($w->{told}{$c} // 0) || $w->{used}{$c} * 100 < $l->{max} * $percent;
            $w->{told}{$c} = $percent;
            push @{ $w->{notices} }, "$request->{id} $l->{name} $percent $l->{max} $w->{used}{$c}";
        }
    }
    $request->{credits} = $credits;
    return 'pass';
}

1;
