#!/usr/bin/perl
# All of Redis is wiped, or a wallet is gone: each wallet comes back as the ledger
# has it, nobody is told that his key is unknown, and one alert says so.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Time::HiRes ();
use Tollgate::Story;

my $t = Tollgate::Story->begin(worker => { 'proof.round' => '50ms' }, conf => <<'CONF');
    tollgate on;
    tollgate_feature image.generate;
    location / { proxy_pass http://backend; }
CONF

my @customers = map { $t->customer(credits => '1000', name => "C$_") } 1 .. 5;
my ($c, $d) = @customers;
my $revoked = $t->must('POST', '/api/keys', { app => $c->{app} });
$t->mirrored;
my %spent;

# Requests of ten credits each, that pass once the shard is back.
sub pay {
    my ($customer, $n) = @_;

    $t->wait_for(sub { $t->call($customer, 'POST', '/a')->{status} == 200 }, 'a request to pass')
        and $spent{ $customer->{account} } += 10 for 1 .. $n;

    return;
}

# Statuses of a customer's requests until one passes, and how long that took.
sub until_served {
    my ($customer, $what) = @_;

    my %seen;
    my $began = Time::HiRes::time();
    $t->wait_for(sub {
        my $status = $t->call($customer, 'POST', '/a')->{status};
        $seen{$status}++;
        $spent{ $customer->{account} } += 10 if $status == 200;
        $status == 200;
    }, $what);
    delete $seen{200};

    return (join(' ', sort keys %seen), Time::HiRes::time() - $began);
}

# By hand: what each had, less ten a request.
sub books_are_right {
    my ($when) = @_;

    $t->settled;
    $t->mirrored;
    is join(' ', map { $t->balance($_) } @customers),
        join(' ', map { 1000 - ($spent{ $_->{account} } // 0) } @customers),
        "balances are right $when";
    is join(' ', map { $t->r('HGET', Tollgate::wallet_key($_->{account}), 'avail') / 1e6 }
                 @customers),
        join(' ', map { 1000 - ($spent{ $_->{account} } // 0) } @customers),
        "and so are the wallets $when";
    my $proof = $t->verified;
    ok $proof->{ok}, "edge and ledger agree $when" or diag explain $proof;

    return;
}

pay($_, 3) for @customers;
pay($d, 4);
books_are_right('before');
$t->must('DELETE', "/api/keys/$revoked->{id}");
$t->must('PUT', "/api/apps/$customers[4]{app}", { state => 'suspended' });
$t->mirrored;
my %was = @{ $t->r('HGETALL', Tollgate::wallet_key($c->{account})) };

$t->r('FLUSHALL');
my ($seen, $took) = until_served($c, 'a customer to be served after FLUSHALL');
is $seen, '503', 'while wallets are missing the store is told to be unreachable';
diag sprintf 'served again after %.2f s', $took;
pay($d, 2);
is +($t->r('HMGET', Tollgate::wallet_key($c->{account}), 'epoch', 'plan'))->[0], 2,
    'under another epoch';
is $t->call({ key => $revoked->{key} }, 'POST', '/a')->{json}{code}, 'key_revoked',
    'a key that was revoked stays revoked';
my $suspended;
$t->wait_for(sub {
    ($suspended = $t->call($customers[4], 'POST', '/a')->{json}{code}) ne 'store_unreachable'
}, 'its shard to be there');
is $suspended, 'app_suspended',
    'an app that is suspended stays so';
my %is = @{ $t->r('HGETALL', Tollgate::wallet_key($c->{account})) };
delete @$_{qw(epoch seq avail day day_used month month_used)} for \%was, \%is;
is_deeply \%is, \%was, 'what commands had set is set again';
books_are_right('after FLUSHALL');
is $t->sql(q{select count(*) from alert where kind = 'redis_lost'}), 1, 'one alert';
is $t->sql(q{select detail ->> 'accounts' from alert where kind = 'redis_lost'}), 5,
    'which tells of how many accounts';
is $t->sql(q{select count(*) from account where state = 'frozen'}), 0, 'nobody is frozen';

$t->r('DEL', Tollgate::wallet_key($d->{account}));
($seen, $took) = until_served($d, 'a customer whose wallet was lost to be served');
is $seen, '401', 'for lack of a wallet alone his key is unknown';
cmp_ok $took, '<', 4, 'for a second at most, on a machine that does nothing else';
diag sprintf 'served again after %.2f s', $took;
books_are_right('after a wallet was lost');

is $t->sql(q{select count(*) from recovery where done_at is null}), 0, 'nothing is left to do';

done_testing;
