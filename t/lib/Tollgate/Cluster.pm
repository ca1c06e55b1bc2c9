package Tollgate;

# Nodes of a fleet as one cluster: its slots, who serves them, how they move.

use strict;
use warnings;

our $SLOTS = 16384;

# CRC16 as a cluster takes it, of the key's hash tag.
sub slot {
    my ($key) = @_;

    my $text = $key =~ /\{([^}]+)\}/ ? $1 : $key;
    my $crc = 0;
    for my $byte (unpack 'C*', $text) {
        $crc ^= $byte << 8;
        $crc = ($crc & 0x8000 ? $crc << 1 ^ 0x1021 : $crc << 1) & 0xffff
            for 1 .. 8;
    }

    return $crc % $SLOTS;
}

sub cluster_start {
    my ($self) = @_;

    my $fleet = $self->{fleet};
    my $masters = $fleet->{masters};
    my $count = keys %{ $fleet->{nodes} };

    for my $i (1 .. $count) {
        $self->n("node$i", 'CLUSTER', 'SET-CONFIG-EPOCH', $i);
        next if $i > $masters;
        $self->n("node$i", 'CLUSTER', 'ADDSLOTSRANGE',
                 int(($i - 1) * $SLOTS / $masters),
                 int($i * $SLOTS / $masters) - 1);
    }
    for my $i (2 .. $count) {
        my $node = $self->node("node$i");
        $self->n('node1', 'CLUSTER', 'MEET', '127.0.0.1', $node->{port},
                 $node->{bus});
    }

    for my $i ($masters + 1 .. $count) {
        my $master = $self->node_id('node' . (($i - 1) % $masters + 1));
        $self->wait_for(sub {
            $self->n("node$i", 'CLUSTER', 'REPLICATE', $master)
        }, "node$i to replicate");
    }

    $self->cluster_ok;
    return $self->in_sync;
}

sub node_id { return $_[0]->n($_[1], 'CLUSTER', 'MYID') }

# The slots that a node serves, as ranges.
sub n_serves {
    my ($self, $name) = @_;

    my ($myself) = $self->n($name, 'CLUSTER', 'NODES') =~ /^(.*myself.*)$/m;

    return map { /^(\d+)-(\d+)$/ ? [$1, $2] : /^(\d+)$/ ? [$1, $1] : () }
        splice @{ [split ' ', $myself] }, 8;
}

# Waits until all nodes that run see all slots served, by the same nodes.
sub cluster_ok {
    my ($self) = @_;

    return $self->wait_for(sub {
        my %seen;
        my @names = grep { $self->node_runs($_) }
            keys %{ $self->{fleet}{nodes} };
        for my $name (@names) {
            my $info = $self->n($name, 'CLUSTER', 'INFO');
            return 0 unless $info =~ /cluster_state:ok/
                && $info =~ /cluster_slots_ok:$SLOTS\r/
                && $info =~ /cluster_known_nodes:(\d+)/
                && $1 == keys %{ $self->{fleet}{nodes} };
            $seen{ join ' ', sort map { "$_->[0]-$_->[1]:$_->[2][1]" }
                       @{ $self->n($name, 'CLUSTER', 'SLOTS') } }++;
        }
        return keys %seen == 1;
    }, 'the cluster to be whole', 30);
}

# Kills the master and waits until its replica serves its slots; its name.
sub cluster_fail_over {
    my ($self, $name) = @_;

    my ($slots) = $self->n_serves($name);
    $self->node_kill($name);

    return $self->wait_for(sub {
        my $new = $self->node_of($slots->[0]);
        $new ne $name && $self->cluster_ok && $new;
    }, "a replica to take over from $name", 30);
}

# Moves a slot with its keys from node to node.  A test may stop between the
# steps: with keys here and there a node answers ASK and TRYAGAIN.
sub slot_move {
    my ($self, $slot, $to) = @_;

    my $from = $self->slot_move_begin($slot, $to);
    1 while $self->slot_move_keys($slot, $from, $to, 100);

    return $self->slot_move_end($slot, $from, $to);
}

# The node that it moves from.
sub slot_move_begin {
    my ($self, $slot, $to) = @_;

    my $from = $self->node_of($slot);
    $self->n($to, 'CLUSTER', 'SETSLOT', $slot, 'IMPORTING',
             $self->node_id($from));
    $self->n($from, 'CLUSTER', 'SETSLOT', $slot, 'MIGRATING',
             $self->node_id($to));

    return $from;
}

# Moves up to so many keys, or those named; how many there were.
sub slot_move_keys {
    my ($self, $slot, $from, $to, $count, @keys) = @_;

    @keys = @{ $self->n($from, 'CLUSTER', 'GETKEYSINSLOT', $slot, $count) }
        unless @keys;
    return 0 unless @keys;

    my $auth = $self->{fleet}{auth};
    $self->n($from, 'MIGRATE', '127.0.0.1', $self->node($to)->{port}, '', 0,
             5000, $auth ? ('AUTH2', @$auth) : (), 'KEYS', @keys);

    return scalar @keys;
}

# The other nodes hear of it from these two.
sub slot_move_end {
    my ($self, $slot, $from, $to) = @_;

    $self->n($_, 'CLUSTER', 'SETSLOT', $slot, 'NODE', $self->node_id($to))
        for $to, $from;

    return;
}

1;
