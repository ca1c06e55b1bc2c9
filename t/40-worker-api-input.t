#!/usr/bin/perl
# Bad input to the API: each kind gets its status and its code, and changes nothing.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker;
$t->load_demo;

my $c = $t->customer(credits => '10');
my $account = "/api/accounts/$c->{account}";
my $deep = '{"name":' . '[' x 40 . ']' x 40 . '}';

my @refused = (
    ['GET', '/', undef, 404, 'route_not_found', 'the root'],
    ['GET', '/api/nothing', undef, 404, 'route_not_found', 'an unknown route'],
    ['GET', '/api/accounts/', undef, 404, 'route_not_found', 'a path that ends too soon'],
    ['GET', '/api/accounts/none000000', undef, 404, 'account_not_found', 'an unknown account'],
    ['GET', '/api/accounts/%zz', undef, 400, 'invalid_path', 'a broken escape in a path'],
    ['GET', '/api/accounts/%00', undef, 400, 'invalid_path', 'a NUL in a path'],
    ['GET', '/api/accounts/%ff%fe', undef, 400, 'invalid_path', 'a path that is not UTF-8'],
    ['GET', '/api/accounts/' . 'x' x 400, undef, 400, 'invalid_path', 'a very long id'],
    ['GET', '/api/accounts?limit=1&limit=2', undef, 400, 'invalid_query', 'a parameter given twice'],
    ['GET', '/api/accounts?limit', undef, 400, 'invalid_query', 'a parameter without a value'],
    ['GET', '/api/accounts?limit=many', undef, 422, 'invalid_argument', 'a limit that is no number'],
    ['GET', '/api/accounts?limit=0', undef, 422, 'invalid_argument', 'a limit of 0'],
    ['GET', '/api/accounts?_actor=me', undef, 422, 'invalid_argument', 'a reserved parameter'],
    ['PATCH', $account, '{}', 405, 'method_not_allowed', 'a wrong method'],
    ['POST', '/api/accounts', '{"name"', 400, 'invalid_json', 'broken JSON'],
    ['POST', '/api/accounts', '[]', 400, 'invalid_json', 'an array'],
    ['POST', '/api/accounts', '"x"', 400, 'invalid_json', 'a text'],
    ['POST', '/api/accounts', '{"name":"a","name":"b"}', 400, 'invalid_json', 'a member given twice'],
    ['POST', '/api/accounts', qq({"name":"\xff"}), 400, 'invalid_json', 'bytes that are not UTF-8'],
    ['POST', '/api/accounts', '{"name":"\u0000"}', 400, 'invalid_json', 'a NUL'],
    ['POST', '/api/accounts', '{"name":"a"} x', 400, 'invalid_json', 'something after the object'],
    ['POST', '/api/accounts', $deep, 422, 'invalid_argument', 'deep nesting'],
    ['POST', '/api/accounts', '{"_actor":"me"}', 422, 'invalid_argument', 'a reserved member'],
    ['POST', '/api/accounts', '{"_' . "\xc3\xa9" x 60 . '":1}', 422, 'invalid_argument', 'a long reserved member'],
    ['GET', '/api/ledger/verify?account=' . '%E0%B8%81' x 1000, undef, 404, 'account_not_found', 'an account of a thousand letters'],
    ['POST', '/api/accounts', '{}', 422, 'invalid_argument', 'a missing name'],
    ['POST', '/api/accounts', '{"name":5}', 422, 'invalid_argument', 'a name of a wrong type'],
    ['POST', '/api/accounts', '{"name":"a","plan":"none"}', 404, 'plan_not_found', 'an unknown plan'],
    ['POST', "$account/credits", '{"credits":"-1"}', 422, 'invalid_argument', 'a negative grant'],
    ['POST', "$account/credits", '{"credits":"0"}', 422, 'invalid_argument', 'a grant of nothing'],
    ['POST', "$account/credits", '{"credits":"many"}', 422, 'invalid_argument', 'a grant that is no number'],
    ['POST', "$account/credits", '{"credits":1.5}', 422, 'invalid_argument', 'a float'],
    ['POST', "$account/credits", '{"credits":"0.0000001"}', 422, 'invalid_argument', 'less than a micro-credit'],
    ['POST', "$account/credits", '{"credits":"9999999999999"}', 422, 'invalid_argument', 'a grant over 2^53'],
    ['POST', "$account/credits", '{"credits":99999999999999999999}', 400, 'invalid_json', 'a number beyond all integers'],
    ['POST', "$account/credits", '{}', 422, 'invalid_argument', 'a grant of no amount'],
    ['POST', '/api/accounts/none000000/credits', '{"credits":"1"}', 404, 'account_not_found', 'a grant to nobody'],
    ['POST', '/api/keys', '{"app":"app_none"}', 404, 'app_not_found', 'a key of an unknown app'],
    ['DELETE', '/api/keys/key_none', undef, 404, 'key_not_found', 'an unknown key'],
    ['POST', '/api/jobs/none/run', undef, 404, 'job_not_found', 'an unknown job'],
);

for my $case (@refused) {
    my ($method, $path, $body, $want, $code, $name) = @$case;
    my ($status, $problem, $response) = $t->api($method, $path, $body);

    is "$status " . ($problem->{code} // ''), "$want $code", "refused: $name"
        or diag $response->{body};
    next if $response->{headers}{'content-type'} eq 'application/problem+json'
        && $problem->{status} == $want && $problem->{error}{code} eq $code
        && length $problem->{title} && length $problem->{detail}
        && $problem->{type} eq "urn:tollgate:$code";
    fail 'and answered as problem+json';
    diag $response->{body};
}

my (undef, undef, $response) = $t->api('DELETE', $account);
is $response->{headers}{allow}, 'GET, HEAD, PUT', 'a 405 names the methods that there are';
(my $status, undef, $response) = $t->api('HEAD', $account);
is "$status $response->{body}", '200 ', 'HEAD works like GET, without a body';

($status, my $problem) = $t->api('POST', '/api/accounts', '{"name":"a"}',
                                 'Content-Type' => 'text/plain');
is "$status $problem->{code}", '415 unsupported_media_type', 'refused: a body of another type';
($status, $problem) = $t->api('POST', '/api/accounts',
                              '{"name":"' . 'x' x 1_100_000 . '"}');
is "$status $problem->{code}", '413 body_too_large', 'refused: a body over 1 MiB';
($status, $problem) = $t->api('POST', '/api/accounts', '{"name":"a"}',
                              'Idempotency-Key' => 'x' x 300);
is "$status $problem->{code}", '400 invalid_header', 'refused: a very long Idempotency-Key';
($status) = $t->api('POST', '/api/accounts', '{"name":"a"}',
                    'Content-Type' => 'application/json; charset=utf-8');
is $status, 201, 'a charset beside the type is fine';

my %once = ('Idempotency-Key' => 'grant-1');
my $first = $t->must('POST', "$account/credits", { credits => '5' }, %once);
my $second = $t->must('POST', "$account/credits", { credits => '5' }, %once);
is $second->{id}, $first->{id}, 'a request that is repeated is answered again';
($status, $problem) = $t->api('POST', "$account/credits", { credits => '6' }, %once);
is "$status $problem->{code}", '422 idempotency_mismatch',
    'refused: its key with another request';

$t->mirrored;
is $t->balance($c), '15', 'and of all this one grant changed the balance';
$t->settled;
ok $t->verified->{ok}, 'the proof agrees';

done_testing;
