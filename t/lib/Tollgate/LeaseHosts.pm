package Tollgate::LeaseHosts;

# A model of hosts that lease: what each has in its pools, and what its two
# processes have not been told to be taken.  It calls lease.lua as nginx does.

use strict;
use warnings;

use List::Util qw(min sum0);
use Tollgate::Lease;

# Keys and key ids by account.
sub new {
    my ($class, $t, $key, $id) = @_;

    return bless { t => $t, key => $key, id => $id, hosts => [map { "00000000000000$_" } 'aa', 'bb'],
                   pool => {}, ring => {}, cost => {}, number => 0, old => [] }, $class;
}

sub pool {
    my ($self, $host, $account) = @_;

    return $self->{pool}{$host}{$account} //=
        { has => 0, no => 0, epoch => 0, live => 0, ends => 0 };
}

sub any { return $_[rand @_] }

sub host { return any(@{ $_[0]{hosts} }) }

# A request is decided by what a host has.
sub spend {
    my ($self, $account) = @_;

    my ($host, $cost) = ($self->host, 1 + int rand 30);
    my $pool = $self->pool($host, $account);
    return if !$pool->{live} || $pool->{has} < $cost;

    my $request = 'r' . ++$self->{number};
    $pool->{has} -= $cost;
    $self->{cost}{$request} = $cost;
    push @{ $self->{ring}{$host}{ any(1, 2) } }, [$self->{number}, $account, $request];

    return;
}

# The entries of a process, with the oldest of what it has to tell.  The first
# process owns the leases.
sub entries_of {
    my ($self, $host, $ring, $ends) = @_;

    my @unsent = @{ $self->{ring}{$host}{$ring} // [] };
    my %entry;
    for my $record (@unsent[0 .. min($#unsent, int rand 12)]) {
        my ($number, $account, $request) = @$record;
        $entry{$account} //= { account => $account, key_id => $self->{id}{$account} };
        push @{ $entry{$account}{records} }, $number,
            item($request, $self->{id}{$account}, $self->{cost}{$request});
    }

    for my $account ($ring == 1 ? sort keys %{ $self->{key} } : ()) {
        my $pool = $self->pool($host, $account);
        my $back = rand > 0.7 ? int rand $pool->{has} + 1 : 0;
        next if !$entry{$account} && rand > 0.5 && !$ends;

        $pool->{ends} ||= $ends || rand > 0.95;
        $pool->{live} &&= !$pool->{ends};
        $pool->{has} = $pool->{ends} ? 0 : $pool->{has} - $back;
        $entry{$account} = { %{ $entry{$account} // {} }, account => $account,
            key => $self->{key}{$account}, key_id => $self->{id}{$account}, epoch => $pool->{epoch},
            no => $pool->{no}, credits => rand > 0.3 ? int rand 200 : 0, back_credits => $back,
            end => $pool->{ends} && $self->untold($host, $account)
                   == @{ $entry{$account}{records} // [] } / 2 ? 1 : 0 };
    }

    return map { $entry{$_} } sort keys %entry;
}

# A host learns what became of an entry.
sub learn {
    my ($self, $host, $ring, $entry, $got) = @_;

    if ($got->{taken}) {
        my %taken = @{ $entry->{records} // [] };
        @{ $self->{ring}{$host}{$ring} } =
            grep { !$taken{ $_->[0] } } @{ $self->{ring}{$host}{$ring} };
    }
    return if !$entry->{key} || $got->{answer} eq 'wait';

    my $pool = $self->pool($host, $entry->{account});
    if ($entry->{end}) {
        %$pool = (has => 0, no => 0, epoch => 0, live => 0, ends => 0);
        return;
    }

    my $fits = $pool->{no} ? $got->{no} == $pool->{no} + 1 && $got->{epoch} == $pool->{epoch}
                           : $got->{no};
    $pool->{live} = $fits && $got->{answer} eq 'ok' && !$pool->{ends};
    $pool->{ends} = !$pool->{live};
    $pool->{has} = $pool->{live} ? $pool->{has} + $got->{credits} : 0;
    @$pool{qw(no epoch)} = @$got{qw(no epoch)};

    return;
}

# A process calls; some calls come twice, and of some the reply is lost.
sub call {
    my ($self, $host, $ring, $ends) = @_;

    my @entries = $self->entries_of($host, $ring, $ends) or return;
    my @how = (\@entries, host => $host, ring => $ring);
    push @{ $self->{old} }, \@how if !grep { $_->{end} } @entries;
    lease($self->{t}, @how) if rand > 0.9;
    my @answers = lease($self->{t}, @how);
    return if rand > 0.9;

    $self->learn($host, $ring, $entries[$_], $answers[$_]) for 0 .. $#entries;

    return;
}

# A call that lay about comes once more.
sub comes_late {
    my ($self) = @_;

    lease($self->{t}, @{ any(@{ $self->{old} }) }) if @{ $self->{old} };

    return;
}

# What a host was not heard of for so long that it uses nothing any more.
sub dies {
    my ($self, $host, $account) = @_;

    $self->pool($host, $account)->{live} = 0;

    return;
}

# All that a host has of an account, or has used and is in none of these.
sub has {
    my ($self, $host, $account, $charged) = @_;

    return $self->pool($host, $account)->{has} + sum0(
        map { $self->{cost}{ $_->[2] } }
        grep { $_->[1] eq $account && !$charged->{ $_->[2] } }
        map { @$_ } values %{ $self->{ring}{$host} });
}

# How many requests a host has not been told to be taken.
sub untold {
    my ($self, $host, $account) = @_;

    return scalar grep { $_->[1] eq $account } map { @$_ } values %{ $self->{ring}{$host} };
}

1;
