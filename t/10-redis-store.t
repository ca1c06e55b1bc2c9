# store.lua tells what the store of a shard is, and has its stream go on behind
# what was settled.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;

my $t = Tollgate->new;
$t->redis;

my ($store, $ledger, $unknown) = ('tg:{7}:s', 'tg:{7}:ledger', 'tg:{7}:m');

sub ask {
    my %found;
    @found{qw(id replid last unknown)} = @{ $t->script('store', [$store, $ledger], [$_[0] // '-']) };

    return \%found;
}

my $found = ask();
my ($replid) = $t->r('INFO', 'replication') =~ /master_replid:(\w+)/;
is_deeply $found, { id => '', replid => $replid, last => '', unknown => [] },
    'of an empty server there is the replication id alone';
is $t->r('DBSIZE'), 0, 'and asking writes nothing';

$t->r('HSET', $store, 'id', 'ours');
$t->r('SADD', $unknown, 'A000000001');
$t->r('XADD', $ledger, '5-1', 'a', 1);
$t->r('XDEL', $ledger, '5-1');
is_deeply ask(), { id => 'ours', replid => $replid, last => '5-1', unknown => ['A000000001'] },
    'the id, the last id of the stream though that entry is gone, and who has no wallet';

is ask('5-1')->{last}, '5-1', 'a cursor that the stream has reached';
is ask('4-9')->{last}, '5-1', 'or has passed';
is ask('0-0')->{last}, '5-1', 'or that is none changes nothing';
is $t->r('XLEN', $ledger), 0, 'and adds no entry';

is ask('10-0')->{last}, '5-1', 'a stream that is below the cursor is told as it was found';
is ask()->{last}, '10-0', 'and goes on behind it: ids compare as numbers';
is $t->r('XLEN', $ledger), 0, 'without an entry';
ask('10-2');
is ask()->{last}, '10-2', 'so it does where only the number within the ms is below';
my ($ms) = $t->r('XADD', $ledger, '*', 'a', 1) =~ /^(\d+)/;
cmp_ok $ms, '>', 10, 'the next event has a later id';

$t->r('DEL', $ledger);
is ask('7-3')->{last}, '', 'a stream that is gone is told to be';
is ask()->{last}, '7-3', 'and begins behind the cursor';

$t->r('DEL', $ledger);
ask('0-0');
is $t->r('EXISTS', $ledger), 0, 'where nothing was settled none is made';

$t->r('REPLICAOF', '127.0.0.1', '1');
is ask()->{replid}, '', 'a replica, which may be behind, tells no replication id';
$t->r('REPLICAOF', 'NO', 'ONE');
isnt ask()->{replid}, $replid, 'and one that was a replica tells another';

done_testing;
