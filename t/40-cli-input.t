# What the command line tool sends: arguments, bodies, tokens, pages.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Cli;
use FakeApi;
use JSON::PP;
use Test::More;
use Tollgate;

my ($yes, $no) = (JSON::PP::true, JSON::PP::false);

sub page {
    my ($first, $last, $next) = @_;
    return [200, { data => [map { { name => "job$_" } } $first .. $last],
                   has_more => $next ? $yes : $no, next_cursor => $next }];
}

my $done = [200, { id => 'x', code => 'x', name => 'x' }];
my $t = Tollgate->new;
my $api = FakeApi->new($t,
    'POST /api/accounts' => $done,
    'GET /api/accounts/..%2Fkeys%3Fa%20b%25' => $done,
    'PUT /api/accounts/a/plan' => $done,
    'POST /api/keys' => $done,
    'GET /api/keys?account=a%26b&limit=50' => page(1, 1),
    'DELETE /api/keys/key_1' => $done,
    'PUT /api/plans/basic' => $done,
    'POST /api/accounts/a/credits' => $done,
    'GET /api/jobs?limit=50' => page(1, 50, 'c1'),
    'GET /api/jobs?limit=100' => page(1, 100, 'c1'),
    'GET /api/jobs?limit=100&cursor=c1' => page(101, 150),
    'GET /api/jobs?limit=20&cursor=c1' => page(101, 120, 'c2'),
    'GET /api/jobs?limit=7' => page(1, 7, 'same'),
    'GET /api/jobs?limit=9&cursor=same' => page(1, 1, 'same'),
    'GET /api/jobs?limit=8&cursor=same' => page(1, 1, 'same'));
my $cli = Cli->new($t, $api->{socket});

sub sent {
    my (@words) = @_;
    my $run = $cli->run(@words);
    is($run->{status}, 0, "it runs: @words") or diag $run->{err};
    return ($api->requests)[-1];
}

my $call = sent('accounts', 'create', 'Siam "Video"', '--plan', 'pro');
is_deeply($call->{json}, { name => 'Siam "Video"', plan => 'pro' },
          'arguments and options are members of the body');
like($call->{headers}{'content-type'}, qr{^application/json}, 'sent as JSON');
is($call->{headers}{authorization}, undef, 'without a token by default');

sent('accounts', 'get', '../keys?a b%');
sent('keys', 'list', '--account=a&b');
is(sent(qw(keys revoke key_1))->{body}, '', 'a DELETE has no body');

is_deeply(sent(qw(accounts set-plan a basic --auto-renew false))->{json},
          { plan => 'basic', auto_renew => $no }, 'a bool is a bool');
is_deeply(sent(qw(keys create app_1 --test))->{json},
          { app => 'app_1', test => $yes }, 'a flag is true');

# A grant: decimals stay text, a key of its own.
$call = sent(qw(credits grant a 0.000001 --note), 'a note');
is_deeply($call->{json}, { credits => '0.000001', note => 'a note' },
          'credits are sent as text, the account in the path alone');
my $key = $call->{headers}{'idempotency-key'};
like($key, qr/^[0-9a-f]{32}$/, 'a grant carries an idempotency key');
$call = sent(qw(credits grant a -5));
isnt($call->{headers}{'idempotency-key'}, $key, 'another one each time');
is($call->{json}{credits}, '-5', 'a negative amount is the API\'s to refuse');
is(sent(qw(credits grant a 5 --idempotency-key again))
       ->{headers}{'idempotency-key'}, 'again', 'or the one that is given');

# Objects from files.
my $plan = $t->spew('plan.json', '{"tier": "basic", "price": "299"}');
is_deeply(sent(qw(plans put basic -f), $plan, qw(--price 199.5),
               qw(--day-units none --key-burst 5))->{json},
          { tier => 'basic', price => '199.5', day_units => undef,
            key_burst => 5 }, 'options go over the object of a file');
$cli->{stdin} = $plan;
is_deeply(sent(qw(plans put basic -f -))->{json},
          { tier => 'basic', price => '299' }, 'an object comes from stdin');
$cli->{stdin} = '/dev/null';

# Pages.
is($cli->run(qw(jobs list -o name --all))->{out},
   join('', map { "job$_\n" } 1 .. 150), '--all reads every page');
my $run = $cli->run(qw(jobs list -o json --limit 120));
is(scalar @{ $run->{json}{data} }, 120, '--limit reads as many rows');
is($run->{json}{next_cursor}, 'c2', 'and leaves the cursor to go on with');
like($cli->run(qw(jobs list))->{err}, qr/there is more: --all, or --cursor c1/,
     'a list that has more says so on stderr');
$api->requests;
is($cli->run(qw(jobs list --limit 9 --cursor same))->{status}, 1,
   'a cursor that does not advance ends the list as a failure');
is(scalar $api->requests, 1, 'and is not read for ever');

# The token.
my $token = $t->spew('token', "secret_of_the_operator\n");
$call = sent(qw(accounts create A --token-file), $token);
is($call->{headers}{authorization}, 'Bearer secret_of_the_operator',
   'the token of a file is sent');
$cli->{env} = { TOLLGATE_TOKEN_FILE => $token };
is(sent(qw(accounts create A))->{headers}{authorization},
   'Bearer secret_of_the_operator', 'the environment names the file');
$run = $cli->run(qw(accounts create A --token-file),
                 $t->spew('bad', "secret\nsecond\n"));
is($run->{status}, 2, 'a file with more than a token is refused');
unlike($run->{err}, qr{secret|second}, 'and not shown');
$cli->{env} = { TOLLGATE_SOCKET => '/nonexistent' };
is($cli->run(qw(accounts create A --socket), $api->{socket})->{status}, 0,
   'an option stands over the environment');

# Over TCP, as through nginx.
$cli->{env} = { TOLLGATE_URL => "$api->{url}/" };
is(sent(qw(accounts create A --token-file), $token)->{headers}{authorization},
   'Bearer secret_of_the_operator', 'a URL and a token reach the API');
$cli->{env} = {};
is(($cli->run(qw(jobs list --url), "$api->{url}/gate"), $api->requests)[-1]
       {target}, '/gate/api/jobs?limit=50', 'a URL may have a path');
$run = $cli->run(qw(jobs list --url http://tollgate.invalid --token-file), $token);
is($run->{status}, 7, 'an unknown host is not reachable');
like($run->{err}, qr/warning: the token goes to another host unencrypted/,
     'a token that leaves the host without TLS is worth a warning');

done_testing;
