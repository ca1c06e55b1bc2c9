# close.lua keeps requests out of a wallet that is to be made again, and tells
# what it is.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;

my $t = Tollgate->new;
$t->redis;

my $wallet = 'tg:{7}:w:A000000001';

sub close_wallet { return join ' ', @{ $t->script('close', [$wallet], [$_[0]]) } }

sub wallet { $t->r('DEL', $wallet); $t->r('HSET', $wallet, @_); return }

is close_wallet(1), '- - - - -', 'of a wallet that is gone nothing is told';
is $t->r('EXISTS', $wallet), 0, 'and none is made';

my %sound = (epoch => 2, seq => 17, avail => 9_007_199_254_740_991, held => 0, cmd => 3, plan => 'pro', low => '10');
wallet(%sound);
is close_wallet(2), '2 17 9007199254740991 0 3', 'a wallet is told as it is written, up to 2^53 - 1';
is_deeply { @{ $t->r('HGETALL', $wallet) } }, { %sound, plan => '-' }, 'its plan is one that nobody has, the rest stays';
is close_wallet(2), '2 17 9007199254740991 0 3', 'a second time it is told the same';

wallet(%sound);
is close_wallet(1), '2 17 9007199254740991 0 3', 'one of a later epoch is told too';
is $t->r('HGET', $wallet, 'plan'), 'pro', 'and stays open: it was made again already';

for my $broken ('x', '', '-1', '1.5', '9007199254740992', 'nan', 'inf') {
    wallet(%sound, map { $_ => $broken } qw(epoch seq avail held cmd));
    is close_wallet(2), '- - - - -', "what is no integer is told as missing: '$broken'";
    is $t->r('HGET', $wallet, 'plan'), '-', 'and the wallet is closed';
}

$t->r('DEL', $wallet);
$t->r('SET', $wallet, 1);
my $error = $t->r_try('EVAL', $t->script_text('close'), 1, $wallet, 1);
like $$error, qr/WRONGTYPE/, 'where something else stands it is an error';

done_testing;
