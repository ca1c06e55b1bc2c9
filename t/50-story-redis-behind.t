#!/usr/bin/perl
# The stream of a shard is lost, or goes on with the ids of a clock that is behind:
# what was charged meanwhile is posted, and what comes later is read.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(worker => { 'proof.round' => '50ms' }, conf => <<'CONF');
    tollgate on;
    tollgate_feature image.generate;
    location / { proxy_pass http://backend; }
CONF

my $c = $t->customer(credits => '1000');
my $wallet = Tollgate::wallet_key($c->{account});
my $ledger = Tollgate::ledger_key($c->{account});
my $left = 1000;

# Requests of ten credits each, that pass once the gate has found Redis again.
sub pay {
    my ($n) = @_;

    $t->wait_for(sub { $t->call($c, 'POST', '/a')->{status} == 200 }, 'a request to pass')
        for 1 .. $n;

    return;
}

# Does that while nothing is settled.
sub unsettled {
    my ($what) = @_;

    my ($pid) = grep { $t->slurp("/proc/$_/comm") =~ /^settle/ } $t->children('worker');
    kill 'STOP', $pid;
    $what->();
    kill 'CONT', $pid;

    return;
}

sub recovered {
    my ($count) = @_;

    return $t->wait_for(sub {
        $t->sql('select count(*) from recovery where account = $1 and done_at is not null',
                $c->{account}) == $count
    }, "recovery $count", 20);
}

sub books_are_right {
    my ($when) = @_;

    $t->settled;
    is $t->balance($c), $left, "the balance is right $when";
    is $t->r('HGET', $wallet, 'avail') / 1e6, $left, "and the wallet $when";
    my $proof = $t->verified;
    ok $proof->{ok}, "edge and ledger agree $when" or diag explain $proof;
    is $t->must('GET', "/api/accounts/$c->{account}")->{state}, 'active', 'nobody is frozen';

    return;
}

$t->r('XADD', $ledger, (time + 3600) * 1000 . '-0', 'junk', 'junk');
pay(1);
$left -= 10;
$t->settled;
my $high = $t->sql('select ledger.cursor($1)', $ledger);
$t->r('DEL', $ledger);
$t->wait_for(sub {
    my %stream = @{ $t->r('XINFO', 'STREAM', $ledger) };
    $stream{'last-generated-id'} eq $high;
}, 'the stream to go on behind the cursor');
my @events;
unsettled(sub {
    $t->r('DEL', $ledger);
    pay(2);
    @events = @{ $t->r('XRANGE', $ledger, '-', '+') };
    cmp_ok $t->r('XREVRANGE', $ledger, '+', '-', 'COUNT', 1)->[0][0], 'lt', $high,
        'ids are those of a clock that is behind';
});
$left -= 20;
recovered(1);
books_are_right('where ids went back');
pay(2);
$left -= 20;
books_are_right('and what comes later is read');

# entries that are settled, and still there when a wallet is made again
is $t->sql('select count(*) from suspense_event'), 2, 'what was below the cursor was kept aside';
unsettled(sub {
    $t->r('DEL', $ledger);
    $t->r('XADD', $ledger, $_->[0], @{ $_->[1] }) for @events;
    $t->sql("select ledger.recover('$c->{account}', 'test')");
});
recovered(2);
is $t->sql('select count(*) from suspense_event'), 2, 'what the ledger has is not';
books_are_right('all the same');

# the same of a stream of usage, which is read anew: no record twice
my ($usage) = map { "tg:{usage}:$_" } @{ $t->r('SMEMBERS', 'tg:{usage}') };
my $records = sub { $t->sql('select count(*) from usage_event') };
my $known = $records->();
$t->r('XADD', $usage, (time + 3600) * 1000 . '-0', 'junk', 'junk');
$t->settled;
$t->r('DEL', $usage);
pay(1);
$t->wait_for(sub { $records->() == $known + 1 }, 'a record with an id below the cursor');
like $t->slurp('worker.log'), qr/\Q$usage\E was lost and goes on below/, 'the log tells of it';
$t->settled;
is $records->(), $known + 1, 'and no record is there twice';

done_testing;
