#!/usr/bin/perl
# tollgate_idempotency: which requests are the same call, what becomes of those
# that come while it runs and after it, and how it ends.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(workers => 2, http => <<'HTTP', conf => <<'CONF');
    tollgate_json $model model;
HTTP
        tollgate on;
        tollgate_idempotency on;
        tollgate_feature image.generate;
        location / { proxy_pass http://backend; }
        location /hand { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /away { proxy_pass http://unix:%%DIR%%/nonexistent.sock; }
        location /off { tollgate_idempotency off; proxy_pass http://backend; }
        location /must {
            tollgate_idempotency on ttl=90s required;
            proxy_pass http://backend;
        }
        location /few { tollgate_idempotency on retries=1; proxy_pass http://backend; }
        location /mine {
            tollgate_idempotency $arg_call;
            proxy_pass http://backend;
        }
        location /json { tollgate_model app:$model; proxy_pass http://backend; }
        location /dry { tollgate dry_run; proxy_pass http://backend; }
        location /page { error_page 404 = /; proxy_intercept_errors on;
                         proxy_pass http://backend; }
CONF
my $listener = $t->listener('hand');
my $c = $t->customer(avail => 1000);
my $name = sub { join ' ', grep { /:i:/ } @{ $t->r('KEYS', '*') } };

# A request with an Idempotency-Key, and its status with what it cost by now.
sub try {
    my ($method, $path, $key, $body, %more) = @_;

    my $before = $t->avail($c);
    my $answer = Tollgate::Http::request("$t->{dir}/nginx.sock", $method, $path,
        { Authorization => "Bearer $c->{key}",
          defined $key ? ('Idempotency-Key' => $key) : (), %more }, $body);
    my $code = $answer->{json} && $answer->{json}{code};

    return join ' ', $answer->{status}, $code // (),
        ($before - $t->avail($c)) / 1_000_000;
}

# Waits until nothing is in progress and nothing is owed.
sub over {
    return $t->wait_for(sub {
        !grep { $t->r('GET', $_) !~ / done \d+$/ } split ' ', $name->()
    }, 'the calls to be over');
}

is try('POST', '/x', 'one'), '200 10', 'a call is charged';
over();
is try('POST', '/x', 'one'), '200 0', 'a second time it is not';
is try('POST', '/few', 'few'), '200 10', 'of calls that may be tried again once';
over();
is try('POST', '/few', 'few'), '200 0', 'the second is free';
is try('POST', '/few', 'few'), '200 10', 'and the third a new one';
is try('POST', '/x', '"one"'), '200 0', 'with quotes around the key neither';
is try('POST', '/y', 'one'), '422 idempotency_mismatch 0', 'another path is another call';
is try('PUT', '/x', 'one'), '422 idempotency_mismatch 0', 'as is another method';
is try('POST', '/x', 'one', 'body'), '422 idempotency_mismatch 0',
    'and a body of another length';
is try('POST', '/x', 'two'), '200 10', 'with another key it is charged';
is try('POST', '/x', undef) . ', ' . try('POST', '/x', ''), '200 10, 200 10',
    'as without one';
is try('POST', '/off', 'one'), '200 10', 'or where keys mean nothing';
unlike $name->(), qr/one/, 'no key is stored as it came';

# Another account's key is another's.
my $mine = $c;
$c = $t->customer(avail => 1000);
is try('POST', '/x', 'one'), '200 10', 'every account has keys of its own';
$c = $mine;

# Which keys there may be.
is try('POST', '/must', undef), '400 idempotency_invalid 0', 'a key may be required';
is try('PATCH', '/must', ''), '400 idempotency_invalid 0', 'and an empty one is none';
is try('GET', '/must', undef), '200 10', 'of POST and PATCH alone';
is try('POST', '/must', 'k' x 255), '200 10', '255 characters will do';
is try('POST', '/x', $_), '400 idempotency_invalid 0', "not \"$_\""
    for 'k' x 256, '"', '""', '"half', "a\tb";
over();
my @left = map { $t->r('TTL', $_) } split ' ', $name->();
is scalar(grep { $_ <= 90 } @left), 1, 'a call is remembered for its time';
is try('GET', '/mine?call=7', undef), '200 10', 'the key may be any value';
over();
is try('GET', '/mine?call=7', undef), '200 0', 'by which calls are told';

# Bodies that the gate looks into.
my %json = ('Content-Type' => 'application/json');
is try('POST', '/json', 'j', '{"model":"standard","n":1}', %json), '200 20',
    'a body that has the price is part of the call';
over();
is try('POST', '/json', 'j', '{"model":"standard","n":2}', %json),
    '422 idempotency_mismatch 0', 'one as long but for a byte is another';
is try('POST', '/json', 'j', '{"model":"standard","n":1}', %json), '200 0',
    'and the same the same';

# While a call runs.
my $socket = $t->send_request($c, 'POST', '/hand', 'Idempotency-Key' => 'run');
my ($backend) = $t->accepted($listener);
is try('POST', '/hand', 'run'), '409 idempotency_in_progress 0',
    'a call that runs is told as such';
my $refused = $t->request('POST', '/hand', { 'Idempotency-Key' => 'run',
    Authorization => "Bearer $c->{key}" });
is "@{ $refused->{headers} }{qw(retry-after retry-after-ms)}", '1 1000',
    'with the time to try again';
print {$backend} "HTTP/1.0 500 Failed\r\n\r\n";
close $backend;
is Tollgate::Http::read_response($socket)->{status}, 500, 'the call fails';
over();
$socket = $t->send_request($c, 'POST', '/hand', 'Idempotency-Key' => 'run');
($backend) = $t->accepted($listener);
print {$backend} "HTTP/1.0 200 OK\r\n\r\n";
close $backend;
is Tollgate::Http::read_response($socket)->{status}, 200,
    'then it may be tried again, and is charged';

# Ends that are no success of the backend.
for my $row (['/away', '502', '502'], ['/x?status=500', 500, 500],
             ['/x?status=404', '404 10', '404 0'], ['/page?status=404', '200 10', '200 0'],
             ['/dry', '200 0', '200 0']) {
    my ($path, @told) = @$row;
    for my $told (@told) {
        like try('POST', $path, "end $path"), qr/^$told\b/, "$path: $told";
        over();
    }
}
over();
is tally($t, $c, 34), '19 charged, 5 refunded, 850 left',
    'what failed is given back, each time';

for my $bad ('off ttl=1s', 'constant', 'on ttl=0', 'on ttl=366d', 'on retries=-1', 'on maybe') {
    my ($ok, $out) = $t->nginx_test($t->edge_conf(conf => "tollgate_idempotency $bad;"));
    like $ok ? 'taken' : $out, qr/tollgate_idempotency/, "nginx -t refuses \"$bad\"";
}

done_testing;
