# Credits of a wallet that end, that are for some features, or that burn before
# others: which a request takes, to the millisecond.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Gate;
use Tollgate::Pockets;

my $t = Tollgate::Pockets->new;
$t->redis;

my ($n, $account, $key, $no) = (0);
my $end = 1_800_000_000_000;

sub account {
    $account = sprintf 'Pocket%04d', ++$n;
    $no = 0;
    $t->at($end - 1000);
    $t->apply($account, ++$no, 0, state => 'active', plan => 'payg');
    $t->plan('payg');
    $key = $t->key($account);

    return;
}

sub add { return $t->apply($account, ++$no, $_[0], $_[1] ? (pockets => $_[1]) : ()) }

sub ask { return gate($t, $account, map { +{ key => $key, %$_ } } @_) }

sub told { return join ' | ', events_since($t, $account, $_[0] // 0) }

sub left { return pockets($t, $account) }

# P4 of billing: what is near its end burns first, what has ended never.
account();
is add(100) . add(50, "50/$end/*") . add(30, "10/$end/*"), 111, 'three grants come';
is left(), "10/$end/* 30, 50/$end/* 50, - 100", 'each to its pocket, in the order of burning';
is ask({ cost => 1, dry_run => 1 })->{avail}, 179, 'a dry run tells what would be left';
$t->at($end - 1);
my $answer = ask({ id => 'a', cost => 60 });
is "$answer->{verdict} $answer->{avail}", 'pass 120', 'in the last millisecond all of it is there';
is left(), "50/$end/* 20, - 100", 'and burns in order';
is told(3), "charge -60 120 0 0 a $answer->{key} $answer->{app} - - 60 0 "
    . "10/$end/*=30,50/$end/*=30", 'which the event tells';
is $answer->{ticket}, "p:10/$end/*=30,50/$end/*=30", 'and the ticket';

$t->at($end);
my $before = snapshot($t, $account);
$answer = ask({ cost => 101 });
is "$answer->{verdict} $answer->{avail}", 'credits_exhausted 100', 'from its end on it is not';
is ask({ cost => 100, dry_run => 1 })->{verdict}, 'pass', 'nor in a dry run';
is ask({ look => 1 })->{avail}, 100, 'nor in a look';
is snapshot($t, $account), $before, 'and none of these writes anything';
$answer = ask({ id => 'b', cost => 60 });
is told(4), "lapse -20 100 0 0 - - - - - 20 0 50/$end/* | charge -60 40 0 0 b "
    . "$answer->{key} $answer->{app} - - 60 0", 'what has lapsed is told of ahead of the charge';
is left(), '- 40', 'and the wallet is as one that never had a pocket';
is $answer->{ticket}, '', 'whose ticket is empty';
$t->at($end - 1);
is ask({ look => 1 })->{avail}, 40, 'a clock that steps back brings nothing back';

# Scope.
account();
is add(10) . add(20, '50/0/image.*') . add(40, '50/0/audio+video.view'), 111, 'for features';
is left(), '50/0/audio+video.view 40, 50/0/image.* 20, - 10', 'the narrow ones come first';
is join(' ', map { ask({ feature => $_, cost => 0, dry_run => 1 })->{avail} }
    '-', qw(audio audiox image image.x video.view video)), '10 50 10 10 30 50 10',
    'what is left is what is usable for the feature';
is ask({ look => 1 })->{avail}, 70, 'to a look it is all';
is join(' ', map { ask({ feature => $_->[0], cost => $_->[1], dry_run => 1 })->{verdict} }
    ['-', 11], ['-', 10], ['image.x', 31], ['image.x', 30]),
    'credits_exhausted pass credits_exhausted pass', 'and what a price is compared with';
$answer = ask({ feature => 'image.x', cost => 25 });
is $answer->{ticket}, 'p:50/0/image.*=20,-=5', 'it burns ahead of the rest';
is left(), '50/0/audio+video.view 40, - 5', 'and no other';
is ask({ feature => 'image.x', cost => 0 })->{avail}, 5, 'the rest is for all';

# Order: priority, then the end, then scope.
account();
my @names = ('0/0/*', "3/$end/*", '3/' . ($end + 1) . '/*', '3/0/b', '3/0/*', '50/0/B' =~ tr/B/b/r,
             '-', '51/0/a');
add(1, $_) for reverse @names;
is left(), join(', ', map { "$_ 1" } @names), 'each has its place';
is ask({ feature => 'a', cost => 6 })->{ticket}, 'p:' . join(',', map { "$_=1" }
    @names[0 .. 2], '3/0/*', '-', '51/0/a'), 'and burns in it';
is left(), '3/0/b 1, 50/0/b 1', 'those of another scope stay';

# One call of many requests.
account();
add(5, "$_/0/*") for 1 .. 20;
add(7);
my @answers = ask(map { +{ id => "m$_", cost => 4 } } 1 .. 32);
is scalar(grep { $_->{verdict} eq 'pass' } @answers), 26, '32 requests: as many pass as it is enough for';
is left(), '- 3', 'and empty twenty pockets';
my ($event) = (events($t, $account))[-1];
my %sum;
for my $item (split /;/, $event->{i}) {
    my ($credits, $where) = (split / /, $item)[5, 7];
    $where //= '-';
    $where .= "=$credits" if $where !~ /=/;
    $sum{ (split /=/)[0] } += (split /=/)[1] for split /,/, $where;
}
is join(' ', map { $sum{"$_/0/*"} } 1 .. 20), join(' ', (5) x 20), 'whose items tell of each credit';
is $sum{'-'} . " $event->{d}", '4 -104', 'in one event';

# A wallet that can't be read is closed, not half used.
account();
add(5, '5/0/*');
for my $field (['pocket', 'x'], ['pocket', '0 9 5/0/* 9 0']) {
    $t->r('HSET', Tollgate::wallet_key($account), @$field);
    is ask({ cost => 1 })->{verdict}, 'account_frozen', "\"@$field\" is no head of pockets";
}

done_testing;
