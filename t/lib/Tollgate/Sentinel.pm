package Tollgate;

# Sentinels over the nodes of a fleet: how they start, and whom they name.

use strict;
use warnings;

# Where they would wait for seconds.
my %quick_sentinel = (map({ $_ => 200 } qw(info-period ask-period
    publish-period)), 'tilt-trigger' => 60_000, 'election-timeout' => 1000);

sub sentinel_start {
    my ($self) = @_;

    my $fleet = $self->{fleet};
    my $master = $self->node('node1')->{port};
    my $text = $self->conf_text('redis-sentinel')
        =~ s/^(sentinel monitor tollgate) \S+ \d+/$1 127.0.0.1 $master/mr
        =~ s/(milliseconds tollgate) \d+/$1 1000/r
        =~ s/(timeout tollgate) \d+/$1 3000/r;

    $self->n("node$_", 'REPLICAOF', '127.0.0.1', $master)
        for 2 .. 1 + $fleet->{replicas};
    $self->in_sync;

    for my $name (map { "sentinel$_" } 1 .. $fleet->{sentinels}) {
        my $node = $self->node_make($name, join("\n", $text,
            @{ $fleet->{sentinel} // [] }),
            $fleet->{tls} ? ('tls-replication' => 'yes') : ());
        $node->{args} = ['--sentinel'];
        $self->node_start($name);
        $self->n($name, 'SENTINEL', 'DEBUG', %quick_sentinel);
    }

    return $self->sentinels_agree;
}

# Waits until each sentinel that runs knows the others and every replica, so
# that the next failover can't fail for want of knowledge.
sub sentinels_agree {
    my ($self) = @_;

    my $fleet = $self->{fleet};

    return $self->wait_for(sub {
        for my $name (grep { /^sentinel/ && $self->node_runs($_) }
                      keys %{ $fleet->{nodes} })
        {
            my %master = @{ $self->n($name, 'SENTINEL', 'MASTER', 'tollgate') };
            return 0 unless $master{flags} eq 'master'
                && $master{'num-slaves'} >= $fleet->{replicas}
                && $master{'num-other-sentinels'} == $fleet->{sentinels} - 1;
        }
        return 1;
    }, 'the sentinels to know each other', 20);
}

# The master that the sentinels name.
sub master {
    my ($self) = @_;

    my %named;
    for my $name (grep { /^sentinel/ && $self->node_runs($_) }
                  sort keys %{ $self->{fleet}{nodes} })
    {
        my $address = $self->n($name, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME',
                               'tollgate');
        $named{ $self->node_at($address->[1]) }++;
    }
    my ($most) = sort { $named{$b} <=> $named{$a} || $a cmp $b } keys %named;

    return $most;
}

# Waits until every sentinel names another master than the old one, which says
# so itself; its name.
sub failed_over {
    my ($self, $old) = @_;

    return $self->wait_for(sub {
        my @names = map {
            $self->node_at($self->n($_, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME',
                                    'tollgate')->[1])
        } grep { /^sentinel/ && $self->node_runs($_) }
            keys %{ $self->{fleet}{nodes} };
        my $new = $names[0];
        return $new ne $old && !grep({ $_ ne $new } @names)
            && $self->n($new, 'ROLE')->[0] eq 'master' && $new;
    }, "another master than $old", 30);
}
