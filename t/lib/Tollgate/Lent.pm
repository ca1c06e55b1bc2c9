package Tollgate::Lent;

# A gate that leases: what is lent, and what the register says of it.

use strict;
use warnings;

use parent 'Tollgate::Edge';

use Tollgate::Gate ();

# As Tollgate::Edge, with a directory for rings and a page of metrics; leases
# has parameters of tollgate_leases.
sub begin {
    my ($class, %opt) = @_;

    my $leases = delete $opt{leases} // '';
    $opt{http} = <<"CONF" . ($opt{http} // '');
    tollgate_leases %%DIR%%/leases $leases;
    server {
        listen unix:%%DIR%%/nginx-status.sock;
        location / { tollgate_status; }
    }
CONF

    return $class->SUPER::begin(%opt);
}

sub auth { return { Authorization => "Bearer $_[1]{key}" } }

sub metrics {
    my ($t) = @_;

    my $page = $t->via('status', 'GET', '/')->{body};

    return { $page =~ /^(tollgate_\S+) (\S+)$/mg };
}

sub decided { return $_[0]->metrics->{tollgate_lease_decisions_total} }

sub field {
    my ($t, $customer, $name) = @_;

    return $t->r('HGET', Tollgate::wallet_key($customer->{account}), $name);
}

sub held { return $_[0]->field($_[1], 'held') }

# The lease fields of a wallet.
sub leases {
    my ($t, $customer) = @_;

    my %wallet = @{ $t->r('HGETALL', Tollgate::wallet_key($customer->{account})) };

    return map { $_ => $wallet{$_} } grep { /^o:/ } sort keys %wallet;
}

# Waits until something is lent to the customer, and the gate knows.
sub leased {
    my ($t, $customer) = @_;

    return $t->wait_for(sub {
        $t->leases($customer) && $t->metrics->{tollgate_lease_unsent_records} == 0
    }, 'a lease');
}

# Takes back what was lent to hosts that are gone, as the worker does; a host
# that is there has a second to return what is idle.
sub reclaim {
    my ($t, $customer) = @_;

    my ($account, $before) = ($customer->{account}, '');
    $t->wait_for(sub {
        my %leases = $t->leases($customer);
        my $now = join ' ', %leases;
        my $still = $now eq $before;
        $before = $now;
        select undef, undef, undef, 1.5;
        return 1 if !%leases;
        return unless $still;
        for my $field (sort keys %leases) {
            my (undef, $key, $host) = split /:/, $field;
            $t->script('reclaim', [Tollgate::wallet_key($account),
                    Tollgate::ledger_key($account),
                    'tg:{' . Tollgate::shard($account) . '}:o'],
                [$account, $key, $host, (split / /, $leases{$field})[0]]);
        }
        return;
    }, 'leases to be reclaimed', 30);

    return;
}

# Waits until nothing is lent; what the register then comes to: "2 charged, 1
# refunded, 80 left".  One with a gap, or whose balances don't add up, dies.
sub settled {
    my ($t, $customer) = @_;

    my $account = $customer->{account};
    $t->wait_for(sub {
        !$t->leases($customer) && !$t->metrics->{tollgate_lease_unsent_records}
            && !$t->metrics->{tollgate_debts}
    }, "all leases of $account to return", 20);

    my %count = (charge => 0, refund => 0, lease => 0);
    my (@before, %seen);
    for my $event (Tollgate::Gate::events($t, $account)) {
        die "$account: event $event->{s} is out of place\n"
            if @before && ($event->{s} != $before[0] + 1
                           || $event->{v} + $event->{h}
                              != $before[1] + $event->{d});
        @before = ($event->{s}, $event->{v} + $event->{h});
        for my $item (split /;/, $event->{i}) {
            my ($id) = split / /, $item;
            die "$account: $event->{k} of $id comes twice\n"
                if $seen{ $event->{k} eq 'lease' ? 'charge' : $event->{k} }{$id}++;
            $count{ $event->{k} }++;
        }
    }
    die "$account: the wallet is not what the register says\n"
        if @before && $before[1] != $t->avail($customer) + $t->held($customer);

    return sprintf '%d charged, %d refunded, %g left',
        $count{charge} + $count{lease}, $count{refund},
        $t->avail($customer) / 1_000_000;
}

1;
