package Tamper;

# The register broken on purpose, once everything else was right: an event that is lost,
# invented, doubled, or a wallet that somebody changed.  Each is found at the next event
# and freezes its own account, and no other.

use strict;
use warnings;

use Faults;

# What is done to the account's part of its stream while settle is frozen, and whether
# that freezes the account; undef: in the same batch it does, in another it is nothing.
my @ACTS = (
    ['a lost charge', 1, sub { lose(@_, 'charge') }],
    ['a lost event of no amount', 1, sub { lose(@_, 'void') }],
    ['an invented charge', 1, \&invent],
    ['a doubled charge', undef, sub { put($_[0], $_[1], %{ (events(@_))[-1][1] }) }],
    ['a wallet changed by hand', 1, sub {
        $_[0]->r('HINCRBY', Tollgate::wallet_key($_[1]{account}), 'avail', 1_000_000)
    }],
);

# Complaints, and whom it froze.
sub try {
    my ($t) = @_;

    my (@wrong, %frozen, %may);
    for my $act (@ACTS) {
        my ($name, $freezes, $do) = @$act;
        my $c = $t->customer(name => $name, credits => '100');
        $c->{keys} = [];
        $t->settled;

        Faults::freeze($t, settle => Faults::child($t, 'worker', 'settle'));
        pay($t, $c) for 1 .. 2;
        $t->script('void', [Tollgate::wallet_key($c->{account}),
                            Tollgate::ledger_key($c->{account})],
                   [$c->{account}, 'f' x 32]);
        pay($t, $c);
        $do->($t, $c);
        pay($t, $c);
        Faults::thaw($t, 'settle');
        $t->settled;

        $frozen{ $c->{account} } = $name if $freezes;
        $may{ $c->{account} } = 1 if !$freezes;
    }
    for my $account (sort keys %frozen) {
        $t->wait_for(sub {
            $t->must('GET', "/api/accounts/$account")->{state} eq 'frozen'
        }, "$frozen{$account} to freeze its account")
            or push @wrong, "$frozen{$account} is not found";
    }

    my @others = grep { !$frozen{ $_->[0] } && !$may{ $_->[0] } }
        $t->sql(q{select id, name from account where state = 'frozen'});

    return (\%frozen, @wrong, map { "$_->[1] froze the account $_->[0]" } @others);
}

sub pay {
    my ($t, $c) = @_;

    return $t->call($c, 'GET', '/cost?cost=1&status=200');
}

# [id, fields] of the account's events.
sub events {
    my ($t, $c) = @_;

    return grep { $_->[1]{a} eq $c->{account} } map { [$_->[0], { @{ $_->[1] } }] }
        @{ $t->r('XRANGE', Tollgate::ledger_key($c->{account}), '-', '+') };
}

sub lose {
    my ($t, $c, $kind) = @_;

    my ($event) = grep { $_->[1]{k} eq $kind } events($t, $c);

    return $t->r('XDEL', Tollgate::ledger_key($c->{account}), $event->[0]);
}

# A charge that the wallet knows nothing of.
sub invent {
    my ($t, $c) = @_;

    my %last = %{ (events($t, $c))[-1][1] };

    return put($t, $c, %last, s => $last{s} + 1, k => 'charge', d => -7, v => $last{v} - 7,
               i => 'e' x 32 . ' - - - - 7 0');
}

sub put {
    my ($t, $c, %fields) = @_;

    return $t->r('XADD', Tollgate::ledger_key($c->{account}), '*',
                 map { $_ => $fields{$_} } qw(a e s t k d v h n i));
}

1;
