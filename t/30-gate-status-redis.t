#!/usr/bin/perl
# What tollgate_status tells of Redis: calls, errors by kind, whether it is up,
# what is owed, and what was lost.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::FakeRedis;
use Tollgate::Metrics;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_cost 10;
        tollgate_timeout 200ms;
        location / { proxy_pass http://backend; }
        location /hand { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /fake {
            tollgate_redis unix:%%DIR%%/fake.sock;
            proxy_pass http://backend;
        }
        location /metrics { tollgate_status; }
CONF
my $fake = Tollgate::FakeRedis->start($t, 'fake');
my $c = $t->customer(avail => 1000);
my ($redis, $faked) = map { "server=\"unix:$t->{dir}/$_.sock\"" }
    qw(redis fake);

sub samples { return Tollgate::Metrics::samples($t->get('/metrics')->{body}) }

sub value {
    my ($name, $labels) = @_;

    return samples()->{"tollgate_$name" . ($labels ? "{$labels}" : '')};
}

# Waits until a sample has grown by as much, and stays there.
sub grows {
    my ($before, $by, $what, $name, $labels) = @_;

    $t->wait_for(sub { value($name, $labels) == $before + $by }, $what);

    return is value($name, $labels), $before + $by, $what;
}

sub fake_passes {
    $fake->answer(Tollgate::FakeRedis::decision());
    return $t->wait_for(sub { $t->call($c, 'GET', '/fake')->{status} == 200 },
                        'the fake Redis to be reached');
}

is value('redis_up', $redis), 1, 'a server that is connected is up';

# Calls and their replies.
my $before = value('redis_calls_total', $redis);
my $replies = value('redis_request_duration_seconds_count', $redis);
$t->call($c, 'GET', '/') for 1 .. 20;
cmp_ok value('redis_calls_total', $redis), '>=', $before + 20,
    'each call is counted';
cmp_ok value('redis_request_duration_seconds_count', $redis), '>=',
    $replies + 20, 'and each reply is measured';
my $s = samples();
cmp_ok $s->{"tollgate_redis_calls_total{$redis}"}
    - $s->{"tollgate_redis_request_duration_seconds_count{$redis}"}, '<=', 2,
    'as many, but for what is on its way';

# Error replies, by their first word.
fake_passes();
is value('redis_up', $faked), 1, 'each server is up by itself';
for my $row (map({ [uc, $_] } qw(ask busy clusterdown execabort loading moved
                                 oom readonly tryagain)),
             ['ERR', 'other'], ['MISCONF', 'other'], ['BUSYGROUP', 'other'])
{
    my ($word, $kind) = @$row;
    my $labels = qq($faked,kind="$kind");
    my $errors = value('redis_errors_total', $labels);
    $fake->answer("-$word 1 it is so\r\n");
    is $t->call($c, 'GET', '/fake')->{status}, 503, "$word is an error";
    is value('redis_errors_total', $labels), $errors + 1,
        "it is counted as $kind";
}
$t->r('SCRIPT', 'FLUSH');
is $t->call($c, 'GET', '/')->{status}, 200, 'a script that is gone is loaded';
is value('redis_errors_total', qq($redis,kind="noscript")), 1,
    'and counted as noscript';

# An answer that comes late.
fake_passes();
my %first = map { $_ => value(@$_) } my @late = (
    ['redis_errors_total', qq($faked,kind="timeout")],
    ['refunds_total', 'reason="late"'], ['refunds_total', 'reason="outcome"']);
$fake->answer('HOLD');
is $t->call($c, 'GET', '/fake')->{status}, 503, 'no answer in time';
is value(@{ $late[0] }), $first{ $late[0] } + 1, 'is counted as timeout';
fake_passes();
grows($first{ $late[1] }, 1, 'charged too late, it is given back',
      @{ $late[1] });
is value(@{ $late[2] }), $first{ $late[2] }, 'and not for its outcome';

# An answer that is lost.
my ($voids, $faults) = (value('voids_total'),
    value('redis_errors_total', qq($faked,kind="connection")));
$fake->answer('CLOSE');
is $t->call($c, 'GET', '/fake')->{status}, 503, 'the server hangs up';
is value('voids_total'), $voids + 1, 'the request is voided';
cmp_ok value('redis_errors_total', qq($faked,kind="connection")), '>',
    $faults, 'the connection failed';
fake_passes();
is value('redis_up', $faked), 1, 'and is up again';

# What is owed while Redis is down, and usage that it does not take.
my $listener = $t->listener('hand');
$t->wait_for(sub { value('debts') == 0 }, 'debts to be paid');
my $socket = $t->send_request($c, 'GET', '/hand');
my ($backend) = $t->accepted($listener);
kill 'STOP', $t->{redis_pid};
print {$backend} "HTTP/1.0 500 Failed\r\n\r\n";
close $backend;
is Tollgate::Http::read_response($socket)->{status}, 500, 'a request fails';
grows(0, 1, 'its refund is owed', 'debts');
my $records = value('usage_records_total');
my $dropped = value('usage_dropped_total');
is $t->get('/')->{status}, 401, 'meanwhile a request without a key';
is value('usage_records_total'), $records + 1, 'makes a usage record';
$t->wait_for(sub { value('redis_up', $redis) == 0 }, 'Redis to be hung up on');
kill 'CONT', $t->{redis_pid};
grows(0, 0, 'until it has what is owed', 'debts');
is value('usage_dropped_total'), $dropped, 'the record is not lost';
is value('redis_up', $redis), 1, 'and is back';
is value('debts_lost_total'), 0, 'nothing owed was lost';

# Servers that a new configuration does not have.
$t->spew('nginx.conf', $t->slurp('nginx.conf') =~ s/fake\.sock/redis.sock/r);
$t->nginx_reload;
$t->wait_for(sub { !defined value('redis_up', $faked) },
             'the reload') and pass 'a server that is gone is not shown';
$t->wait_for(sub { $t->error_log =~ /exited with code 0/ },
             'the old process to leave');
is value('redis_up', $redis), 1, 'the one that stays is up';

done_testing;
