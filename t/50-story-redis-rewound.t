#!/usr/bin/perl
# Redis goes back to an older state, as after a failover that lost writes: what
# was settled stays spent, what is charged from then on is real, and commands
# that were lost hold all the same.

use strict;
use warnings;

use lib 't/lib';
use File::Copy ();
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(worker => { 'proof.round' => '50ms' }, conf => <<'CONF');
    tollgate on;
    tollgate_feature image.generate;
    location / { proxy_pass http://backend; }
CONF

my $c = $t->customer(credits => '1000');
my $bystander = $t->customer(credits => '1000');
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

# What Redis has now is what it comes back with.
sub remember {
    $t->r('SAVE');
    File::Copy::copy("$t->{dir}/dump.rdb", "$t->{dir}/older.rdb") or die "copy: $!\n";

    return;
}

sub go_back {
    $t->redis_stop;
    File::Copy::copy("$t->{dir}/older.rdb", "$t->{dir}/dump.rdb") or die "copy: $!\n";
    $t->redis_start;

    return;
}

sub recovered {
    my ($count) = @_;

    return $t->wait_for(sub {
        $t->sql('select count(*) from recovery where account = $1 and done_at is not null',
                $c->{account}) == $count
    }, "recovery $count", 20);
}

# Edge and ledger have what is left by hand.
sub books_are_right {
    my ($when) = @_;

    $t->settled;
    $t->mirrored;
    is $t->balance($c), $left, "the balance is right $when";
    is $t->r('HGET', $wallet, 'avail') / 1e6, $left, "and the wallet $when";
    my $proof = $t->verified;
    ok $proof->{ok}, "edge and ledger agree $when" or diag explain $proof;
    is $t->sql('select count(*) from recovery where account = $1', $bystander->{account}), 0,
        'and nothing happened to who lost nothing';
    is $t->sql(q{select count(*) from account where state <> 'active'}), 0, 'nobody is frozen';

    return;
}

# P6 of the study: 1000, ten requests of 10; nine are settled, seven are in the
# replica that becomes master.
pay(7);
$t->settled;
my $lost = $t->must('POST', '/api/keys', { app => $c->{app} });
$t->mirrored;
remember();
$t->must('DELETE', "/api/keys/$lost->{id}");
$t->mirrored;
pay(2);
$t->settled;
is $t->balance($c), 910, 'nine requests are settled';
unsettled(sub {
    pay(1);
    is $t->r('HGET', $wallet, 'avail') / 1e6, 900, 'ten are charged at the edge';
    go_back();
    is $t->r('HGET', $wallet, 'avail') / 1e6, 930, 'seven are what the new master knows';
});
recovered(1);
$left = 910;
books_are_right('after a failover that lost three charges');
is_deeply [$t->sql(q{select old_epoch, epoch, delta / 1000000, found ->> 'seq', ledger ->> 'seq'
    from recovery where account = $1}, $c->{account})],
    [[1, 2, -20, 8, 10]], 'the delta is -20';
like $t->sql('select reason from recovery where account = $1', $c->{account}), qr{^(?:restarted|register_ahead)\z},
    'and the row tells why, by whoever saw it first';
is $t->call({ key => $lost->{key} }, 'POST', '/a')->{json}{code}, 'key_revoked',
    'a revocation that was lost holds';
pay(1);
$left -= 10;
books_are_right('after one more request');

# Requests that the new master charges before anybody looks are real.
remember();
pay(5);
$left -= 50;
$t->settled;
unsettled(sub { go_back(); pay(3) });
$left -= 30;
recovered(2);
books_are_right('with charges of both histories');
is $t->sql('select events from recovery where account = $1 order by id desc limit 1', $c->{account}), 3,
    'those of the new one were kept and posted';

# More than there is, since the store forgot what was spent.
my $rest = $left / 10;
remember();
pay($rest);
$t->settled;
unsettled(sub { go_back(); pay(4) });
recovered(3);
$left = 0;
books_are_right('after it was spent twice');
is $t->sql('select short / 1000000 from recovery where account = $1 order by id desc limit 1', $c->{account}), 40,
    'what was spent beyond the balance is written off';
is $t->call($c, 'POST', '/a')->{status}, 402, 'and nothing is left';
is $t->sql(q{select count(*) from alert where kind = 'redis_lost'}), 1, 'one alert tells of all of it';

done_testing;
