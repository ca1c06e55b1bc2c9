#!/usr/bin/perl
# An outage with tollgate_on_error open and stale: who was served meanwhile owes
# it, unless Redis charged it after all; an operator charges or forgives it.

use strict;
use warnings;

use lib 't/lib';
use Cli;
use IO::Select;
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(workers => 1, conf => <<'CONF',
        tollgate on;
        tollgate_on_error open;
        tollgate_feature image.generate;
        tollgate_timeout 100ms;
        add_header X-Verdict $tollgate_verdict always;
        location / { proxy_pass http://backend; }
        location /stale { tollgate_on_error stale; proxy_pass http://backend; }
        location /late {
            tollgate_redis unix:%%DIR%%/slow.sock;
            proxy_pass http://backend;
        }
CONF
    backend => 'if ($arg_status = 500) { return 500; } return 200 "ok\n";');
my $cli = Cli->new($t, "$t->{dir}/admin.sock");
my ($c, $d) = map { $t->customer(credits => 100) } 1 .. 2;
my $stranger = { key => Tollgate::make_key($c->{account}, 'x' x 32) };

# Between nginx and Redis; while the file "hold" stands answers have to wait.
sub slow_redis {
    my $path = "$t->{dir}/slow.sock";
    my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 8) or die;
    chmod 0777, $path;
    my $pid = fork // die;
    if ($pid == 0) {
        my $select = IO::Select->new($listener);
        my (%peer, %is_redis, %held);
        while (1) {
            for my $socket ($select->can_read(0.01)) {
                if ($socket == $listener) {
                    my $client = $listener->accept;
                    my $redis = Tollgate::Http::open_socket("$t->{dir}/redis.sock");
                    @peer{$client, $redis} = ($redis, $client);
                    $is_redis{$redis} = 1;
                    $select->add($client, $redis);
                    next;
                }
                my $bytes = '';
                sysread $socket, $bytes, 65536 or POSIX::_exit(0);
                $is_redis{$socket} ? $held{$socket} .= $bytes
                                   : syswrite $peer{$socket}, $bytes;
            }
            next if -e "$t->{dir}/hold";
            syswrite $peer{$_}, delete $held{$_} for keys %held;
        }
    }
    return $t->{processes}{slow} = $pid;
}

sub said {
    my ($customer, $path) = @_;

    my $r = $t->call($customer, 'GET', $path);
    return "$r->{status} $r->{headers}{'x-verdict'}";
}

sub states {
    my ($customer) = @_;

    return $t->sql(q{select string_agg(state, ' ' order by id) from unpaid_use
                     where account = $1}, $customer->{account}) // 'none';
}

# Waits until the books say so of a customer; what he has and what he owes.
sub books {
    my ($customer, $states) = @_;

    $t->wait_for(sub { states($customer) eq $states }, "the states $states", 20);
    $t->settled;
    my $account = $t->must('GET', "/api/accounts/$customer->{account}");
    return "$account->{balance} $account->{unpaid}";
}

slow_redis();
$t->wait_for(sub { said($c, '/') eq '200 pass' }, 'the gate');
$t->wait_for(sub { said($d, '/stale') eq '200 pass' }, 'the gate');
my ($had, $d_had) = map { $t->r('HGET', Tollgate::wallet_key($_->{account}),
                                'avail') / 1_000_000 } $c, $d;

# --- Redis hangs: what it executes later is too late, and charges nothing

kill 'STOP', $t->{redis_pid};
is said($c, '/a'), '200 pass_open', 'while Redis hangs who comes is served';
is said($c, '/b?status=500'), '500 pass_open', 'a failed request too';
is said($stranger, '/c'), '200 pass_open', 'and who is unknown';
is said($d, '/stale'), '200 pass_stale', 'or who was known';
is said($stranger, '/stale'), '503 store_unreachable', 'and nobody else';
kill 'CONT', $t->{redis_pid};
is books($c, 'open'), "$had 10", 'the served one is owed, the failed one not';
is books($d, 'open'), "$d_had 10", 'what passed on an earlier verdict is owed too';
is $t->sql(q{select count(*) from unpaid_use where state = 'unknown'
             and key like 'sha256:%' and account is null}), 1,
    'the account that a stranger wrote into a key owes nothing';
ok $t->verified->{ok}, 'edge and ledger agree';

# --- Redis has charged, and its answer comes too late

$t->wait_for(sub { said($c, '/late') eq '200 pass' }, 'the slow way');
$t->spew('hold', '');
is said($c, '/late'), '200 pass_open', 'who waits too long is served';
is said($c, '/late?status=500'), '500 pass_open', 'with a failure as well';
$t->wait_for(sub {
    $t->r('HGET', Tollgate::wallet_key($c->{account}), 'avail')
        == ($had - 30) * 1_000_000
}, 'both to be charged all the same');
unlink "$t->{dir}/hold";
is books($c, 'open paid'), ($had - 20) . ' 10',
    'what was charged is not owed, what failed is given back';
ok $t->wait_for(sub { $t->verified->{ok} }, 'the proof'), 'edge and ledger agree';

# --- and its end

my $run = $cli->run(qw(unpaid list), $c->{account}, '-o', 'json');
is_deeply [map { @$_{qw(account key feature verdict credits units state)} }
               @{ $run->{json}{data} }],
    [@$c{qw(account key_id)}, qw(image.generate pass_open 10 1 open)],
    'tollgate unpaid list has the request';
is $cli->run(qw(unpaid charge), $c->{account}, '--yes')->{status}, 0,
    'tollgate unpaid charge';
is books($c, 'charged paid'), ($had - 30) . ' 0', 'takes it from the wallet';
is $cli->run(qw(unpaid forgive), $d->{account}, '--yes', '--note', 'ours')->{status},
    0, 'tollgate unpaid forgive';
is books($d, 'forgiven'), "$d_had 0", 'leaves the wallet alone';
$run = $cli->run(qw(statement), $d->{account}, '-o', 'json');
is_deeply [map { @$_{qw(kind amount unpaid description)} }
               grep { defined $_->{unpaid} } @{ $run->{json}{data} }],
    ['unpaid', 0, 10, 'used during an outage', 'unpaid', 0, -10, 'forgiven: ours'],
    'and the statement tells it';
ok $t->wait_for(sub { $t->verified->{ok} }, 'the proof'), 'edge and ledger agree';

done_testing;
