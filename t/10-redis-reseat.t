# reseat.lua makes a wallet what the ledger says, under a new epoch, if it is
# still what was found.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Tollgate;

my $t = Tollgate->new;
$t->redis;

my $account = 'A000000001';
my ($wallet, $ledger, $holds, $lapses) = ("tg:{7}:w:$account", 'tg:{7}:ledger', 'tg:{7}:h', 'tg:{7}:g');
my @found = (2, 17, 500, 40, 3);

sub wallet {
    my (%more) = @_;

    $t->r('FLUSHALL');
    $t->r('HSET', $wallet, epoch => 2, seq => 17, avail => 500, held => 40, cmd => 3, plan => '-', %more);

    return;
}

sub reseat {
    my (%arg) = @_;

    return $t->r_try('EVAL', $t->script_text('reseat'), 3, $wallet, $ledger, $holds, $account, 9,
        $arg{epoch} // 3, 5, $arg{avail} // 700, @{ $arg{found} // \@found },
        map({ JSON::PP->new->encode($_) } $arg{fields} // { plan => 'pro' }, $arg{holds} // {}),
        $arg{next_ms} // 0);
}

sub fields { return { @{ $t->r('HGETALL', $wallet) } } }

sub event {
    my $entries = $t->r('XRANGE', $ledger, '-', '+');
    my %event = @{ $entries->[-1][1] };
    delete $event{t};

    return { %event, events => scalar @$entries };
}

wallet(state => 'frozen', 'k:old' => 'x', 'r:key_1' => 'x', 'a:app_1' => 'x', l => 'x', 'l:app_1' => 'x', 'e:c' => 'x',
       zone => '3600', anchor => 1, low => '10', full => 9, warned => 10, owed => 5, overdraft => 6, pocket => 'x',
       pockets => 'x', later => 'x', day => 86400, day_used => 3, 't:key_1' => 4, 'u:L1' => 'c', 'n:ent' => 'n');
is reseat(fields => { plan => 'pro', state => 'active', 'k:new' => 'y' }), 1, 'a wallet that is as it was found is made again';
is_deeply fields(), { epoch => 3, seq => 1, avail => 700, held => 0, cmd => 5, plan => 'pro', state => 'active', 'k:new' => 'y',
                      day => 86400, day_used => 3, 't:key_1' => 4, 'u:L1' => 'c', 'n:ent' => 'n' },
    'what commands set is what the ledger says, what the edge counts stays';
is_deeply event(), { a => $account, e => 3, s => 1, k => 'epoch', d => 160, v => 700, h => 0, n => 5, i => '9 - - - - 0 0',
                     events => 1 }, 'the event tells what avail and held together changed by';
is reseat(), 0, 'a second time it was done before';
is event()->{events}, 1, 'and there is no other event';

for my $i (0 .. $#found) {
    wallet();
    my @other = @found;
    $other[$i]++;
    my $before = fields();
    is reseat(found => \@other, epoch => 9), -1, "one that has moved since is not: field $i";
    is_deeply fields(), $before, 'it stays as it was';
    is $t->r('EXISTS', $ledger), 0, 'and there is no event';
}

$t->r('FLUSHALL');
is reseat(), -1, 'one that is gone meanwhile is not either';
is reseat(found => [('-') x 5], avail => 0), 1, 'one that was gone is made anew';
is fields()->{avail}, 0, 'with what the ledger has';
is event()->{d}, 0, 'by an event of the whole';

wallet(low => '10', full => 9, warned => 10);
reseat(fields => { plan => 'pro', low => '10' });
is_deeply [@{ fields() }{qw(full warned)}], [9, 10], 'what a balance falls from stays while there is low';

# holds end; markers keep their records for a commit that comes late
wallet('h:R1' => '40 99 key app f m -');
$t->r('ZADD', $holds, 99, "$account R1", 99, 'B000000002 R1');
$t->r('SET', 'tg:{7}:r:R2', '1');
reseat(holds => { R2 => '7 0 - - - - -', R3 => '8 0 - - - - -' });
is fields()->{'h:R1'}, undef, 'a hold of the wallet ends';
is_deeply $t->r('ZRANGE', $holds, 0, -1), ['B000000002 R1'], 'others of the shard stay';
is $t->r('GET', 'tg:{7}:r:R1'), 'expired 40 99 key app f m -', 'its marker has the record';
is $t->r('GET', 'tg:{7}:r:R3'), 'expired 8 0 - - - - -', 'so has that of one that the ledger knows';
is $t->r('GET', 'tg:{7}:r:R2'), '1', 'a request that was given back stays so';
cmp_ok $t->r('TTL', 'tg:{7}:r:R3'), '>', 86000, 'for a day';
is event()->{d}, 160, 'what was held is avail';

wallet();
reseat(next_ms => 12345, fields => { pocket => '12345 0 - 0' });
is $t->r('ZSCORE', $lapses, $account), 12345, 'what lapses next is noted';

wallet(map { ("k:$_" => 'x') } 1 .. 9000);
is reseat(fields => { map { ("k:new$_" => 'y') } 1 .. 9000 }), 1, 'thousands of fields are no matter';
is $t->r('HLEN', $wallet), 9005, 'all of them';

wallet();
$t->r('SET', $ledger, 'no stream');
my $before = fields();
is ref reseat(), 'SCALAR', 'where the stream takes no event it is an error';
is_deeply fields(), $before, 'and the wallet stays closed, as it was';

done_testing;
