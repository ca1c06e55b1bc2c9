# trim.lua removes what is settled, once it was kept long enough, and its marks
# tell of every entry that is gone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;

my $t = Tollgate->new;
$t->redis;

my ($stream, $store) = ('tg:{7}:ledger', 'tg:{7}:s');

sub trim {
    my ($cursor, $before, $keep_ms, $count) = @_;

    return $t->script('trim', [$stream, $store],
                      [$cursor, $before, $keep_ms // 0, $count // 0]);
}

sub add { $t->r('XADD', $stream, $_, 'a', 1) for @_; return }

sub left { return join ' ', map { $_->[0] } @{ $t->r('XRANGE', $stream, '-', '+') } }

sub marks {
    my ($fields) = { @{ $t->r('HGETALL', $store) } };
    delete $fields->{settled_at};

    return join ' ', map { "$_=$fields->{$_}" } sort keys %$fields;
}

sub now_ms {
    my ($s, $us) = @{ $t->r('TIME') };

    return $s * 1000 + int($us / 1000);
}

is trim('0-0', ''), 0, 'where nothing was settled nothing is removed';
is marks(), '', 'and nothing noted';

add('5-1', '5-2', '10-1', '10-2');
is trim('5-2', '0-0', 0, 2), 2, 'what is settled goes';
is left(), '10-1 10-2', 'up to the cursor, itself included';
is marks(), 'settled=5-2 trimmed=5-2', 'and the marks say so';
my $at = $t->r('HGET', $store, 'settled_at');
ok abs($at - now_ms()) < 5000, 'and when it was';
is trim('5-2', '5-2', 0, 2), 0, 'a second time nothing happens';
is trim('5-1', '0-0', 0, 1), 0, 'nor for a cursor that is older';
is marks(), 'settled=5-2 trimmed=5-2', 'whose marks do not go back';
is trim('10-1', '5-2', 0, 1), 1, 'ids compare as numbers';
is marks(), 'settled=10-1 trimmed=10-1', 'in the marks too';

# kept for a while
$t->r('DEL', $stream, $store);
my $now = now_ms();
my @old = map { $now - 3_600_000 + $_ . '-0' } 1 .. 3;
my @new = map { $now - 1000 + $_ . '-0' } 1 .. 3;
add(@old, @new);
is trim($new[1], '0-0', 600_000, 5), 3, 'what is older than the time to keep it goes';
is left(), "@new", 'and no younger one, settled or not';
is marks(), "kept=2 settled=$new[1] trimmed=$old[2]",
    'the marks tell of the last one that is gone, and how many are kept';
is trim($new[2], $new[1], 600_000, 1), 0, 'the next batch';
is marks(), "kept=3 settled=$new[2] trimmed=$old[2]", 'is counted';
is trim($new[2], $new[2], 600_000, 0), 0, 'what is old is looked for without a batch too';

is trim($old[1], $old[0], 600_000, 1), 0, 'a Postgres that is older settles again';
is marks(), "kept=3 settled=$new[2] trimmed=$old[2]", 'and nothing is counted twice';
add(my $next = $now . '-7');
is trim($next, $new[0], 600_000, 3), 0, 'also with a batch that goes beyond';
is marks(), "kept=4 settled=$next trimmed=$old[2]", 'of which the rest is';
add($now . '-8');
is trim($now . '-8', '', 600_000, 0), 0, 'where the batch is not known';
is marks(), "kept=5 settled=$now-8 trimmed=$old[2]", 'it is counted by the script';
is trim($now . '-8', $now . '-8', 0, 0), 5, 'none are left once they are not to be kept';
is marks(), "kept=0 settled=$now-8 trimmed=$now-8", 'and all of it is told';

# an older cursor never removes what it has not settled
$t->r('DEL', $stream, $store);
add(@old);
trim($old[2], '0-0', 7_200_000, 3);
is trim($old[0], '0-0', 0, 1), 1, 'a cursor that is older removes its own';
is left(), "$old[1] $old[2]", 'and not those behind it';
is marks(), "kept=2 settled=$old[2] trimmed=$old[0]", 'which are still counted as kept';

# a full Redis has to become less full
$t->r('DEL', $stream, $store);
add('1-1', '1-2');
$t->r('CONFIG', 'SET', 'maxmemory', 1);
ok !eval { $t->r('HSET', $store, 'a', 1); 1 }, 'Redis is full';
is trim('1-1', '0-0', 0, 1), 1, 'it is trimmed all the same';
is marks(), 'settled=1-1 trimmed=1-1', 'and marked';
is trim('1-2', '1-1', 3_600_000, 1), 1, 'with a time to keep too';
is marks(), 'settled=1-2 trimmed=1-2', 'and marked';
$t->r('CONFIG', 'SET', 'maxmemory', 0);

for my $bad (['x', ''], ['1', ''], ['1-1', '', 'x'], ['1-1', '', -1], ['1-1', '', 0, 'x']) {
    my $before = marks();
    ok !eval { trim(@$bad); 1 }, "arguments (@$bad) raise an error";
    is marks(), $before, 'and change nothing';
}

done_testing;
