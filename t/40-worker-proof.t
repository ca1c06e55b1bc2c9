#!/usr/bin/perl
# The role proof looks at all accounts again and again, and whatever goes on or
# goes away meanwhile it finds nothing that isn't wrong.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Gate;
use Tollgate::Hold;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis(appendonly => 'yes');
$t->postgres;
$t->worker('settle.batch' => 50, 'settle.idle_ms' => 5, 'proof.round' => '1ms');
$t->load_demo;
my @busy = map { $t->customer(credits => '1000000') } 1 .. 4;
my @idle = map { $t->customer(credits => '5') } 1 .. 3;

# Charges, and holds that are committed for less, come back or stay a while.
sub traffic {
    my ($child) = @_;

    my $n = 0;
    while (getppid == $child->{parent}) {
        my $c = $busy[$n++ % @busy];
        my $id = sprintf '%08x%024x', $child->{number}, $n;
        eval {
            gate($t, $c->{account}, map {
                { key => $c->{key}, cost => $_ * 1000 }
            } 1 .. $n % 3);
            hold($t, $c->{account}, $c->{key}, $id, 7_000);
            commit($t, $c->{account}, $id, $n % 2 ? 3_000 : '-') if $n % 5;
        };
        # a ledger that is behind has something to catch up with, and can
        select undef, undef, undef, $t->r('XLEN',
            Tollgate::ledger_key($c->{account})) > 300 ? 0.1 : 0.003
            if eval { $t->r('PING') };
    }
    POSIX::_exit(0);
}

my @children;
for my $number (1 .. 3) {
    my %child = (parent => $$, number => $number);
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        delete $t->{connection};
        traffic(\%child);
    }
    push @children, $pid;
}

# Waits for so many accounts to be looked at.
sub rounds {
    my ($what, $more) = @_;

    my $from = $t->sql('select checked from proof');
    $t->wait_for(sub {
        $t->sql('select checked from proof') > $from + ($more // 50)
    }, "the proof to go on $what", 20);
    # what settle makes of a Redis that was restarted is its affair
    is_deeply [$t->sql(q{select kind, account, detail from alert where kind <> 'redis_lost'})],
        [], "nothing is wrong $what";
    is $t->sql(q{select count(*) from recovery
                 where reason in ('epoch', 'register_ahead', 'wallet_missing')}), 0,
        'and no wallet is taken for lost';

    return;
}

sub role {
    my ($name) = @_;

    my ($pid) = grep { $t->slurp("/proc/$_/comm") =~ /^$name/ }
        $t->children('worker');

    return $pid;
}

rounds('while requests are charged and held', 200);

kill 'STOP', role('settle');
rounds('while nothing is settled');
kill 'CONT', role('settle');
rounds('while it is settled after all');

kill 'STOP', role('mirror');
$t->must('POST', "/api/accounts/$_->{account}/credits", { credits => '1' })
    for @busy, @idle;
rounds('while grants wait to be carried');
kill 'CONT', role('mirror');
rounds('while they are carried');

$t->redis_stop('TERM');
$t->redis_start;
rounds('once Redis is back');

$t->postgres_stop('QUIT');
$t->postgres_start;
rounds('once Postgres is back');

$t->sql(q{select lib.clock_freeze('2020-02-29 12:00:00+00')});
rounds('while the clock stands');
is $t->sql('select ended_at from proof'), '2020-02-29 12:00:00+00',
    'and rounds end by the clock that the ledger has';
$t->sql('select lib.clock_freeze(null)');

kill 'KILL', role('proof');
rounds('once its process was started again');

kill 'KILL', @children;
waitpid $_, 0 for @children;
$t->settled;
my $proof = $t->verified;
ok $proof->{ok}, 'in peace the proof holds' or diag explain $proof;
is $proof->{moving}, 0, 'of all accounts';
is $proof->{accounts}, 7, 'which are seven';
cmp_ok $t->sql('select count(*) from charge'), '>', 200,
    'with many charges behind them';
is $t->sql(q{select count(*) from account where state <> 'active'}), 0,
    'and no account was stopped';

done_testing;
