# Pockets where it is tight: commands, tickets that are too long, a full Redis, a
# clock that is the server's own, and wallets that can't be read.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes ();
use Tollgate::Gate;
use Tollgate::Pockets;

my $t = Tollgate::Pockets->new;
$t->redis;
$t->plan('payg');
my ($n, $account, $key, $no) = (0);
my $end = 1_800_000_000_000;

sub account {
    $account = sprintf 'PocketEd%02d', ++$n;
    $no = 0;
    delete $t->{clock};
    $t->at($end - 1000) unless $_[0];
    command(0, state => 'active', plan => 'payg', @_ ? @{ $_[0] } : ());
    $key = $t->key($account);

    return;
}

sub command { return $t->apply($account, ++$no, @_) }

sub ask { return gate($t, $account, map { +{ key => $key, %$_ } } @_) }

sub left { return pockets($t, $account) }

sub now_ms { my ($s, $us) = @{ $t->r('TIME') }; return $s * 1000 + int $us / 1000 }

# P7 of billing: a level that is set while use is on its way.
account();
command(100, pockets => '10/0/*=60,-=40');
ask({ cost => 1 });
is command(0, level => 50) . ' ' . left(), '1 10/0/* 10, - 40', 'a level is reached by a difference';
is((events_since($t, $account, 2))[0], "adjust -49 50 0 $no - - - - - 49 0 10/0/*", 'which is told');
is ask({ cost => 1 })->{avail}, 49, 'and use goes on from there';
is command(0, level => 49) . ' ' . (events($t, $account))[-1]{d}, '1 0', 'one that is reached is told too';

# What a command may not say.
for my $pairs ([5, 'pockets', '5/0/*=4'], [5, 'pockets', '101/0/*'], [5, 'pockets', '05/0/*'],
    [5, 'pockets', '5/0/b+a'], [5, 'pockets', '5/0/a+a'], [5, 'pockets', '5/0/'], [5, 'pockets', '5/0/A'],
    [5, 'pockets', '5/0/' . join '+', 'a' .. 'i'], [5, 'pockets', '5/0/' . 'a' x 200], [5, 'pockets', '5/9007199254740992/*'],
    [0, 'pockets', '5/0/*'], [5, 'later', "$end g1 5 -"], [0, 'later', "x g1 5 -"], [0, 'lapse', 'g1 x -'],
    [0, 'level', '-1'], [0, 'level', '9007199254740992'], [0, 'level', 5, 'take', 'x 1'], [0, 'level', 5, 'later', "$end g 5 -"])
{
    my $was = snapshot($t, $account);
    is $t->apply($account, $no + 1, @$pairs), 'raised', "\"@$pairs\" is an error";
    is snapshot($t, $account), $was, 'and changes nothing';
}
is $t->apply($account, $no + 1, -41), -2, 'a negative delta is of the plain pocket alone';

# A grant that starts is what a balance falls from.
account();
command(10, low => '50');
command(0, later => "$end g1 90 20/0/*");
is left(), "- 10, $end g1 90 20/0/*", 'a later grant is no part of avail';
$t->at($end);
is ask({ id => 's', cost => 60 })->{verdict}, 'pass', 'from its start on it is';
is join(' ', map { $_->{k} } events($t, $account)), 'command start charge threshold',
    'it starts ahead of the charge, and the fall is told from what it made of it';
account();
command('9007199254740990');
command(0, later => "$end g1 5 20/0/*");
$t->at($end);
is $t->sweep($account) . ' ' . ask({ cost => 1 })->{avail}, '1 0 9007199254740989', 'one that is too much waits';
ask({ cost => 9 });
is ask({ cost => 0 })->{avail}, '9007199254740985', 'until there is room';

# A ticket that has no room for all that burnt.
account();
my $long = join '+', map { "feature.$_" . 'x' x 10 } 1 .. 8;
command(1, pockets => "$_/0/$long") for 1 .. 20;
my $answer = ask({ id => 'long', cost => 20, feature => 'feature.1' . 'x' x 10 });
is "$answer->{verdict} $answer->{ticket}", 'pass p:@', 'a list that is too long is kept beside';
is left(), '- 0', 'all has burnt';
is $t->refund($account, 'long', $answer), 1, 'it is given back';
is scalar(my @back = split /, /, left()), 20, 'to each pocket';
is $t->refund($account, 'long', $answer) . ' ' . scalar(@back = split /, /, left()), '0 20', 'once';
$answer->{ticket} = 'p:@';
is $t->refund($account, 'other', $answer), -1, 'and not where nobody knows to which';

# A Redis that is full takes no event: then nothing has changed.
account();
command(30, pockets => "10/$end/*");
$t->at($end + 5);
my $was = snapshot($t, $account) . left();
$t->r('CONFIG', 'SET', 'maxmemory', '1');
ok !eval { ask({ cost => 0 }); $t->sweep($account); 1 }, 'a full Redis refuses';
$t->r('CONFIG', 'SET', 'maxmemory', '0');
is snapshot($t, $account) . left(), $was, 'and the wallet is as it was';
is $t->sweep($account) . ' ' . left(), '1 1 - 0', 'what has ended lapses in a wallet that nobody uses';
is $t->sweep($account), '0 0', 'once';

# The set of accounts is put right by the wallets.
$t->r('ZADD', Tollgate::Pockets::lapses($account), 1, $account, 1, 'NoAccount1');
is $t->sweep($account) . ' ' . $t->r('EXISTS', Tollgate::Pockets::lapses($account)), '2 0 0',
    'who has nothing due leaves the set';
command(5, pockets => '10/' . ($end + 99) . '/*');
$t->r('HSET', Tollgate::wallet_key($account), 'pocket', 'x');
$t->r('ZADD', Tollgate::Pockets::lapses($account), 1, $account);
is $t->sweep($account) . ' ' . $t->r('ZSCORE', Tollgate::Pockets::lapses($account), $account),
    '1 0 ' . ($end + 60_005), 'one that cannot be read is left for a minute';
is $t->refund($account, 'r', { key => 'k', app => 'a', credits => 1, units => 0, day_end => 0, month_end => 0 }),
    -1, 'and is given nothing back, which no queue waits for';

# The clock of the server itself.
account([]);
my $soon = now_ms() + 1500;
command(7, pockets => "50/$soon/*");
my $early = ask({ cost => 1, dry_run => 1 });
is "$early->{verdict}", 'pass', 'before its end it is there' if $early->{now} / 1000 < $soon;
$t->wait_for(sub { now_ms() >= $soon }, 'the end');
is ask({ cost => 1, dry_run => 1 })->{verdict}, 'credits_exhausted', 'from its end on it is not';

done_testing;
