package Tollgate::Lease;

# Calls of the scripts that lend to hosts and take back, without nginx.

use strict;
use warnings;

use Exporter 'import';
use Tollgate;
use Tollgate::Gate;
use Tollgate::Hold;

our @EXPORT = qw(lease lease_reply lease_keys item reclaim leases record_of
    mark_of lease_register);

my @FIELDS = qw(answer taken epoch no credits units key_tokens app_tokens app
    key plan tier mode avail day day_left day_end month month_left month_end
    key_burst key_us app_burst app_us);

our $HOST = '00000000000000aa';

sub lease_keys {
    my ($account, $host, $ring) = @_;

    my $tag = 'tg:{' . Tollgate::shard($account) . '}:';

    return ("${tag}ledger", "${tag}o", "${tag}q:$host:$ring");
}

# The raw reply.  An entry is { account, key, key_id, epoch, no, credits, units,
# key_tokens, app_tokens, back_credits, back_units, end, records }, the last a
# list of number and item; without a key it only tells.
sub lease_reply {
    my ($t, $list, %opt) = @_;

    my ($host, $ring) = ($opt{host} // $HOST, $opt{ring} // 1);
    my $tag = 'tg:{' . Tollgate::shard($list->[0]{account}) . '}:';
    my @args = ("${tag}w:", "${tag}plan:", $opt{deadline} // 0, $host, $ring,
                scalar @$list);
    for my $e (@$list) {
        my @records = @{ $e->{records} // [] };
        push @args, $e->{account}, $e->{key} ? key_hash($e->{key}) : '-',
            $e->{key_id} // '-',
            map({ $e->{$_} // 0 } qw(epoch no credits units key_tokens
                app_tokens back_credits back_units end)),
            @records / 2, @records;
    }

    return $t->script('lease',
        [lease_keys($list->[0]{account}, $host, $ring)], \@args);
}

# The answers as hashes, the first one in scalar context.
sub lease {
    my ($t, $list, %opt) = @_;

    my ($now, @answers) = @{ lease_reply($t, ref $list eq 'ARRAY' ? $list
                                                                  : [$list], %opt) };
    my @out;
    while (my @answer = splice @answers, 0, scalar @FIELDS) {
        my %answer = (now => $now);
        @answer{@FIELDS} = @answer;
        push @out, \%answer;
    }

    return wantarray ? @out : $out[0];
}

sub item {
    my ($id, $key_id, $credits, $units) = @_;

    return "$id $key_id app_0000000001 video.generate - $credits "
           . ($units // 0);
}

# The lease of a key as the wallet has it: no, credits, units, day, month.
sub record_of {
    my ($t, $account, $key_id, $host) = @_;

    return $t->r('HGET', Tollgate::wallet_key($account),
                 "o:$key_id:" . ($host // $HOST)) // '-';
}

# The list of leases of an account's shard: what it has of each.
sub leases {
    my ($t, $account) = @_;

    return @{ $t->r('HGETALL', (lease_keys($account, '', ''))[1]) };
}

sub mark_of {
    my ($t, $account, %opt) = @_;

    return $t->r('GET', (lease_keys($account, $opt{host} // $HOST,
                                    $opt{ring} // 1))[2]) // '-';
}

# With a number; by default the one that the list has.
sub reclaim {
    my ($t, $account, $key_id, %opt) = @_;

    my $host = $opt{host} // $HOST;
    my %leases = leases($t, $account);

    return $t->script('reclaim',
        [Tollgate::wallet_key($account), (lease_keys($account, '', ''))[0, 1]],
        [$account, $key_id, $host,
         $opt{no} // $leases{"$account $key_id $host"} // '']);
}

# The number of an account's last event, and what is owed by events; a register
# that does not add up from what there was at first dies.
sub lease_register {
    my ($t, $account, $sum) = @_;

    my ($seq, $owed) = (0, 0);
    for my $event (events($t, $account)) {
        my $credits = 0;
        $credits += (split)[5] for split /;/, $event->{i};
        $sum += $event->{d};
        die "event $event->{s} of $account does not add up\n"
            if $event->{s} != ++$seq || $event->{v} + $event->{h} != $sum
               || $event->{k} eq 'lease' && $event->{d} != -$credits;
        $owed += $credits if $event->{k} eq 'owed';
    }

    return ($seq, $owed);
}

1;
