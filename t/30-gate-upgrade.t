#!/usr/bin/perl
# Connections that are upgraded: a WebSocket is charged once and stays while it
# lasts, over a reload too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
        location /ws { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /plain { proxy_pass http://backend; }
        location /later {
            tollgate_charge_on 2xx;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
CONF
my $listener = $t->listener('hand');
$SIG{PIPE} = 'IGNORE';
my ($once, $back) = ('1 charged, 0 refunded, 90 left',
                     '1 charged, 1 refunded, 100 left');
my %upgrade = (Connection => 'Upgrade', Upgrade => 'websocket',
               'Sec-WebSocket-Key' => 'x' x 22 . '==');

# Reads from a socket until the text is there.
sub until_read {
    my ($socket, $pattern) = @_;

    my $text = '';
    local $SIG{ALRM} = sub { die "no $pattern in \"$text\"\n" };
    alarm $Tollgate::Http::timeout;
    until ($text =~ $pattern) {
        sysread $socket, $text, 65536, length $text or last;
    }
    alarm 0;

    return $text;
}

# An upgraded connection: both of its ends.
sub websocket {
    my ($customer, $path) = @_;

    my $client = $t->send_request($customer, 'GET', $path, %upgrade);
    my ($backend) = $t->accepted($listener);
    syswrite $backend, "HTTP/1.1 101 Switching Protocols\r\n"
        . "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    like until_read($client, qr/\r\n\r\n/), qr{^HTTP/1\.1 101 .*Tollgate-Cost}s,
        "$path: upgraded";

    return ($client, $backend);
}

# who hangs up makes no difference
my %customer;
for my $who ('client', 'backend') {
    my $c = $customer{$who} = $t->customer(avail => 100);
    my ($client, $backend) = websocket($c, '/ws');
    for my $n (1 .. 3) {
        syswrite $client, "ping $n";
        is until_read($backend, qr/\d/), "ping $n", "$who: a frame goes there";
        syswrite $backend, "pong $n";
        is until_read($client, qr/\d/), "pong $n", "$who: and back";
    }
    is $t->avail($c), 90_000_000, "$who: charged once while it lasts";
    is scalar $t->usage($c->{account}), 0, "$who: recorded when it ends";
    close($who eq 'client' ? $client : $backend);
    is tally($t, $c, 1), $once, "$who hangs up: $once";
    my ($record) = $t->usage($c->{account});
    is $record->{status}, 101, "$who: and 101 is what counts";
}

# what the gate or the backend refuses
my $poor = $t->customer;
like until_read($t->send_request($poor, 'GET', '/ws', %upgrade), qr/\}\r\n/),
    qr{^HTTP/1\.1 402 }, 'an upgrade is refused as any request';
for my $row ([403, $once], [500, $back]) {
    my ($status, $want) = @$row;

    my $c = $t->customer(avail => 100);
    my $client = $t->send_request($c, 'GET', '/ws', %upgrade);
    my ($backend) = $t->accepted($listener);
    print {$backend} "HTTP/1.1 $status No\r\nContent-Length: 0\r\n"
        . "Connection: close\r\n\r\n";
    $backend->flush;
    like until_read($client, qr/\r\n\r\n/), qr/ $status /, 'no upgrade';
    close $_ for $client, $backend;
    is tally($t, $c, 1), $want, "a backend that answers $status: $want";
}
my $later = $t->customer(avail => 100);
close $_ for websocket($later, '/later');
is tally($t, $later, 1), $back, 'without 1xx in tollgate_charge_on: given back';

# nginx reloads, and the connection goes on in the process that has it
my $long = $t->customer(avail => 100);
my ($client, $backend) = websocket($long, '/ws');
my ($old) = $t->children('nginx');
$t->nginx_reload;
$t->wait_for(sub { $t->error_log =~ /gracefully shutting down/ }, 'the reload');
is $t->call($long, 'GET', '/plain')->{status}, 200, 'new requests go elsewhere';
syswrite $client, 'still there 1';
is until_read($backend, qr/\d/), 'still there 1', 'an old one goes on';
ok((grep { $_ == $old } $t->children('nginx')), 'in its old process');
close $_ for $client, $backend;
is tally($t, $long, 2), '2 charged, 0 refunded, 80 left', 'each charged once';
$t->wait_for(sub { !grep { $_ == $old } $t->children('nginx') },
             'the old process to go with it');

done_testing;
