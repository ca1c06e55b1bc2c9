# How the command line tool ends: exit codes, messages and hints of failures.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Cli;
use FakeApi;
use Test::More;
use Tollgate;

sub problem {
    my ($status, $code) = @_;
    return [$status, { status => $status, code => $code, title => 'Title',
                       detail => "about $code" }];
}

my $t = Tollgate->new;
my $api = FakeApi->new($t,
    'GET /api/accounts/good' => [200, { id => 'good' }],
    'GET /api/accounts/none' => problem(404, 'account_not_found'),
    'GET /api/accounts/auth' => problem(401, 'unauthenticated'),
    'GET /api/accounts/deny' => problem(403, 'operator_only'),
    'GET /api/accounts/fight' => problem(409, 'conflict'),
    'GET /api/accounts/bad' => problem(422, 'invalid_argument'),
    'GET /api/accounts/broken' => problem(500, 'internal_error'),
    'GET /api/accounts/away' => problem(503, 'database_unavailable'),
    'GET /api/accounts/html' => [502, '<html>Bad gateway</html>'],
    'GET /api/accounts/text' => [200, 'fine'],
    'GET /api/accounts/array' => [200, [1]],
    'GET /api/accounts/esc' => [404, { code => 'account_not_found',
                                       detail => "no \e[31mred" }],
    'GET /api/accounts/hangup' => [200, undef],
    'GET /api/accounts/slow' => ['silent'],
    'GET /api/accounts?limit=50' => [200, { data => 'no list' }],
    'GET /api/ledger/repair?account=fine' => [200, { ok => JSON::PP::true, applied => JSON::PP::false,
        data => [{ account => 'fine', state => 'active', action => 'none', why => 'nothing is wrong' }] }],
    'GET /api/ledger/repair?account=ill' => [200, { ok => JSON::PP::false, applied => JSON::PP::false,
        data => [{ account => 'ill', state => 'frozen', action => 'recover', why => 'it differs' }] }],
    'GET /api/rebuild' => ['silent'],
    'POST /api/rebuild' => [202, { account => undef, shards => 64, shards_left => 64, wallets_left => 9,
                                   done => JSON::PP::false }],
    'POST /api/accounts/a/credits' => problem(500, 'internal_error'));
my $cli = Cli->new($t, $api->{socket});

my @ends = (
    ['good', 0, qr/^$/, 'a success'],
    ['none', 3, qr/account_not_found \(account_not_found\)\nhint: tollgate accounts/, 'an unknown id'],
    ['auth', 4, qr/hint: --token-file/, 'a missing token'],
    ['deny', 4, qr/\(operator_only\)\nhint: /, 'a forbidden route'],
    ['fight', 5, qr/^tollgate: about conflict \(conflict\)$/m, 'a conflict'],
    ['bad', 5, qr/\(invalid_argument\)/, 'a wrong argument'],
    ['broken', 1, qr/hint: the worker's log/, 'an internal error'],
    ['away', 7, qr/hint: is Postgres running/, 'a database that is away'],
    ['html', 7, qr/status 502 \(http_502\)/, 'an answer of a proxy'],
    ['text', 1, qr/not a JSON object \(bad_answer\)/, 'text for an answer'],
    ['array', 1, qr/\(bad_answer\)/, 'an array for an answer'],
    ['hangup', 7, qr/\(no_answer\)/, 'a lost connection'],
);
for my $end (@ends) {
    my ($account, $status, $says, $what) = @$end;
    my $run = $cli->run('accounts', 'get', $account);
    is($run->{status}, $status, "$what ends with $status");
    like($run->{err}, $says, "$what is told on stderr");
    is($run->{out}, '', "$what prints nothing on stdout") if $status;
}

my $run = $cli->run(qw(accounts get slow --timeout 1));
is($run->{status}, 7, 'an answer that does not come in time ends with 7');
like($run->{err}, qr/timed out.*\(no_answer\)/, 'and is told');

$run = $cli->run(qw(accounts get esc));
unlike($run->{err}, qr/\e/, 'a text of the API cannot steer the terminal');

is($cli->run(qw(accounts list))->{status}, 1,
   'a list without an array of data is a failure');

$run = $cli->run(qw(accounts get good --socket /nonexistent/admin.sock));
is($run->{status}, 7, 'a missing socket ends with 7');
like($run->{err}, qr{/nonexistent/admin.sock:\ No\ such\ file\ or\ directory
                      \ \(unreachable\)\nhint:\ }x,
     'and names the socket, and what to do');

$run = $cli->run(qw(credits grant a 5));
is($run->{status}, 1, 'a grant that failed in the worker is a failure');
my ($key) = $run->{err} =~ /--idempotency-key (\S+);/;
is($key, ($api->requests)[-1]{headers}{'idempotency-key'},
   'the idempotency key to repeat it with is printed');

# A signal ends a call at once.
my $pid = fork // die "fork: $!\n";
if ($pid == 0) {
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', "$t->{dir}/interrupted";
    exec "$Tollgate::build/tollgate", '--socket', $api->{socket},
        qw(accounts get slow) or POSIX::_exit(127);
}
$t->wait_for(sub { $t->slurp($api->{log}) =~ m{accounts/slow} },
             'the call to reach the API');
kill 'INT', $pid;
waitpid $pid, 0;
is($? >> 8, 130, 'an interrupted call ends with 130');
like($t->slurp('interrupted'), qr/\(interrupted\)/, 'and says so');

# A repair says that it was not done where there is one to do.
my ($fine, $ill) = map { $cli->run('ledger', 'repair', $_) } 'fine', 'ill';
is("$fine->{status} $ill->{status}", '0 6', 'what is to be repaired ends with 6');
unlike($fine->{out}, qr/--yes/, 'of nothing it is not asked');
like($ill->{out}, qr/nothing was done; --yes does it/, 'else it is');

# A rebuild goes on without the one who began it.
$pid = fork // die "fork: $!\n";
if ($pid == 0) {
    open STDERR, '>', "$t->{dir}/rebuild";
    exec "$Tollgate::build/tollgate", '--socket', $api->{socket},
        qw(rebuild --all) or POSIX::_exit(127);
}
$t->wait_for(sub { (() = $t->slurp($api->{log}) =~ m{"/api/rebuild"}g) == 2 },
             'the tool to look how far it is');
kill 'INT', $pid;
waitpid $pid, 0;
is($? >> 8, 130, 'an interrupted look ends with 130');
like($t->slurp('rebuild'), qr/the worker goes on with it/, 'and says that the worker goes on');

my $full = system("$Tollgate::build/tollgate version "
    . ">/dev/full 2>$t->{dir}/full.err") >> 8;
is($full, 1, 'an answer that cannot be written is a failure');

done_testing;
