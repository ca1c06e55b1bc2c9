#!/usr/bin/perl
# A wallet that was changed behind the ledger's back is found and its account
# is stopped, that one alone; operators are told in every place.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Tollgate::Story;

my $t = Tollgate::Story->begin(conf => <<'CONF', worker => { 'proof.round' => '50ms' });
    tollgate on;
    tollgate_feature image.generate;
    location / { proxy_pass http://backend; }
CONF

my ($bad, $good) = map { $t->customer(credits => '1000') } 1 .. 2;
$t->call($_, 'POST', '/a') for ($bad, $good) x 3;
$t->settled;

sub status { return $t->call($_[0], 'POST', '/a')->{status} }

sub check {
    my ($found) = grep { $_->{name} eq 'proof' }
        @{ $t->must('GET', '/api/doctor')->{checks} };

    return $found;
}

sub metric {
    my ($name) = @_;

    my ($value) = ($t->api('GET', '/api/metrics'))[2]{body}
        =~ /^tollgate_proof_$name (\S+)$/m;

    return $value;
}

$t->wait_for(sub { metric('accounts_total') > 4 }, 'accounts to be looked at');
ok check()->{ok}, 'the doctor says that all is well';
is metric('differences'), 0, 'and so does the metric';

my $wallet = Tollgate::wallet_key($bad->{account});
$t->r('HINCRBY', $wallet, 'avail', 7_000_000);
$t->wait_for(sub { $t->sql('select count(*) from alert') }, 'the difference to be found');
my $found = time;
$t->wait_for(sub { status($bad) == 403 }, 'the account to be stopped');
cmp_ok time - $found, '<', 2, 'and soon after it is stopped at the edge';
my $refusal = $t->call($bad, 'POST', '/a')->{json};
is $refusal->{code}, 'account_frozen', 'with a code of its own';
is status($good), 200, 'others pass';

my ($alert) = $t->sql(q{select kind, account, detail ->> 'reason', detail ->> 'redis', detail ->> 'ledger'
    from alert where closed_at is null});
is $alert->[0], 'diverged', 'there is an alert';
is $alert->[1], $bad->{account}, 'of that account';
is $alert->[2], 'register', 'which says how it differs';
is $alert->[3] - $alert->[4], 7_000_000, 'and has both sides';

my $check = check();
ok !$check->{ok}, 'the doctor tells';
like $check->{detail}, qr/^1 accounts differ/, 'of one account';
like $check->{hint}, qr/tollgate ledger repair/, 'and what to do';
is metric('differences'), 1, 'the metric tells';
cmp_ok metric('last_round_timestamp_seconds'), '>', time - 60, 'rounds go on';

my $checked = metric('accounts_total');
$t->wait_for(sub { metric('accounts_total') > $checked + 10 }, 'more rounds');
is $t->sql('select count(*) from alert'), 1, 'it is told once';
like $t->slurp('worker.log'), qr/account $bad->{account} is frozen: Redis and the ledger differ \(register\)/,
    'and in the log';

my $proof = $t->verified;
is_deeply [map { $_->{account} } @{ $proof->{differences} }], [$bad->{account}],
    'the proof on demand names it';
like $proof->{differences}[0]{hint}, qr/repair/, 'with what to do';
is status($good), 200, 'and all the time others pass';

# What Redis lost is made again, and nobody is stopped for it.
$t->settled;
$t->r('DEL', Tollgate::wallet_key($good->{account}));
$t->wait_for(sub { status($good) == 200 }, 'a wallet that was lost to be there again');
$t->settled;
is $t->sql(q{select count(*) from recovery where account = $1 and done_at is not null},
           $good->{account}), 1, 'it was made again once';
is $t->sql(q{select count(*) from alert where kind = 'diverged'}), 1,
    'and its account is not frozen';
is_deeply [map { $_->{account} } @{ $t->verified->{differences} }], [$bad->{account}],
    'what was wrong before is wrong still, and nothing else';

done_testing;
