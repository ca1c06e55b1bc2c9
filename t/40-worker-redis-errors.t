#!/usr/bin/perl
# Whatever Redis refuses amid a pipeline, and for how long: each command takes
# effect once and in order, each event is posted once, no account suffers.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::FlawedRedis;
use Tollgate::Gate;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis('busy-reply-threshold' => 50);
$t->postgres;
my $redis = Tollgate::FlawedRedis->start($t);
$t->worker('redis.server' => $redis->{address}, 'redis.timeout' => '300ms',
           'settle.idle_ms' => 20, 'mirror.idle_ms' => 50, 'worker.log_level' => 'debug');
$t->load_demo;

my @customers = map { $t->customer(credits => '1000') } 1 .. 2;
my %role = map { $t->slurp("/proc/$_/comm") =~ s/\s+//gr => $_ } $t->children('worker');
my ($credits, $paid) = (1000, 0);

# Three commands for each account wait for the mirror, and three events of each
# for settle, when the answers begin to be wrong.
sub suffer {
    my ($command, $pass, $count, $bytes) = @_;

    my $role = $command eq 'apply' ? 'mirror' : 'settle';
    kill 'STOP', $role{$role};
    $redis->flaw($command, $pass, $count, $bytes);
    for my $c (@customers) {
        if ($role eq 'mirror') {
            $t->must('POST', "/api/accounts/$c->{account}/credits",
                     { credits => '1', source => 'promo' }) for 1 .. 3;
        } else {
            gate($t, $c->{account}, { key => $c->{key}, cost => 1_000_000 }) for 1 .. 3;
        }
    }
    $role eq 'mirror' ? ($credits += 3) : ($paid += 3);
    kill 'CONT', $role{$role};
    $t->wait_for(sub { !$redis->left }, 'it to be refused');

    return;
}

sub all_is_well {
    my ($when) = @_;

    $t->mirrored;
    $t->settled;
    is join(' ', map { $t->r('HGET', Tollgate::wallet_key($_->{account}), 'avail') }
                 @customers),
        join(' ', (($credits - $paid) * 1_000_000) x @customers),
        "each command and each event counts once: $when";
    my $proof = $t->verified;
    ok $proof->{ok}, 'and the proof agrees' or diag explain $proof;

    return;
}

# error => whether the worker bears it within its time, without starting over
my @errors = (
    ['BUSY Redis is busy running a script.', 1],
    ['CLUSTERDOWN Hash slot not served', 1],
    ['EXECABORT Transaction discarded because of previous errors.', 0],
    ['LOADING Redis is loading the dataset in memory', 1],
    ['MASTERDOWN Link with MASTER is down', 1],
    ['MOVED 1 127.0.0.1:1', 0],
    ['NOPERM this user has no permissions', 0],
    ['NOREPLICAS Not enough good replicas to write.', 0],
    ['NOSCRIPT No matching script.', 1],
    [q{OOM command not allowed when used memory > 'maxmemory'.}, 0],
    [q{READONLY You can't write against a read only replica.}, 1],
    ['TRYAGAIN Multiple keys request during rehashing of slot', 1],
);
for my $error (@errors) {
    my ($text, $borne) = @$error;
    my ($code) = $text =~ /(\w+)/;

    $t->spew('worker.log', '');
    suffer('apply', 2, 1, "-$text\r\n");
    suffer('XREAD', 30, 1, "-$text\r\n");
    all_is_well("$code, once");
    my $told = () = $t->slurp('worker.log') =~ /failed: \Q$text\E/g;
    is $told, $borne ? 0 : 2, $borne ? 'borne without a word' : 'told, and begun anew';
    unlike $t->slurp('worker.log'), qr/was refused/, 'nobody takes it for a gap';
}

# for longer than a call may take
$t->spew('worker.log', '');
suffer('apply', 2, 40, "-LOADING Redis is loading the dataset in memory\r\n");
suffer('XREAD', 5, 200, "-READONLY You can't write against a read only replica.\r\n");
all_is_well('for longer than a call');
like $t->slurp('worker.log'), qr/apply a command failed: LOADING/, 'which is told';
like $t->slurp('worker.log'), qr/read the streams failed: READONLY/, 'of either';

for my $lost ('CLOSE', 'LOSE') {
    suffer('apply', 3, 1, $lost);
    suffer('trim', 0, 1, $lost);
    all_is_well('a connection lost ' . ($lost eq 'LOSE' ? 'after' : 'before') . ' the call');
}
suffer('trim', 0, 1, "-TRYAGAIN Multiple keys request during rehashing of slot\r\n");
all_is_well('a trim that is refused');

# the real ones
$t->r('SCRIPT', 'FLUSH');
suffer('apply', 0, 0, '');
all_is_well('the scripts are gone');
for my $case (['OOM', [qw(CONFIG SET maxmemory 1)], [qw(CONFIG SET maxmemory 0)]],
              ['READONLY', [qw(REPLICAOF 127.0.0.1 1)], [qw(REPLICAOF NO ONE)]])
{
    my ($code, $break, $mend) = @$case;

    $t->spew('worker.log', '');
    $t->r(@$break);
    suffer('apply', 0, 0, '');
    $t->wait_for(sub { $t->slurp('worker.log') =~ /apply a command failed: $code/ },
                 "$code to be told");
    $t->r(@$mend);
    all_is_well("a real $code");
}

done_testing;
