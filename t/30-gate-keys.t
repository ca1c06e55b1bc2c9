#!/usr/bin/perl
# Where the gate looks for an API key, and what becomes of one that is wrong.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(conf => <<'CONF', http => <<'HTTP');
        location / { tollgate on; proxy_pass http://backend; }
        location /custom {
            tollgate on;
            tollgate_key $arg_key $http_x_custom $http_authorization;
            proxy_pass http://backend;
        }
        location /open { tollgate off; proxy_pass http://backend; }
CONF
    server {
        listen unix:%%DIR%%/nginx-large.sock;
        large_client_header_buffers 4 128k;
        location / { tollgate on; proxy_pass http://backend; }
    }
HTTP

my $c = $t->customer;
my $other = $t->customer;
my $test = $t->customer(key => { kind => 'test' });
my $revoked = $t->customer(key => { state => 'revoked' });
my $expired = $t->customer(key => { expires_ms => 1000 });
my $later = $t->customer(key => { expires_ms => (time + 3600) * 1000 });

sub calls {
    my ($calls) = $t->r('INFO', 'commandstats')
        =~ /cmdstat_evalsha:calls=(\d+)/;
    return $calls // 0;
}

# what is sent, status, the account that the backend sees or the refusal's code
my $flipped = $c->{key} =~ s/(.)\z/$1 eq '0' ? '1' : '0'/er;
my $unknown = Tollgate::make_key('NoSuchOne0', 'x' x 32);
my $wrong_secret = Tollgate::make_key($c->{account}, 'x' x 32);
my @rows = (
    ['a bearer token', { Authorization => "Bearer $c->{key}" }, $c],
    ['a scheme in lower case', { Authorization => "bearer $c->{key}" }, $c],
    ['a scheme in upper case', { Authorization => "BEARER $c->{key}" }, $c],
    ['spaces after the scheme', { Authorization => "Bearer   $c->{key}" }, $c],
    ['X-API-Key', { 'X-API-Key' => $c->{key} }, $c],
    ['x-api-key', { 'x-api-key' => $c->{key} }, $c],
    ['a test key', { 'X-API-Key' => $test->{key} }, $test],
    ['a key that expires later', { 'X-API-Key' => $later->{key} }, $later],
    ['two headers, of which the first source wins',
     { Authorization => "Bearer $c->{key}", 'X-API-Key' => $other->{key} },
     $c],
    ['another scheme beside X-API-Key',
     { Authorization => 'Basic dTpw', 'X-API-Key' => $c->{key} }, $c],
    ['X-API-Key twice', { 'X-API-Key' => [$other->{key}, $c->{key}] }, $other],
    ['a bad bearer token beside a good X-API-Key',
     { Authorization => 'Bearer nonsense', 'X-API-Key' => $c->{key} },
     'key_malformed'],

    ['no key', {}, 'key_missing'],
    ['another scheme', { Authorization => 'Basic dTpw' }, 'key_missing'],
    ['a scheme alone', { Authorization => 'Bearer' }, 'key_missing'],
    ['an empty X-API-Key', { 'X-API-Key' => '' }, 'key_missing'],
    ['nonsense', { 'X-API-Key' => 'nonsense' }, 'key_malformed'],
    ['a wrong checksum', { 'X-API-Key' => $flipped }, 'key_malformed'],
    ['a key cut short', { 'X-API-Key' => substr $c->{key}, 0, 55 },
     'key_malformed'],
    ['a key with more behind it', { 'X-API-Key' => "$c->{key}0" },
     'key_malformed'],
    ['a key of another product', { 'X-API-Key' => 'sk' . substr $c->{key}, 2 },
     'key_malformed'],
    ['bytes outside ASCII',
     { 'X-API-Key' => substr($c->{key}, 0, 54) . "\xc3\xa9" },
     'key_malformed'],
    ['control bytes', { 'X-API-Key' => "\x01\x7f" . substr $c->{key}, 2 },
     'key_malformed'],
    ['two keys in one header', { 'X-API-Key' => "$c->{key}, $c->{key}" },
     'key_malformed'],

    ['an unknown account', { 'X-API-Key' => $unknown }, 'key_unknown'],
    ['another secret of a known account', { 'X-API-Key' => $wrong_secret },
     'key_unknown'],
    ['a revoked key', { 'X-API-Key' => $revoked->{key} }, 'key_revoked'],
    ['an expired key', { 'X-API-Key' => $expired->{key} }, 'key_expired'],
);

for my $row (@rows) {
    my ($what, $headers, $expected) = @$row;

    my $before = calls();
    my $r = $t->get('/x', %$headers);
    if (ref $expected) {
        is $r->{json}{account}, $expected->{account}, "$what is accepted";
        next;
    }

    is "$r->{status} $r->{json}{code}", "401 $expected",
        "$what is refused with $expected";
    is calls(), $before, "$what doesn't reach Redis"
        if $expected =~ /missing|malformed/;
    my $challenge = $r->{headers}{'www-authenticate'} // '';
    like $challenge, $expected eq 'key_missing'
        ? qr/^Bearer(?!.*error=)/ : qr/^Bearer .*error="invalid_token"/,
        "$what is answered with a challenge";
}

# a huge key
my $huge = 'tg_live_' . 'x' x 65536;
is $t->get('/x', 'X-API-Key' => $huge)->{status}, 400,
    'a key of 64 KB is too large for nginx itself';
is $t->via('large', 'GET', '/x', { 'X-API-Key' => $huge })->{json}{code},
    'key_malformed', 'and malformed where nginx is told to take it';

# tollgate_key
is $t->get("/custom?key=$c->{key}")->{json}{account}, $c->{account},
    'tollgate_key takes the key from an argument';
is $t->get('/custom', 'X-Custom' => $c->{key})->{json}{account}, $c->{account},
    'or from the next source, where the first is empty';
is $t->get('/custom', Authorization => "Bearer $c->{key}")->{json}{account},
    $c->{account}, 'and leaves out the word Bearer';
is $t->get("/custom?key=$c->{key}", 'X-Custom' => $other->{key})
    ->{json}{account}, $c->{account}, 'the first non-empty source wins';
is $t->get('/custom', 'X-API-Key' => $c->{key})->{json}{code}, 'key_missing',
    'with tollgate_key nothing else is looked at';

is $t->get('/open')->{status}, 200, 'tollgate off needs no key';

unlike $t->error_log, qr/\Q$c->{key}\E/, 'no key is in the log';

done_testing;
