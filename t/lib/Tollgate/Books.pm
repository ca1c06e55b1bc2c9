package Tollgate::Books;

# Postgres alone, fed with events as settle would read them from the edge.

use strict;
use warnings;

use parent -norequire, 'Tollgate';

use Tollgate;

my $MICRO = 1_000_000;

sub begin {
    my ($class) = @_;

    my $b = $class->new;
    $b->schema;
    $b->{place} = 0;
    $b->{cursor} = '0-0';
    $b->{from} = [];

    return $b;
}

# An account whose grant of so many credits is applied and settled: seq 1.
sub account {
    my ($b, $credits) = @_;

    my $id = $b->sql(q{select api.account_create('{"name": "Test"}') ->> 'id'});
    $b->{avail}{$id} = 0;
    return $id unless $credits;

    $b->sql(q{select api.credit_grant(jsonb_build_object(
        'account', $1, 'credits', $2, 'source', 'purchase'))}, $id, $credits);
    $b->applied($id);
    my $cmd = $b->sql('select max(no) from command where account = $1', $id);
    $b->settle([command => $id, 1, $credits, cmd => $cmd]);

    return $id;
}

sub applied {
    my ($b, $account) = @_;

    $b->sql('select mirror.applied(account, no) from command
             where account = $1 and applied_at is null', $account);

    return;
}

# By kind of event: what its credits do to avail + held, and to held.
my %MOVES = (charge => [-1, 0], lease => [-1, 0], refund => [1, 0], command => [1, 0],
             hold => [0, 1], release => [0, -1], expired => [0, -1],
             commit => [-1, 0], late => [-1, 0], lapse => [-1, 0],
             start => [1, 0], adjust => [1, 0]);

# The statement that copies events and settles them. An event is [kind, account,
# seq, credits, options]: avail, held, items, epoch, cmd, units, id, feature, at
# (s), pockets, parts (in place of one item several: [id, credits, pockets]),
# bare: no items, and of a commit hold: what was held for it.
sub statement {
    my ($b, $from, @events) = @_;

    my (@rows, $id);
    for my $event (@events) {
        my ($kind, $account, $seq, $credits, %opt) = @$event;
        my $amount = int($credits * $MICRO + ($credits <=> 0) * 0.5);
        my ($delta, $holds) = map { $_ * $amount } @{ $MOVES{$kind} // [0, 0] };
        $holds -= int(($opt{hold} // 0) * $MICRO + 0.5);
        if (($b->{seq}{$account} // 0) < $seq) {
            $b->{avail}{$account} += $delta - $holds;
            $b->{held}{$account} += $holds;
            $b->{seq}{$account} = $seq;
        }
        my $avail = defined $opt{avail} ? $opt{avail} * $MICRO
            : $b->{avail}{$account};
        my $items = int(($opt{items} // $credits) * $MICRO + 0.5);
        my $at = int(($opt{at} // time) * 1_000_000);
        $id = ++$b->{place} . '-0';

        my $head = sprintf "'%s', %d, %d, %s, '%s', %s, %s, %d, %d", $account,
            $opt{epoch} // 1, $seq, $at, $kind, $delta, $avail,
            defined $opt{held} ? $opt{held} * $MICRO : $b->{held}{$account} // 0,
            $opt{cmd} // 0;
        my @items = $kind =~ /^(?:command|malformed)$/ || $opt{bare}
            ? "null, null, null, null, null, null, null, null"
            : $kind =~ /^(?:lapse|start|adjust)$/
            ? map { sprintf "%s, null, null, null, null, %s, 0, '%s'",
                    defined $_->[0] ? "'$_->[0]'" : 'null',
                    abs int($_->[1] * $MICRO + ($_->[1] <=> 0) * 0.5),
                    $_->[2] // '-' }
                @{ $opt{parts} // [[$opt{id}, $opt{items} // $credits,
                                    $opt{pockets}]] }
            : sprintf "'%s', 'key_0000000001', 'app_0000000001', '%s', null,"
                . " %s, %d, %s", $opt{id} // "r$b->{place}",
                $opt{feature} // 'image.generate',
                $kind eq 'void' ? 0 : $items, $opt{units} // 0,
                $opt{pockets} ? "'$opt{pockets}'" : 'null';
        push @rows, map { "('tg:{1}:ledger', '$id', $_, $head, $items[$_])" }
            0 .. $#items;
    }

    return ($id, join "\n", 'set role tollgate_worker;', 'begin;',
        'select ledger.settle_begin() \gset',
        'insert into settle_event values ' . join(",\n", @rows) . ';',
        "select ledger.settle_ledger('tg:{1}:ledger', '$from', '$id');",
        'commit;');
}

# Settles events from the cursor on; how many were posted.
sub settle {
    my ($b, @events) = @_;

    push @{ $b->{from} }, $b->{cursor};
    my ($to, $text) = $b->statement($b->{cursor}, @events);
    $b->{answer} = $b->psql($b->{dsn}, $text);
    $b->{cursor} = $to;
    my ($posted) = $b->{answer} =~ /"posted": (\d+)/;

    return $posted;
}

sub settle_error {
    my ($b, $from, @events) = @_;

    my (undef, $text) = $b->statement($from, @events);

    return $b->sql_error($text);
}

sub balance {
    my ($b, $account) = @_;

    return $b->sql('select lib.credits(ledger.balance($1))', $account);
}

sub state {
    my ($b, $account) = @_;

    return $b->sql('select state from account where id = $1', $account);
}

# Calls api.f with arguments given as a Perl structure.
sub call {
    my ($b, $function, $args) = @_;

    my $json = JSON::PP->new->canonical->allow_nonref;
    my $answer = $b->sql("select api.$function(\$1::jsonb)",
                         $json->encode($args));

    return defined $answer ? $json->decode($answer) : undef;
}

sub call_error {
    my ($b, $function, $args) = @_;

    my $error = $b->sql_error("select api.$function(\$1::jsonb)",
                              JSON::PP->new->canonical->encode($args));

    return $error ? "$error->{state} $error->{message}" : 'none';
}

1;
