# The command line tool with the real worker: from a customer to a proof.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Cli;
use JSON::PP;
use Test::More;
use Tollgate;

my $t = Tollgate->new;
$t->redis;
$t->postgres;
$t->worker;
my $cli = Cli->new($t, "$t->{dir}/admin.sock");

# The decoded answer of a command that must succeed.
sub done {
    my (@words) = @_;
    my $run = $cli->run(@words, '-o', 'json');
    is($run->{status}, 0, "it runs: @words") or diag $run->{err};
    return $run->{json} // {};
}

# The error of a command that must end with the status.
sub fails {
    my ($status, @words) = @_;
    my $run = $cli->run(@words);
    is($run->{status}, $status, "ends with $status: @words") or diag $run->{err};
    return $run->{err};
}

# What is sold.
my $plan = $t->spew('plan.json', encode_json({
    name => 'Basic', tier => 'basic', mode => 'hybrid', price => '299',
    currency => 'THB', interval => 'month', public => JSON::PP::true }));
my $put = done(qw(plans put basic -f), $plan, qw(--month-units 500),
               qw(--key-rate 2.5 --key-burst 5));
is($put->{code}, 'basic', 'a plan is stored');
is($put->{month_units}, 500, 'with its quota');
like($cli->run(qw(plans list -o name))->{out}, qr/^basic$/m,
     'and stands in the list');

my $catalog = $t->spew('catalog.json', encode_json({
    features => [{ code => 'video.generate', name => 'Generate a video',
                   credits => '50', units => 1 }],
    apps => [{ code => 'video-generator', name => 'Video generator',
               models => [{ code => 'veo-3', name => 'Veo 3',
                            feature => 'video.generate', tier => 'pro',
                            credits => '80.5' }] }] }));
done(qw(catalog put -f), $catalog);
my $got = done(qw(catalog get));
$cli->{stdin} = $t->spew('again.json', encode_json($got));
is_deeply(done(qw(catalog put -f -)), $got,
          'a catalog that was read can be put back and is the same');
$cli->{stdin} = '/dev/null';
like($cli->run(qw(catalog get))->{out},
     qr/^model +video-generator:veo-3 .* pro +80\.5 /m,
     'and its table has the models');

# A customer.
my $account = done('accounts', 'create', 'สยามวิดีโอ', '--email',
                   'a@example.com')->{id};
like($account, qr/^[0-9A-Za-z]{10}$/, 'an account has an id');
my $app = done('apps', 'create', $account, 'Editor', '--kind', 'web')->{id};
my $key = done('keys', 'create', $app, '--name', 'backend');
like($key->{key}, qr/^tg_live_$account/, 'a key is shown when it is created');
is(substr($key->{key}, -4), $key->{last4}, 'with its last letters apart');
my $list = $cli->run(qw(keys list --account), $account, qw(-o json));
is($list->{json}{data}[0]{id}, $key->{id}, 'the key is in the list');
unlike($list->{out}, qr/\Q$key->{key}\E/, 'which does not have its text');
is(done('accounts', 'set-plan', $account, 'basic')->{plan}, 'basic',
   'the account subscribes');
is(done('accounts', 'set-state', $account, 'suspended')->{state}, 'suspended',
   'is suspended');
is(done('accounts', 'set-state', $account, 'active')->{state}, 'active',
   'and active again');

# Credits.
my @grant = ('credits', 'grant', $account, '12.5', '--idempotency-key', 'once');
my $grant = done(@grant);
is($grant->{balance}, '12.5', 'credits are granted');
is(done(@grant)->{id}, $grant->{id}, 'the same grant again is the same');
like(fails(5, 'credits', 'grant', $account, '99', '--idempotency-key', 'once'),
     qr/\(idempotency_mismatch\)\nhint: /, 'the key of another is refused');
like(fails(5, 'credits', 'grant', $account, '-1'), qr/\(invalid_argument\)$/m,
     'a negative grant is refused');
is(done('accounts', 'get', $account)->{balance}, '12.5',
   'what was refused changed nothing');

my $statement = done('statement', $account);
is($statement->{closing}, '12.5', 'the statement closes with the balance');
is($statement->{data}[-1]{amount}, '12.5', 'and has the grant');
like($cli->run('statement', $account)->{out},
     qr/^\S+ +opening .*\n(?:.*\n)+\S+ +closing +- +- +12\.5 /m,
     'its table runs from opening to closing');

$t->wait_for(sub {
    ($t->r('HGET', Tollgate::wallet_key($account), 'avail') // 0) == 12_500_000
}, 'the grant to reach Redis');
$t->wait_for(sub { $cli->run(qw(ledger verify))->{status} == 0 },
             'settlement to be done');
my $proof = done(qw(ledger verify));
is($proof->{accounts}, 1, 'the proof covers the account');
ok($proof->{ok}, 'and holds');

$t->r('HINCRBY', Tollgate::wallet_key($account), 'avail', 1);
my $run = $cli->run('ledger', 'verify', $account);
is($run->{status}, 6, 'a wallet that was tampered with is found');
like($run->{out}, qr/^$account /m, 'and named');

# The rest of the operator's day.
is(done('keys', 'revoke', $key->{id}, '--yes')->{state}, 'revoked',
   'a key is revoked');
ok(scalar @{ done(qw(jobs list))->{data} }, 'jobs are listed');
is(done(qw(jobs run snapshots.hourly))->{name}, 'snapshots.hourly',
   'a job is made due');
is(ref done(qw(analytics show --period hour))->{data}, 'ARRAY',
   'snapshots are shown');
like(fails(3, qw(accounts get nobody)), qr/\(account_not_found\)\nhint: /,
     'an unknown account is not found');
like(fails(3, 'accounts', 'set-plan', $account, 'nothing'),
     qr/\(plan_not_found\)/, 'nor is an unknown plan');
fails(3, qw(jobs run nothing));

$run = $cli->run('doctor');
like($run->{out}, qr/^ok +postgres: /m, 'the doctor looks at Postgres');
is($run->{status}, 6, 'a Redis that does not persist is a finding');
like($run->{out}, qr/^FAILED redis persistence: .*\n +hint: /m,
     'with what to do about it');

done_testing;
