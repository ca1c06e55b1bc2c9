#!/usr/bin/perl
# HTTP/2: many streams of an account on one connection are charged one by one,
# and a stream that is reset is charged as an HTTP/1.1 client that leaves.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;
use Tollgate::H2;

my $t = Tollgate::Edge->begin(conf => <<'CONF', http => <<'HTTP');
        location / { return 404; }
CONF
    server {
        listen unix:%%DIR%%/nginx-h2.sock http2;
        http2_max_concurrent_streams 200;
        tollgate on;
        tollgate_timeout 5s;
        tollgate_feature image.generate;
        proxy_buffering off;
        location / { proxy_pass http://backend; }
        location /hand { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /free {
            tollgate_charge_on 2xx;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
    }
HTTP
my $listener = $t->listener('hand');
$SIG{PIPE} = 'IGNORE';

sub connection { return Tollgate::H2->new("$t->{dir}/nginx-h2.sock") }

sub gone { return scalar(() = $t->error_log =~ /client canceled stream/g) }

# many streams at once: exactly what the balance pays, in few calls of Redis
my $c = $t->customer(avail => 500);
my $h2 = connection();
my %key = ('x-api-key' => $c->{key});
my @ids = map { $h2->open_stream('GET', "/x?n=$_", \%key) } 1 .. 100;
my %count;
$count{ $h2->answer($_)->{status} }++ for @ids;
is_deeply \%count, { 200 => 50, 402 => 50 },
    '50 of 100 streams of 10 credits pass on 500';
is tally($t, $c, 100), '50 charged, 0 refunded, 0 left',
    'each is charged once';
cmp_ok scalar events($t, $c->{account}), '<', 25, 'in events of many';
like $h2->{streams}{$ids[0]}{body}, qr{"uri":"/x\?n=1"},
    'and streams get their own answers';

# the connection goes on after refusals, with bodies too
is $h2->answer($h2->open_stream('POST', '/x', { 'x-api-key' => 'bad' },
                                'x' x 9000))->{status}, 401, 'a refusal';
my $rich = $t->customer(avail => 100);
is $h2->get('/x', 'x-api-key' => $rich->{key})->{status}, 200,
    'another account on the same connection';
is $h2->answer($h2->open_stream('HEAD', '/x', { 'x-api-key' => $rich->{key} }))
    ->{status}, 200, 'and HEAD';
is tally($t, $rich, 2), '2 charged, 0 refunded, 80 left', 'pays for its own';

# RST_STREAM while Redis is asked
$c = $t->customer(avail => 100);
%key = ('x-api-key' => $c->{key});
kill 'STOP', $t->{redis_pid};
@ids = map { $h2->open_stream('GET', '/x', \%key) } 1 .. 6;
is $h2->get('/x')->{status}, 401, 'others are answered meanwhile';
push @ids, map { $h2->open_stream('GET', '/x', \%key) } 1, 2;
$h2->reset_stream($_) for @ids[0 .. 3], @ids[6, 7];
$h2->flush;
$t->wait_for(sub { gone() == 6 }, 'nginx to notice six resets');
kill 'CONT', $t->{redis_pid};
is join(' ', map { $h2->answer($_)->{status} } @ids[4, 5]), '200 200',
    'streams beside them are answered';
$t->wait_for(sub { $t->avail($c) == 80_000_000 }, 'refunds');
is tally($t, $c, 2), '6 charged, 4 refunded, 80 left',
    'those that were reset cost nothing, two were never asked about';
$t->wait_for(sub { 6 == grep { $_->{verdict} eq 'client_gone' } $t->usage('-') },
             'a record of each');

# reset while the backend works, and in the middle of the answer
for my $row (['/hand', '', 1], ['/free', '', 0], ['/hand', 'half', 1],
             ['/free', 'half', 1]) {
    my ($path, $sent, $charged) = @$row;

    my $customer = $t->customer(avail => 100);
    my $id = $h2->open_stream('GET', $path, { 'x-api-key' => $customer->{key} });
    $h2->flush;
    my ($backend) = $t->accepted($listener);
    if ($sent) {
        print {$backend} "HTTP/1.0 200 OK\r\nContent-Length: 99\r\n\r\n$sent";
        $backend->flush;
        $h2->read_until(sub { $h2->{streams}{$id}{body} eq $sent });
    }
    my $before = gone();
    $h2->reset_stream($id);
    $h2->flush;
    $t->wait_for(sub { gone() > $before }, 'nginx to notice');
    my $when = $sent ? 'in the middle of the answer' : 'before the answer';
    is tally($t, $customer, 1), $charged ? '1 charged, 0 refunded, 90 left'
        : '1 charged, 1 refunded, 100 left', "$path, reset $when";
    close $backend;
}

# the client says goodbye, or is gone with all of its streams
$c = $t->customer(avail => 100);
$h2->open_stream('GET', '/x', { 'x-api-key' => $c->{key} });
$h2->add('goaway', 0, 0, pack 'NN', 0, 0);
$h2->flush;
is tally($t, $c, 1), '1 charged, 0 refunded, 90 left', 'GOAWAY after a request';

my $gone = $t->customer(avail => 100);
$h2 = connection();
$h2->open_stream('GET', $_, { 'x-api-key' => $gone->{key} })
    for '/hand', '/free';
$h2->flush;
my @backends = map { ($t->accepted($listener))[0] } 1, 2;
close $h2->{socket};
is tally($t, $gone, 2), '2 charged, 1 refunded, 90 left',
    'a connection that breaks ends its streams, each by its own rule';

done_testing;
