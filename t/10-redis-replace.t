# replace.lua replaces a hash by a newer version and by nothing else.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;

my $hash = 'tg:{7}:plan:pro';

sub replace { return $t->script('replace', [$hash], \@_) }

sub fields { return { @{ $t->r('HGETALL', $hash) } } }

is replace(3, name => 'Pro', tier => 2), 1, 'a hash is made';
is_deeply fields(), { version => 3, name => 'Pro', tier => 2 },
    'with its version';
is replace(3, name => 'Other'), 0, 'the same version is not newer';
is replace(2, name => 'Other'), 0, 'nor an older one';
is_deeply fields(), { version => 3, name => 'Pro', tier => 2 },
    'and both change nothing';
is replace(10, name => 'Pro plus'), 1, 'versions compare as numbers';
is_deeply fields(), { version => 10, name => 'Pro plus' },
    'fields of the old one are gone';
is replace(11), 1, 'a version may be all there is';
is_deeply fields(), { version => 11 }, 'and nothing else remains';

is replace('9007199254740990', a => 1), 1, 'large versions';
is replace('9007199254740991', a => 2), 1, 'are told apart';
is fields()->{version}, '9007199254740991', 'and stored in digits';
is replace('9007199254740990', a => 1), 0, 'in both directions';

$t->r('DEL', $hash);
$t->r('HSET', $hash, a => 1);
is replace(0, b => 1), 1, 'a hash without a version is older than any';

my $before = fields();
for my $bad (['x'], [''], ['-1'], ['1.5'], ['9007199254740992'],
             [5, 'field'], []) {
    ok !eval { replace(@$bad); 1 }, "arguments (@$bad) raise an error";
    is_deeply fields(), $before, 'and change nothing';
}

my $body = join '', map { "feature\tf$_\t1000000\t1\n" } 1 .. 20_000;
is replace(5, body => $body), 1, 'a large value';
is fields()->{body}, $body, 'arrives whole';

$t->r('DEL', $hash);
$t->r('SET', $hash, 'text');
ok !eval { replace(9, a => 1); 1 }, 'a key of another type is an error';
is $t->r('GET', $hash), 'text', 'and stays';

done_testing;
