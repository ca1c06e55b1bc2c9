#!/usr/bin/perl
# Nobody tells the backend who he is, or hands it a key, on a way around the
# decision: preflight requests, odd names of headers, keys within others.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        underscores_in_headers on;
        ignore_invalid_headers off;
        tollgate on;
        location / { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /cookie {
            tollgate_key $cookie_key $http_x_custom;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
        location /dry {
            tollgate dry_run;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
CONF
my $listener = $t->listener('hand');
my $c = $t->customer(avail => 100);
my %preflight = ('Access-Control-Request-Method' => 'POST');
my @odd = ('Tollgate-Account', 'tollgate_account', 'Tollgate.Account',
           'TOLLGATE-Anything');

# The request's head as the backend got it.
sub handed {
    my ($method, $path, %headers) = @_;

    my $client = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
    print {$client} Tollgate::Http::format_request($method, $path, \%headers);
    $client->flush;
    my ($backend, $head) = $t->accepted($listener);
    print {$backend} "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
    close $backend;
    is Tollgate::Http::read_response($client)->{status}, 200,
        "$method $path passes";

    return $head;
}

for my $name (@odd) {
    my $head = handed('GET', '/', 'X-API-Key' => $c->{key},
                      $name => 'Spoof00001');
    unlike $head, qr/Spoof/, "the backend doesn't see $name of a client";
    like $head, qr/^Tollgate-Account: $c->{account}\r$/m, 'but the account';

    for my $path ('/', '/cookie', '/dry') {
        $head = handed('OPTIONS', $path, %preflight, $name => 'Spoof00001',
                       'X-Stays' => 'here');
        unlike $head, qr/Spoof/, 'nor in a preflight request';
        like $head, qr/^X-Stays: here\r$/m, 'which goes on otherwise';
    }
}

my $head = handed('OPTIONS', '/', %preflight, 'X-API-Key' => $c->{key},
                  Authorization => "Bearer $c->{key}");
unlike $head, qr/\Q$c->{key}/, 'a preflight request hands no key on';
unlike $head, qr/^Tollgate-/mi, 'and is nobody\'s';
$head = handed('OPTIONS', '/cookie', %preflight, Cookie => "key=$c->{key}");
unlike $head, qr/\Q$c->{key}/, 'not one of tollgate_key either';

# a key within a header
my @rows = (
    ["key=$c->{key}", qr/^Cookie: key=\r$/m],
    ["key=$c->{key}; a=b", qr/^Cookie: key=; a=b\r$/m],
    ["a=b; key=$c->{key}", qr/^Cookie: a=b; key=\r$/m],
    ["a=b; key=$c->{key}; c=$c->{key}; d", qr/^Cookie: a=b; key=; c=; d\r$/m],
);
for my $row (@rows) {
    my ($cookie, $want) = @$row;

    my $shown = $cookie =~ s/\Q$c->{key}/KEY/gr;
    $head = handed('GET', '/cookie', Cookie => $cookie,
                   'X-Note' => "<$c->{key}>", 'X-Custom' => $c->{key});
    unlike $head, qr/\Q$c->{key}/, "$shown: the backend doesn't see the key";
    like $head, $want, "$shown: other cookies stay";
    like $head, qr/^X-Note: <>\r$/m, "$shown: nor in any other header";
    unlike $head, qr/^X-Custom/m, "$shown: where it is all, that goes";
}
$head = handed('GET', '/cookie', 'X-Custom' => "Bearer $c->{key}");
unlike $head, qr/^X-Custom/m, 'and so does a bearer token';

done_testing;
