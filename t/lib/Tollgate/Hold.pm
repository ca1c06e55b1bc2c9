package Tollgate::Hold;

# Calls of the scripts that hold credits and end holds, without nginx.

use strict;
use warnings;

use Exporter 'import';
use List::Util qw(sum0);
use Tollgate;
use Tollgate::Gate;

our @EXPORT = qw(hold commit extend expire void_hold record holds_key
    marker_key register wallet_fields);

sub holds_key { return 'tg:{' . Tollgate::shard($_[0]) . '}:h' }

sub marker_key { return 'tg:{' . Tollgate::shard($_[0]) . "}:r:$_[1]" }

sub wallet_fields {
    my ($t, $account, @fields) = @_;

    return join ' ', map { $_ // '-' }
        @{ $t->r('HMGET', Tollgate::wallet_key($account), @fields) };
}

sub record {
    my ($t, $account, $id) = @_;

    return $t->r('HGET', Tollgate::wallet_key($account), "h:$id");
}

# A request whose price is held; what the gate answers.
sub hold {
    my ($t, $account, $key, $id, $cost, %opt) = @_;

    return gate($t, $account, { key => $key, id => $id, cost => $cost,
        extras => 'hold=' . ($opt{ttl_ms} // 600_000), %opt });
}

sub keys_of {
    my ($account) = @_;

    return (Tollgate::wallet_key($account), Tollgate::ledger_key($account),
            holds_key($account));
}

sub commit {
    my ($t, $account, $id, $actual, $overage, $epoch) = @_;

    return $t->script('commit', [keys_of($account), marker_key($account, $id)],
        [$account, $id, $epoch // 1, $actual, $overage // 'reject_next']);
}

sub void_hold {
    my ($t, $account, $id) = @_;

    return $t->script('void', [(keys_of($account))[0, 1]], [$account, $id]);
}

sub extend {
    my ($t, $account, $id, $ttl_ms, $more, $epoch) = @_;

    return $t->script('extend', [keys_of($account)],
        [$account, $id, $epoch // 1, $ttl_ms, $more // 0]);
}

# How many were due, and how many ran out.
sub expire {
    my ($t, $account, $max) = @_;

    my $tag = 'tg:{' . Tollgate::shard($account) . '}:';

    return join ' ', @{ $t->script('expire',
        [holds_key($account), Tollgate::ledger_key($account)],
        ["${tag}w:", "${tag}r:", $max // 100]) };
}

# The number of an account's last event and how many there are of each kind; a
# register that doesn't add up from what there was at first dies.
sub register {
    my ($t, $account, $sum) = @_;

    my ($seq, $held, %seen) = (0, 0);
    for my $event (events($t, $account)) {
        my $credits = sum0(map { (split)[5] } split /;/, $event->{i});
        my $d = $event->{k} =~ /^(?:charge|commit|late)\z/ ? -$credits
            : $event->{k} eq 'command' ? $event->{d} : 0;
        my $h = $event->{k} eq 'hold' ? $credits
            : $event->{k} =~ /^(?:release|expired)\z/ ? -$credits : 0;
        die "event $event->{s} of $account does not add up\n"
            if $event->{s} != ++$seq || $event->{d} != $d
               || $event->{v} + $event->{h} != ($sum += $d)
               || $event->{k} ne 'commit' && $event->{h} != $held + $h;
        $held = $event->{h};
        $seen{ $event->{k} }++;
    }

    return ($seq, %seen);
}

1;
