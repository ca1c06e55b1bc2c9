#!/usr/bin/perl
# conf/redis-users.acl: with it gate and worker do all that they do, and nobody
# may do what he needn't.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Fleet;
use Tollgate::Gate;
use Tollgate::Story;

my $files = Tollgate->new;
my $acl = $files->acl_file;
my @test = ('test', '');
my $password = "$files->{dir}/%s.password";

my $t = Tollgate::Story->begin(redis => { aclfile => $acl }, auth => \@test,
    worker => { 'redis.user' => 'worker', 'settle.idle_ms' => 20,
                'redis.password_file' => sprintf($password, 'worker') },
    address => 'unix:%%DIR%%/redis.sock user=gate password_file='
        . sprintf($password, 'gate'),
    backend => 'if ($arg_status = 500) { return 500 "failed\n"; } return 200 "ok\n";');

# the whole way
my $c = $t->customer(credits => '100');
$t->wait_for(sub {
    $t->call($c, 'GET', '/video/view')->{status} == 200
}, 'the gate to let a customer in');
$t->settled;
is $t->call($c, 'POST', '/poster-editor/quick-edit')->{status}, 200, 'a request is charged';
is $t->call($c, 'POST', '/poster-editor/quick-edit?status=500')->{status}, 500,
    'one that fails is refunded';
$t->settled;
is scalar $t->sql(q{select string_agg(kind, ' ' order by kind) from charge
    where account = $1 and feature = 'image.generate'}, $c->{account}),
    'charge charge refund', 'the worker reads and trims the events';
$t->wait_for(sub {
    $t->sql('select count(*) from usage_event where account = $1', $c->{account}) >= 3
}, 'the usage to be settled');
$t->must('DELETE', "/api/keys/$c->{key_id}");
$t->mirrored;
is $t->call($c, 'GET', '/video/view')->{status}, 401, 'the mirror carries a revocation';
my ($free) = @{ JSON::PP::decode_json($t->slurp("$t->{root}/demo/plans.json")) };
$t->must('PUT', '/api/plans/free', { %$free, name => 'Better' });
$t->wait_for(sub { $t->r('HGET', 'tg:{63}:plan:free', 'name') eq 'Better' },
             'a plan to be replaced');
$t->r('SCRIPT', 'FLUSH');
my $d = $t->customer(credits => '100');
is $t->call($d, 'GET', '/video/view')->{status}, 200, 'both load the scripts again';
$t->settled;
ok $t->verified->{ok}, 'the proof reads what it needs';
my (undef, $doctor) = $t->api('GET', '/api/doctor');
is join(' ', map { $_->{name} } grep { !$_->{ok} } @{ $doctor->{checks} }),
    'redis persistence', 'and so does the doctor';
my (undef, undef, $page) = $t->api('GET', '/api/metrics');
like $page->{body}, qr/^tollgate_${_}_stream_lag_entries \d/m,
    "metrics know what waits in streams of $_" for qw(ledger usage);
is scalar(() = ($t->error_log . $t->slurp('worker.log')) =~ /NOPERM|NOAUTH|WRONGPASS/g), 0,
    'nobody is refused anything';
is_deeply $t->r('ACL', 'LOG'), [], 'as Redis sees it too';
unlike $t->error_log . $t->slurp('worker.log'), qr/secret/, 'and nobody tells a secret';

# A user and a command: 1 where it may, 0 where it must not.
my ($wallet, $ledger, $plan) = map { "tg:{7}:$_" } 'w:Abcdefghij', 'ledger', 'plan:pro';
my @may = split /\n/, <<"RULES";
gate 1 EVALSHA x 2 $wallet $ledger
gate 1 XADD tg:{usage}:host * b x
gate 1 ASKING
gate 1 CLUSTER NODES
gate 1 INFO replication
gate 1 SET tg:{7}:i:Abcdefghij:0 x
gate 1 ZADD tg:{7}:c:Abcdefghij:1 1 x
gate 0 DEL tg:{7}:c:Abcdefghij:1
gate 0 EVALSHA x 1 tg:catalog
gate 0 EVALSHA x 1 other:key
gate 0 EVAL x 0
gate 0 GET other:key
gate 0 HGET other:{7}:w:x avail
gate 0 HSET $plan key_rate 0
gate 0 HSET tg:catalog body x
gate 0 SET $wallet x
gate 0 DEL $wallet
gate 0 XTRIM $ledger MAXLEN 0
gate 0 XRANGE $ledger - +
gate 0 SMEMBERS tg:{usage}
worker 1 XTRIM $ledger MINID = 1-1
worker 1 XREAD COUNT 1 STREAMS $ledger tg:{usage}:h 0 0
worker 1 EVALSHA x 1 $plan
worker 1 CLUSTER SLOTS
worker 1 ROLE
worker 0 DEL $wallet
worker 0 DEL $ledger
worker 0 HSET other:key a b
worker 0 SADD tg:{usage} host
worker 0 EVAL x 0
worker 0 REPLICAOF NO ONE
operator 1 HGETALL $wallet
operator 1 XRANGE $ledger - +
operator 1 CLUSTER INFO
operator 0 HSET $wallet avail 1
operator 0 HGETALL other:key
operator 0 XTRIM $ledger MAXLEN 0
replica 0 HGET $wallet avail
sentinel 0 HGET $wallet avail
RULES
push @may, map { my $user = $_; map { "$user 0 $_" } 'FLUSHALL', 'FLUSHDB', 'KEYS *',
    'CONFIG GET *', 'CONFIG SET dir /', 'SHUTDOWN', 'DEBUG SLEEP 0', 'ACL LIST', 'SAVE',
    'MONITOR', 'MODULE LIST', 'CLIENT KILL TYPE normal', 'MIGRATE h 1 k 0 1' }
    qw(gate worker operator replica);
for my $line (@may) {
    my ($user, $may, @words) = split / /, $line;
    my $answer = $t->r_try('ACL', 'DRYRUN', $user, @words);
    is ref $answer ? $$answer : $answer eq 'OK' ? 1 : 0, $may,
        "$user " . ($may ? 'may' : 'may not') . " @words";
}
my $stranger = Tollgate::Resp->new("$t->{dir}/redis.sock");
like ${ $stranger->command('PING') }, qr/^NOAUTH/,
    'who has no name may nothing';

# the users of sentinels and replicas
my $fleet = Tollgate->new;
$fleet->fleet('sentinel', replicas => 1, aclfile => $acl, auth => \@test,
    redis => { masteruser => 'replica', masterauth => q{"replica's secret"} },
    sentinel => ['sentinel auth-user tollgate sentinel',
                 q{sentinel auth-pass tollgate "sentinel's secret"}]);
$t->worker_stop;
$t->worker($fleet->fleet_worker, 'redis.user' => 'worker',
           'redis.password_file' => sprintf $password, 'worker');
my $e = $t->customer(credits => '10');
is gate($fleet, $e->{account}, { key => $e->{key}, cost => 1_000_000 })->{verdict}, 'pass',
    'with sentinels the worker carries accounts';
$fleet->in_sync;
$fleet->node_kill('node1');
is $fleet->failed_over('node1'), 'node2', 'and their user can change the master';
$t->wait_for(sub { $t->balance($e) eq '9' }, 'its events to be settled from the next');

done_testing;
