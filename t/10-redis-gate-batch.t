# gate.lua decides several requests in one call, each after those before it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;
$t->plan('hybrid', mode => 'hybrid', day => 5, month => 50);
$t->plan('slow', key_rate => 60_000_000, key_burst => 3,
         app_rate => 60_000_000, app_burst => 4);

sub wallet_of {
    my ($account, @fields) = @_;

    return join ' ', @{ $t->r('HMGET', Tollgate::wallet_key($account),
                              @fields) };
}

# Credits run out in the middle; a cheaper request after that still passes.
$t->wallet('Batch00001', avail => 100);
my $key = $t->key('Batch00001');
my @answers = gate($t, 'Batch00001', map { +{ key => $key, cost => $_ } }
                   40, 50, 20, 10, 1);
is verdicts(@answers),
    'pass pass credits_exhausted pass credits_exhausted',
    'each request sees what those before it left';
is join(' ', map { $_->{avail} } @answers), '60 10 10 0 0',
    'and is answered with the balance after it';
is wallet_of('Batch00001', qw(avail seq)), '0 1', 'the sum is taken once';

my @events = events($t, 'Batch00001');
is scalar @events, 1, 'requests of a call are one event';
is "$events[0]{d} $events[0]{v}", '-100 0', 'of their sum';
is join(' ', map { (split ' ')[5] } split /;/, $events[0]{i}), '40 50 10',
    'which lists those that passed';

# Quota first, then credits, decided one by one.
$t->wallet('Batch00002', plan => 'hybrid', avail => 25);
$key = $t->key('Batch00002');
@answers = gate($t, 'Batch00002', map { +{ key => $key, cost => 10,
                                           units => 2 } } 1 .. 6);
is verdicts(@answers),
    'pass pass pass pass credits_exhausted credits_exhausted',
    'a hybrid account uses its quota, then its credits';
is join(' ', map { "$_->{units}/$_->{credits}" } @answers),
    '2/0 2/0 0/10 0/10 0/0 0/0', 'and each answer tells which';
is wallet_of('Batch00002', qw(avail day_used month_used)), '5 4 4',
    'both are kept';

# Rates: two keys of one app share its rate and have their own.
$t->wallet('Batch00003', plan => 'slow');
my ($one, $two) = ($t->key('Batch00003'), $t->key('Batch00003'));
@answers = gate($t, 'Batch00003', map { +{ key => $_ } }
                $one, $one, $one, $one, $two, $two);
is verdicts(@answers), 'pass pass pass rate_limited pass rate_limited',
    'a call has no more than the burst of a rate';
is "$answers[3]{limit} $answers[5]{limit}", 'key_rate app_rate',
    'the key is limited by its own rate, then all keys by that of the app';
is join(' ', map { $_->{app_left} } @answers), '3 2 1 1 0 0',
    'what remains of the app counts the requests of both keys';

# Keys that fail among keys that pass.
$t->wallet('Batch00004', avail => 100);
$key = $t->key('Batch00004');
my $revoked = $t->key('Batch00004', state => 'revoked');
@answers = gate($t, 'Batch00004', map { +{ key => $_, cost => 10 } }
                $key, 'no such key', $revoked, $key);
is verdicts(@answers), 'pass key_unknown key_revoked pass',
    'a refused key does not touch its neighbors';
is wallet_of('Batch00004', qw(avail seq)), '80 1', 'who are charged';

# Dry runs see what was decided before them and leave nothing behind.
$t->wallet('Batch00005', avail => 100);
$key = $t->key('Batch00005');
@answers = gate($t, 'Batch00005',
    { key => $key, cost => 30 },
    { key => $key, cost => 60, dry_run => 1 },
    { key => $key, cost => 80, dry_run => 1 },
    { key => $key, cost => 70 });
is verdicts(@answers), 'pass pass credits_exhausted pass',
    'a dry run is decided among the others';
is join(' ', map { "$_->{credits}/$_->{avail}" } @answers),
    '30/70 60/10 0/70 70/0', 'and answered as if it had been charged';
is wallet_of('Batch00005', qw(avail seq)), '0 1', 'but it is not';
is scalar(split /;/, (events($t, 'Batch00005'))[0]{i}), 2, 'nor listed';

$t->wallet('Batch00006', avail => 100, plan => 'slow');
$key = $t->key('Batch00006');
my $before = snapshot($t, 'Batch00006');
@answers = gate($t, 'Batch00006', map { +{ key => $key, cost => 1,
                                           dry_run => 1 } } 1 .. 9);
is verdicts(@answers), join(' ', ('pass') x 9), 'dry runs use up no rate';
is snapshot($t, 'Batch00006'), $before, 'a call of dry runs writes nothing';

# A large call.
$t->wallet('Batch00007', avail => 1000);
$key = $t->key('Batch00007');
@answers = gate($t, 'Batch00007', map { +{ key => $key, cost => 7 } } 1 .. 256);
is scalar(grep { $_->{verdict} eq 'pass' } @answers), 142,
    'of 256 requests at 7 exactly 142 pass on 1000';
is wallet_of('Batch00007', 'avail'), 1000 - 142 * 7, 'and the rest remains';

# An event that can't be appended charges nobody.
$t->wallet('Batch00008', avail => 10);
$key = $t->key('Batch00008');
$t->r('DEL', Tollgate::ledger_key('Batch00008'));
$t->r('SET', Tollgate::ledger_key('Batch00008'), 'not a stream');
ok !eval { gate($t, 'Batch00008', { key => $key, cost => 1 }); 1 },
    'a ledger that is no stream is an error';
is wallet_of('Batch00008', qw(avail seq)), '10 0', 'and charges nothing';

done_testing;
