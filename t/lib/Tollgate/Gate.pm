package Tollgate::Gate;

# Calls of gate.lua by named arguments, and what they left in the register.

use strict;
use warnings;

use Digest::SHA ();
use Exporter 'import';
use Tollgate;

our @EXPORT = qw(gate gate_all gate_call gate_reply events snapshot key_hash tally
    verdicts);

our @FIELDS = qw(verdict app key plan tier mode credits units avail limit
    retry_ms);

# what only some answers have, by bit, and what it is where they have it not
our @MORE = (
    [1, [(0) x 6], qw(key_burst key_left key_full_ms app_burst app_left
                      app_full_ms)],
    [2, [-1, -1, 0, -1, -1, 0], qw(day day_left day_end month month_left
                                   month_end)],
    [4, ['', ''], qw(ticket limits)],
);

my $requests = 0;

sub key_hash { return Digest::SHA::sha256_hex($_[0]) }

# Keys and arguments of a call for accounts, each [account, request, ...].  A
# request is { key, cost, units, tier, dry_run, look, feature, model, id, ip,
# method, scope, path, extras }; only the key has no default.
sub gate_call {
    my ($accounts, %opt) = @_;

    my (@keys, @args);
    for (@$accounts) {
        my ($account, @list) = @$_;

        push @keys, Tollgate::wallet_key($account),
            Tollgate::ledger_key($account);
        push @args, $account, 'tg:{' . Tollgate::shard($account) . '}:plan:',
            scalar @list, map { request_args($_) } @list;
    }

    return (\@keys, [$opt{deadline} // 0, @args]);
}

sub request_args {
    my ($request) = @_;

    return $request->{id} // sprintf('%032x', ++$requests),
        $request->{hash} // key_hash($request->{key}),
        map({ $request->{$_} // '-' } qw(feature model)),
        map({ $request->{$_} // 0 } qw(tier cost units)),
        $request->{look} ? 2 : $request->{dry_run} ? 1 : 0,
        join(' ', map({ $request->{$_} // '-' } qw(ip method scope)),
             $request->{path} // '/'),
        $request->{extras} // '-';
}

# The raw reply.
sub gate_reply {
    my ($t, $account, $list, %opt) = @_;

    return $t->script('gate', gate_call([[$account, @$list]], %opt));
}

# The answers for accounts, each [account, request, ...]: a list of hashes for
# each, or the text of what went wrong with it.
sub gate_all {
    my ($t, @accounts) = @_;

    my ($now, @values) = @{ $t->script('gate', gate_call(\@accounts)) };
    my @all;
    for (@accounts) {
        my ($account, @list) = @$_;
        my $epoch = shift @values;

        push @all, $epoch =~ /^-?\d+\z/
            ? [map { +{ now => $now, epoch => $epoch, answer(\@values) } } @list]
            : $epoch;
    }
    die @values . " values too many\n" if @values;

    return @all;
}

# Takes an answer off the values; what it doesn't tell is as where there is none.
sub answer {
    my ($values) = @_;

    die "a reply that is too short\n" if @$values < @FIELDS;
    my (%answer, $more);
    (@answer{@FIELDS}, $more) = splice @$values, 0, @FIELDS + 1;
    for my $group (@MORE) {
        my ($bit, $none, @fields) = @$group;

        @answer{@fields} = $more & $bit ? splice @$values, 0, scalar @fields
                                        : @$none;
    }

    return %answer;
}

# The answers as hashes, the first one in scalar context.
sub gate {
    my ($t, $account, @list) = @_;

    my ($out) = gate_all($t, [$account, @list]);
    die "$out\n" unless ref $out;

    return wantarray ? @$out : $out->[0];
}

sub verdicts { return join ' ', map { $_->{verdict} } @_ }

# The events of an account, oldest first, each a hash of its fields.
sub events {
    my ($t, $account) = @_;

    my $entries = $t->r('XRANGE', Tollgate::ledger_key($account), '-', '+');

    return grep { $_->{a} eq $account } map { +{ @{ $_->[1] } } } @$entries;
}

# What so many requests of a customer came to, once their usage records and the
# refunds that those tell of are there: "2 charged, 1 refunded, 80 left".  A
# register with a gap or a wrong balance dies.
sub tally {
    my ($t, $customer, $requests) = @_;

    my $account = $customer->{account};
    my $owed = grep { $_->{refunded} } $t->used($account, $requests);
    my (%count, @events);
    $t->wait_for(sub {
        @events = events($t, $account);
        %count = (charge => 0, refund => 0);
        $count{ $_->{k} } += @{ [split /;/, $_->{i}] } for @events;
        $count{refund} >= $owed
    }, "$owed refunds");

    my $avail = $t->avail($customer);
    for my $event (reverse @events) {
        die "$account: event $event->{s} of " . @events . " is out of place\n"
            if $event->{v} != $avail || $event->{s} != @events;
        $avail -= (pop @events)->{d};
    }

    return sprintf '%d charged, %d refunded, %g left',
        @count{qw(charge refund)}, $t->avail($customer) / 1_000_000;
}

# Every byte of the wallet and the length of the register.  Sorted, since the
# order of a hash changes while Redis moves it to a larger table.
sub snapshot {
    my ($t, $account) = @_;

    my %wallet = @{ $t->r('HGETALL', Tollgate::wallet_key($account)) };

    return join "\n", (map { "$_ $wallet{$_}" } sort keys %wallet),
        'events ' . $t->r('XLEN', Tollgate::ledger_key($account));
}

1;
