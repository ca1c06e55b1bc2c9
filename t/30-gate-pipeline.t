#!/usr/bin/perl
# Requests that share an HTTP/1.1 connection: pipelined in one write, refused
# with their bodies unread, or from a client that is gone at once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_timeout 5s;
        tollgate_feature image.generate;
        client_max_body_size 10m;
        location / { proxy_pass http://backend; }
        location /page { error_page 402 /sold-out; proxy_pass http://backend; }
        location = /sold-out { return 200 "sold out\n"; }
        location /short { client_max_body_size 1k; proxy_pass http://backend; }
CONF
$t->plan('slow', key_rate => 3_600_000_000, key_burst => 1);
my $poor = $t->customer;
my $limited = $t->customer(avail => 100, plan => 'slow');
my $gone = $t->customer(avail => 100, key => { state => 'revoked' });

sub text {
    my ($who, $method, $path, $body, %headers) = @_;

    return Tollgate::Http::format_request($method, $path,
        { Connection => 'keep-alive', 'X-API-Key' => $who->{key}, %headers },
        $body);
}

# So many responses of one connection, in order.
sub responses {
    my ($socket, $count) = @_;

    my ($text, @all) = ('');
    local $SIG{ALRM} = sub { die "no $count answers in \"$text\"\n" };
    alarm $Tollgate::Http::timeout;
    while (@all < $count) {
        if ($text =~ /\A(.*?\r\n\r\n)/s) {
            my ($head) = $1;
            my ($length) = $head =~ /^Content-Length: (\d+)/mi;
            if (defined $length and length $text >= length($head) + $length) {
                push @all, Tollgate::Http::parse(
                    substr $text, 0, length($head) + $length, '');
                next;
            }
        }
        sysread $socket, $text, 65536, length $text or last;
    }
    alarm 0;

    return @all;
}

sub sent {
    my (@texts) = @_;

    my $socket = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
    print {$socket} join '', @texts;
    $socket->flush;

    return $socket;
}

# in one write: the refused one in the middle costs nothing and loses nothing
my $c = $t->customer(avail => 100);
for my $body (undef, 'x' x 5000) {
    my $method = defined $body ? 'POST' : 'GET';
    my $socket = sent(text($c, $method, '/x?n=1', $body),
                      text($poor, $method, '/x?n=2', $body),
                      text($c, $method, '/x?n=3', $body));
    my @all = responses($socket, 3);
    is join(' ', map { $_->{status} } @all), '200 402 200',
        "pipelined $method: answered in order";
    is join(' ', map { $_->{json}{uri} } @all[0, 2]), '/x?n=1 /x?n=3',
        "pipelined $method: each by its own answer";
}
is tally($t, $c, 4), '4 charged, 0 refunded, 60 left',
    'those that pass are charged once each';

# more than the balance pays
$c = $t->customer(avail => 30);
my @all = responses(sent(map { text($c, 'GET', "/x?n=$_") } 1 .. 5), 5);
is join(' ', map { $_->{status} } @all), '200 200 200 402 402',
    'pipelined requests are decided one after the other';
is tally($t, $c, 5), '3 charged, 0 refunded, 0 left', 'to the last credit';

# the connection is good after each kind of refusal, its body read or not
is $t->call($limited, 'GET', '/x')->{status}, 200, 'one passes';
my @refusals = (
    [{ key => '' }, '/x', 401], [{ key => 'junk' }, '/x', 401],
    [$gone, '/x', 401], [$poor, '/x', 402], [$limited, '/x', 429],
    [$poor, '/page', 402],
);
$c = $t->customer(avail => 1000);
my $socket = sent();
my $passed = 0;
for my $row (@refusals) {
    my ($who, $path, $status) = @$row;

    for my $body (undef, 'x' x 10, 'x' x 3_000_000) {
        my $size = length($body // '');
        print {$socket} text($who, defined $body ? 'POST' : 'GET', $path,
                             $body);
        $socket->flush;
        my ($r) = responses($socket, 1);
        is $r->{status}, $status, "$status at $path with a body of $size";
        print {$socket} text($c, 'GET', "/x?n=$size");
        $socket->flush;
        ($r) = responses($socket, 1);
        is $r->{json}{uri}, "/x?n=$size", 'and the connection goes on';
        $passed++;
    }
}
is tally($t, $c, $passed),
    sprintf('%d charged, 0 refunded, %d left', $passed, 1000 - 10 * $passed),
    'what passed in between is charged once each';
close $socket;

# sent and gone: nginx sees both at once, and nobody is asked about it
$c = $t->customer(avail => 100);
my ($worker) = $t->children('nginx');
kill 'STOP', $t->{redis_pid}, $worker;
close $_ for map { sent(text($c, 'GET', '/x')) } 1 .. 3;
kill 'CONT', $worker;
$t->wait_for(sub {
    3 == (() = $t->error_log =~ /client prematurely closed/g)
}, 'nginx to notice while Redis is silent');
kill 'CONT', $t->{redis_pid};
$t->wait_for(sub { 3 == grep { $_->{verdict} eq 'client_gone' } $t->usage('-') },
             'a record of each');
is $t->call($c, 'GET', '/x')->{status}, 200, 'the gate goes on';
$t->wait_for(sub { $t->avail($c) == 90_000_000 }, 'refunds, if any');
like tally($t, $c, 1), qr/^(\d) charged, (??{ $1 - 1 }) refunded, 90 left$/,
    'who left at once pays nothing';

done_testing;
