#!/usr/bin/perl
# A limit of requests that run at once, over two worker processes: not one more
# ever runs, and a slot comes back however its request ends.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(workers => 2, conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $http_connection;
        location / { proxy_pass http://backend; }
        location /hand { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /away { proxy_pass http://unix:%%DIR%%/nonexistent.sock; }
        location /dry { tollgate dry_run; proxy_pass http://backend; }
        location /page { error_page 404 = /hand; proxy_intercept_errors on;
                         proxy_pass http://backend; }
        location /mirrored { mirror /mirror; proxy_pass http://unix:%%DIR%%/hand.sock; }
        location = /self { tollgate_self quota; }
        location = /mirror { internal; proxy_pass http://backend; }
CONF
$SIG{PIPE} = 'IGNORE';
my $listener = $t->listener('hand');

# A customer of whom so many requests may run, with a lease of so many ms.
sub limited {
    my ($max, $lease) = @_;

    return $t->customer(avail => 100_000,
        l => "1 once running $max " . ($lease // 30_000) . ' - account * refuse -');
}

sub slots {
    my ($c) = @_;

    return $t->r('ZCARD', 'tg:{' . Tollgate::shard($c->{account}) . "}:c:$c->{account}:1");
}

# Waits for a number of slots, and says whether it came to that.
sub becomes {
    my ($c, $count, $what) = @_;

    return ok $t->wait_for(sub { slots($c) == $count }, $what), $what;
}

sub answers {
    my ($backend, $status) = @_;

    print {$backend} "HTTP/1.1 $status Told\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    close $backend;

    return;
}

sub statuses { return join ' ', map { Tollgate::Http::read_response($_)->{status} } @_ }

# 64 at once.
my $c = limited(5);
my @sockets = map { $t->send_request($c, 'GET', '/hand') } 1 .. 64;
my @backends = map { ($t->accepted($listener))[0] } 1 .. 5;
is slots($c), 5, 'of 64 at once five run';
$t->wait_for(sub {
    my $ready = '';
    vec($ready, fileno $_, 1) = 1 for @sockets;
    59 == select $ready, undef, undef, 0
}, 'the others to be answered');
answers($_, 200) for @backends;
my %told;
$told{$_}++ for split ' ', statuses(@sockets);
is_deeply \%told, { 200 => 5, 429 => 59 }, 'not one more, and the others are refused';
becomes($c, 0, 'when they have ended all slots are free');

my $held = $t->send_request($c = limited(1), 'GET', '/hand');
my ($backend) = $t->accepted($listener);
my $refused = $t->call($c, 'GET', '/hand');
is "$refused->{status} $refused->{json}{code} $refused->{json}{limit} @{ $refused->{headers} }{qw(retry-after retry-after-ms)}",
    '429 concurrency_limited once 1 1000', 'a refusal says when to try again';
ok !exists $refused->{headers}{'x-should-retry'}, 'which is worth it';
is $t->call($c, 'GET', '/dry')->{status}, 200, 'a dry run needs no slot';
my $other = limited(1);
is $t->call($other, 'GET', '/')->{status}, 200, 'who else there is has slots of his own';
my ($told) = @{ $t->call($c, 'GET', '/self')->{json}{limits} };
is join(' ', map { $_ // 'null' } @$told{qw(name meter limit remaining resets_at)}),
    'once running 1 0 null', 'and a customer can look how many are left';
answers($backend, 200);
is statuses($held), 200, 'the request ends';
becomes($c, 0, 'its slot is free');

# Ends of all kinds.
for my $path ('/', '/?status=404', '/?status=500', '/away') {
    my $d = limited(1);
    $t->call($d, 'GET', $path);
    becomes($d, 0, "$path lets go");
    is $t->call($d, 'GET', $path)->{status} == 429 ? 'refused' : 'passes', 'passes', 'for the next one';
}

# A client that leaves, a page of another location, a subrequest.
for my $path ('/hand', '/page?status=404', '/mirrored') {
    my $d = limited(2);
    my $socket = $t->send_request($d, 'GET', $path);
    my ($b) = $t->accepted($listener);
    is slots($d), 1, "$path has one slot";
    close $socket;
    becomes($d, 0, "$path lets go when its client leaves");
    close $b;
}

# What lasts keeps its slot for longer than the lease: a WebSocket, over a reload.
my $d = limited(1, 600);
my $ws = $t->send_request($d, 'GET', '/hand', Connection => 'Upgrade', Upgrade => 'websocket',
                          'Sec-WebSocket-Key' => 'x' x 22 . '==');
($backend) = $t->accepted($listener);
syswrite $backend, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
my $name = 'tg:{' . Tollgate::shard($d->{account}) . "}:c:$d->{account}:1";
my ($id, $from) = @{ $t->r('ZRANGE', $name, 0, -1, 'WITHSCORES') };
$t->wait_for(sub { $t->r('ZSCORE', $name, $id) > $from + 1500 }, 'two leases and a half');
is $t->call($d, 'GET', '/')->{json}{code}, 'concurrency_limited', 'a WebSocket keeps its slot while it lasts';
$t->nginx_reload;
$t->wait_for(sub { $t->error_log =~ /gracefully shutting down/ }, 'a reload');
$from = $t->r('ZSCORE', $name, $id);
$t->wait_for(sub { $t->r('ZSCORE', $name, $id) > $from + 1200 }, 'two leases more');
is $t->call($d, 'GET', '/')->{json}{code}, 'concurrency_limited', 'over a reload too';
close $ws;
becomes($d, 0, 'and lets go when it ends');
close $backend;

# Redis is away when it ends, or forgets; nginx is killed.
$held = $t->send_request($d = limited(1, 600), 'GET', '/hand');
($backend) = $t->accepted($listener);
$t->r('DEL', 'tg:{' . Tollgate::shard($d->{account}) . "}:c:$d->{account}:1");
becomes($d, 1, 'a slot that Redis forgot is taken again while its request runs');
$t->nginx_kill;
ok $t->wait_for(sub {
    my $answer = eval { $t->call($d, 'GET', '/') };
    $answer && $answer->{status} == 200
}, 'the slot'), 'what a killed nginx had is free after its lease';
close $backend;

done_testing;
