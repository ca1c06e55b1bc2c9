#!/usr/bin/perl
# Who may ask the API what: the operator's token, API keys, and nobody.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Http;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('postgres.timeout' => '1s');
$t->load_demo;

my ($c, $other) = map { $t->customer(credits => '10') } 1 .. 2;
my $token = 'tgop_test_token_of_the_operator';

# A request at the socket that nginx uses.
sub ask {
    my ($method, $path, %headers) = @_;

    return Tollgate::Http::request("$t->{dir}/api.sock", $method, $path, \%headers);
}

sub verdict {
    my ($response) = @_;

    return "$response->{status} " . ($response->{json}{code} // '');
}

my $r = ask('GET', '/api/accounts');
is verdict($r), '401 key_missing', 'without a token';
is $r->{headers}{'www-authenticate'}, 'Bearer realm="tollgate"', 'with a challenge';
is verdict(ask('GET', '/api/health')), '200 ', 'health needs none';

(my $altered = $c->{key}) =~ s/(.)$/$1 eq 'x' ? 'y' : 'x'/e;
my @refused = (
    ['Authorization', 'Basic b3BlcmF0b3I6', 'another scheme', 'key_missing'],
    ['Authorization', 'Bearer', 'an empty token', 'key_missing'],
    ['Authorization', 'Bearer nonsense', 'an unknown token', 'key_unknown'],
    ['Authorization', "Bearer ${token}x", 'more than the token', 'key_unknown'],
    ['Authorization', 'Bearer ' . substr($token, 0, -1), 'less than the token', 'key_unknown'],
    ['Authorization', 'Bearer ' . 'tg_' . 'x' x 8000, 'a very long key', 'key_unknown'],
    ['Authorization', "Bearer $altered", 'a key that was altered', 'key_unknown'],
    ['X-API-Key', "tg_live_'; drop table account; --", 'SQL', 'key_unknown'],
    ['X-API-Key', "tg_\xff\xfe", 'bytes', 'key_unknown'],
);
for my $case (@refused) {
    my ($header, $value, $name, $code) = @$case;

    is verdict(ask('GET', '/api/quota/status', $header => $value)), "401 $code",
        "refused: $name";
}

is ask('GET', '/api/accounts', Authorization => "Bearer $token")->{status}, 200,
    "the operator's token opens the operator's routes";
is ask('GET', '/api/accounts', 'X-API-Key' => $token)->{status}, 200,
    'in the other header too';
is verdict(ask('GET', '/api/accounts', Authorization => "Bearer $c->{key}")),
    '403 operator_only', 'an API key does not';
is verdict(ask('POST', "/api/accounts/$c->{account}/credits",
               'X-API-Key' => $c->{key})), '403 operator_only',
    'least of all those that move credits';

for my $path ('/api/subscription/plans', '/api/subscription/status',
              '/api/quota/status', '/api/apps', '/api/apps/poster-editor/models')
{
    is ask('GET', $path, Authorization => "Bearer $c->{key}")->{status}, 200,
        "an API key opens $path";
}
is ask('GET', "/api/quota/status?account=$c->{account}",
       'X-API-Key' => $c->{key})->{status}, 200, 'it may name its own account';
is verdict(ask('GET', "/api/quota/status?account=$other->{account}",
               'X-API-Key' => $c->{key})), '403 account_forbidden',
    'and no other';
is verdict(ask('GET', '/api/quota/status?_account=' . $other->{account},
               'X-API-Key' => $c->{key})), '422 invalid_argument',
    'nor under the name that the worker uses';

$t->must('DELETE', "/api/keys/$c->{key_id}");
is verdict(ask('GET', '/api/quota/status', 'X-API-Key' => $c->{key})),
    '401 key_unknown', 'a revoked key opens nothing';

$t->spew('operator.token', "another_token\n");
is verdict(ask('GET', '/api/accounts', 'X-API-Key' => $token)), '401 key_unknown',
    'a token that was replaced opens nothing';
is ask('GET', '/api/accounts', 'X-API-Key' => 'another_token')->{status}, 200,
    'the new one does, without a restart';
unlink "$t->{dir}/operator.token";
is verdict(ask('GET', '/api/accounts', 'X-API-Key' => 'another_token')),
    '401 key_unknown', 'and without the file none';

# Clients that say nothing must not keep others out.
my @idle = map { Tollgate::Http::open_socket("$t->{dir}/admin.sock") } 1 .. 40;
print { $idle[$_] } "GET /api/hea" for 0 .. 19;
is +($t->api('GET', '/api/accounts'))[0], 200, 'others are served beside idle clients';

# A call that hangs in Postgres ends, and others go on.
open my $psql, '|-', 'psql', '-X', '-q', '-d', $t->{dsn} or die "psql: $!\n";
print {$psql} "begin; lock table account in access exclusive mode;\n";
$psql->flush;
$t->wait_for(sub { $t->sql(q{select count(*) from pg_locks where granted
    and mode = 'AccessExclusiveLock' and relation = 'account'::regclass}) },
    'a table to be locked');
my ($status, $problem) = $t->api('GET', '/api/accounts');
is "$status $problem->{code}", '503 timeout', 'a call that takes too long ends';
close $psql;
is +($t->api('GET', '/api/accounts'))[0], 200, 'and the next one is answered';

my $log = $t->slurp('worker.log');
ok index($log, $other->{key}) < 0 && index($log, $token) < 0
    && index($log, substr $c->{key}, 20) < 0, 'no secret is in the log';

done_testing;
