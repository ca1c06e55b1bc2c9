#!/usr/bin/perl
# What the backend gets to see: who the client is, and not the key.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_user $http_x_user;
        location / { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /keep {
            tollgate_strip_key off;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
        location /custom {
            tollgate_key $http_x_custom $cookie_key;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
        location /nobody {
            tollgate_user "";
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
        location /off {
            tollgate off;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
CONF
my $listener = $t->listener('hand');
$t->plan('pro', tier => 2);
my $c = $t->customer(plan => 'pro');

# The request as the backend got it, and the answer that the client got.
sub handed {
    my ($method, $path, $headers, $body) = @_;

    my $client = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
    print {$client} Tollgate::Http::format_request($method, $path, $headers,
                                                   $body);
    $client->flush;
    my ($backend, $head) = $t->accepted($listener);
    print {$backend} "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
    close $backend;

    return ($head, Tollgate::Http::read_response($client));
}

sub header {
    my ($head, $name) = @_;

    return join '|', $head =~ /^\Q$name\E: *(.*?)\r$/gim;
}

my ($head, $r) = handed('GET', '/x', { Authorization => "Bearer $c->{key}",
    'X-API-Key' => 'another', 'X-User' => 'somchai', 'X-Other' => 'stays',
    'User-Agent' => 'test', Cookie => 'a=b' });
is $r->{body}, 'ok', 'the answer of the backend reaches the client';
is header($head, 'Tollgate-Account'), $c->{account},
    'the backend is told the account';
is header($head, 'Tollgate-App'), 'app_0000000001', 'the app';
is header($head, 'Tollgate-Plan'), 'pro', 'the plan';
is header($head, 'Tollgate-User'), 'somchai', 'the user';
like header($head, 'Tollgate-Request-Id'), qr/^[0-9a-f]{32}$/,
    'and the request id';
unlike $head, qr/^Authorization/mi, 'Authorization is gone';
unlike $head, qr/^X-API-Key/mi, 'so is X-API-Key';
unlike $head, qr/\Q$c->{key}\E/, 'the key is nowhere';
is header($head, $_->[0]), $_->[1], "$_->[0] stays as it was"
    for ['X-Other', 'stays'], ['User-Agent', 'test'], ['Cookie', 'a=b'],
        ['X-User', 'somchai'];

# what a client may not say
($head) = handed('GET', '/x', { 'X-API-Key' => $c->{key},
    'Tollgate-Account' => ['Evil000000', 'Evil000001'],
    'tollgate-user' => 'evil', 'TOLLGATE-PLAN' => 'enterprise',
    'Tollgate-Anything' => 'evil', 'X-User' => 'good' });
is header($head, 'Tollgate-Account'), $c->{account},
    'headers of a client that claim an account are removed';
is header($head, 'Tollgate-User'), 'good', 'those that claim a user';
is header($head, 'Tollgate-Plan'), 'pro', 'or a plan';
unlike $head, qr/evil/i, 'and all others of that family';

# another scheme is the backend's affair
($head) = handed('GET', '/x', { 'X-API-Key' => $c->{key},
                                Authorization => 'Basic dTpw' });
is header($head, 'Authorization'), 'Basic dTpw',
    'credentials of another scheme stay';
unlike $head, qr/\Q$c->{key}\E/, 'while the key is taken out';

($head) = handed('GET', '/x', { 'X-API-Key' => [$c->{key}, 'second'] });
unlike $head, qr/^X-API-Key/mi, 'every X-API-Key is taken out';

# a user is never more than its percent-encoded text
my $odd = "a b\tc%/\xe0\xb8\x81" . '@x.y~+-_';
($head) = handed('GET', '/x', { 'X-API-Key' => $c->{key}, 'X-User' => $odd });
is header($head, 'Tollgate-User'), 'a%20b%09c%25%2F%E0%B8%81@x.y~+-_',
    'a user is percent-encoded';
($head) = handed('GET', '/x', { 'X-API-Key' => $c->{key},
                                'X-User' => 'x' x 127 . "\xe9" . 'y' x 500 });
is header($head, 'Tollgate-User'), 'x' x 127,
    'cut to 128 bytes, and not within an escape';
($head) = handed('GET', '/nobody', { 'X-API-Key' => $c->{key} });
unlike $head, qr/^Tollgate-User/mi, 'no user, no header';

# strip_key off
($head) = handed('GET', '/keep', { Authorization => "Bearer $c->{key}",
                                   'Tollgate-User' => 'evil' });
is header($head, 'Authorization'), "Bearer $c->{key}",
    'tollgate_strip_key off leaves the key in';
is header($head, 'Tollgate-Account'), $c->{account},
    'the backend is told the account all the same';
unlike $head, qr/evil/, 'and what the client claims is removed all the same';

# a source of tollgate_key
($head) = handed('GET', '/custom', { 'X-Custom' => $c->{key},
                                     'X-API-Key' => 'stays' });
unlike $head, qr/\Q$c->{key}\E/, 'a header of tollgate_key is taken out';
is header($head, 'X-API-Key'), 'stays', 'and no other';

# not gated
($head) = handed('GET', '/off', { Authorization => "Bearer $c->{key}" });
is header($head, 'Authorization'), "Bearer $c->{key}",
    'where tollgate is off nothing is touched';

# a body passes whole
($head, $r) = handed('POST', '/x', { 'X-API-Key' => $c->{key} }, 'x' x 70000);
is header($head, 'Content-Length'), 70000, 'a body is passed on';
is $r->{status}, 200, 'and answered';

done_testing;
