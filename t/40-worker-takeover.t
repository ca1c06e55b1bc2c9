#!/usr/bin/perl
# Two workers share the work: each stream and the mirror have one owner, and
# the other takes over.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Time::HiRes ();
use Tollgate::Gate;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('settle.idle_ms' => 20);
$t->load_demo;
my $c = $t->customer(credits => '1000');

(my $other = $t->slurp('worker.ini')) =~ s{/(admin|api)\.sock}{/other-$1.sock}g;
$t->start('other', 0, {}, "$Tollgate::build/tollgate-worker", '-c',
          $t->spew('other.ini', $other));
$t->wait_for(sub {
    Tollgate::Http::request("$t->{dir}/other-admin.sock", 'GET',
                            '/api/health')->{status} == 200
}, 'a second worker to start');

# How many connections own something.
sub owners {
    return scalar $t->sql(q{select count(distinct pid) from pg_locks
        where locktype = 'advisory' and classid in (7461002, 7461003)});
}

sub pay {
    my ($n) = @_;

    gate($t, $c->{account}, { key => $c->{key}, cost => 1_000_000 }) for 1 .. $n;
    $t->settled;

    return;
}

pay(20);
is $t->balance($c), '980', 'with two workers each event is posted once';
is owners(), 1, 'all streams have one owner';

# The shards of a dead worker are another's within seconds, on their own.
my $owner = $t->sql(q{select min(pid) from pg_locks where locktype = 'advisory'
                      and classid = 7461002});
my $master = delete $t->{processes}{worker};
kill 'KILL', $master;
waitpid $master, 0;
my $dead = Time::HiRes::time();
$t->wait_for(sub {
    $t->sql(q{select count(*) from pg_locks where locktype = 'advisory'
              and classid = 7461002 and pid <> $1}, $owner) == 64
}, 'the other worker to own all shards');
my $took = Time::HiRes::time() - $dead;
cmp_ok $took, '<', 5, sprintf 'all shards move in %.1f s', $took;
pay(20);
is $t->sql('select sum(credits) from charge'), 40_000_000,
    'when it dies with its host the other one goes on';
is owners(), 1, 'and owns all streams';

$t->sql('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()
    and application_name like $1', 'tollgate-worker%');
pay(20);
is $t->sql('select sum(credits) from charge'), 60_000_000,
    'connections that are cut are made anew, and nothing is doubled';

$t->worker_start;
is $t->balance($c), '940', 'the balance is right';
ok $t->verified->{ok}, 'and the proof agrees';
$t->must('POST', "/api/accounts/$c->{account}/credits", { credits => '1' });
$t->mirrored;
is $t->r('HGET', Tollgate::wallet_key($c->{account}), 'avail'), 941_000_000,
    'commands are carried once';

is $t->stop('other', 'TERM'), 0, 'the second worker stops cleanly';

done_testing;
