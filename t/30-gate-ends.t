#!/usr/bin/perl
# What a request has only while it runs: nginx keeps it up, ends it with the
# request, and tells Redis in the end however long that is away.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::FakeRedis;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_idempotency on;
        tollgate_feature image.generate;
        location / { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /fake {
            tollgate_feature "";
            tollgate_cost 10;
            tollgate_timeout 200ms;
            tollgate_redis unix:%%DIR%%/fake.sock;
            proxy_pass http://unix:%%DIR%%/hand.sock;
            location /fake/open {
                tollgate_on_error open;
                proxy_pass http://backend;
            }
            location /fake/quick { proxy_pass http://backend; }
        }
CONF
my $fake = Tollgate::FakeRedis->start($t, 'fake');
my $listener = $t->listener('hand');
my $c = $t->customer(avail => 1000);
my %key = ('Idempotency-Key' => 'k');

sub ticket { return Tollgate::FakeRedis::decision(26 => ['$', $_[0]]) }

# Calls of the fake Redis since passed() was called last.
my $past = 0;
sub calls {
    my @seen = grep { /^(?:gate|void|refund|release.*)$/ } $fake->seen;

    return @seen[$past .. $#seen];
}

sub passed { return $past += () = calls() }

# Whether the calls become what the pattern says.
sub becomes {
    my ($pattern, $what) = @_;

    ok $t->wait_for(sub { join(' ', calls()) =~ $pattern }, $what), $what
        or diag join ' ', calls();

    return passed();
}

sub answers {
    my ($backend, $socket, $status) = @_;

    print {$backend} "HTTP/1.0 $status Told\r\n\r\n";
    close $backend;

    return Tollgate::Http::read_response($socket)->{status};
}

$fake->answer(Tollgate::FakeRedis::decision());
$t->wait_for(sub { $t->call($c, 'GET', '/fake/quick')->{status} == 200 },
             'the fake Redis to be reached');
passed();

# The shortest of the leases counts.
$fake->answer(ticket('u:x 1 2;ei:9000:a:b:60:1;ec:300:q'));
my $socket = $t->send_request($c, 'GET', '/fake', %key);
my ($backend) = $t->accepted($listener);
becomes(qr/^gate release run release run release run/, 'a lease is kept up');
is answers($backend, $socket, 200), 200, 'the request ends';
becomes(qr/release done$/, 'and what it had with it');
$t->call($c, 'GET', '/fake/quick?status=500');
becomes(qr/^gate refund$/, 'what fails is given back, which ends it too');

for my $words ('', 'u:x 1 2', 'e', 'ei', 'u:x ei:300') {
    $fake->answer(ticket($words));
    $t->call($c, 'GET', '/fake/quick');
    $t->call($c, 'GET', '/fake/quick');
    is join(' ', calls()), 'gate gate', "with \"$words\" nothing ends";
    passed();
}

# Replies that are lost or late.
$fake->answer('CLOSE');
is $t->call($c, 'GET', '/fake/quick', %key)->{status}, 503, 'a lost reply';
$fake->answer(ticket(''));
becomes(qr/void release back|release back void/, 'frees the key, for it is known');
$t->wait_for(sub { $t->call($c, 'GET', '/fake/quick')->{status} == 200 },
             'the fake Redis to be back');
passed();
for my $row (['/fake/quick', 503, qr/^gate refund$/, 'is given back'],
             ['/fake/open', 200, qr/^gate release done$/, 'was served: it ends']) {
    my ($path, $status, $pattern, $what) = @$row;
    $fake->answer('HOLD');
    is $t->call($c, 'GET', $path, %key)->{status}, $status, "$path: no reply";
    $fake->answer(ticket('ei:9000:a:b:60:1'));
    becomes($pattern, "what comes late $what");
}

# The real one: away when the request ends, or nginx away.
sub keys_left {
    return join ' ', map { ($t->r('GET', $_) // '') =~ / (run|done)/ }
        grep { /:i:/ } @{ $t->r('KEYS', '*') };
}

$t->redis_config(appendonly => 'yes');
$t->redis_stop('TERM');
$t->redis_start;
$t->plan('payg');
$t->catalog(@Tollgate::Edge::CATALOG);
my $d = $t->customer(avail => 100);
$t->wait_for(sub {
    my $probe = $t->send_request($d, 'GET', '/');
    my $timeout = $listener->timeout(0.2);
    my $backend = $listener->accept;
    $listener->timeout($timeout);
    $backend && answers($backend, $probe, 500);
}, 'the gate to be back');
my $run = $t->send_request($d, 'POST', '/', %key);
my ($first) = $t->accepted($listener);
is keys_left(), 'run', 'a call runs';
$t->redis_stop('KILL');
is answers($first, $run, 200), 200, 'it ends while Redis is away';
$t->redis_start;
ok $t->wait_for(sub { keys_left() eq 'done' }, 'the end'),
    'which is told as soon as it is back';

$run = $t->send_request($d, 'POST', '/', 'Idempotency-Key' => 'l');
($first) = $t->accepted($listener);
$t->nginx_reload;
$t->wait_for(sub { $t->error_log =~ /gracefully shutting down/ }, 'a reload');
is answers($first, $run, 200), 200, 'a request outlives a reload';
ok $t->wait_for(sub { keys_left() eq 'done done' }, 'the end'), 'and ends';

$run = $t->send_request($d, 'POST', '/', 'Idempotency-Key' => 'm');
($first) = $t->accepted($listener);
$t->nginx_kill;
my ($lost) = grep { /:i:/ && $t->r('GET', $_) =~ /run$/ } @{ $t->r('KEYS', '*') };
cmp_ok $t->r('PTTL', $lost), '<=', 30_000, 'what a worker process had that was killed ends with its lease';

done_testing;
