#!/usr/bin/perl
# The worker settles what hosts used of their leases, takes back what is on lease
# to a host that is not heard of, and proves and tells what is lent.

use strict;
use warnings;

use lib 't/lib';
use Cli;
use Test::More;
use Tollgate::Gate;
use Tollgate::Hold;
use Tollgate::Lease;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
my %worker = ('settle.idle_ms' => 20, 'settle.lease_reclaim' => '5s', 'proof.round' => '2s');
$t->worker(%worker);
$t->load_demo;

my ($c, $d, $e) = map { $t->customer(credits => '100') } 1 .. 3;
my %no;

sub money { return wallet_fields($t, $_[0]{account}, qw(avail held lent)) }

# A call of a customer's host; it goes on with what it has.
sub call {
    my ($customer, %entry) = @_;

    my $got = lease($t, { account => $customer->{account}, key => $customer->{key}, key_id => $customer->{key_id},
                          epoch => 1, no => $no{ $customer->{account} } // 0, %entry });
    $no{ $customer->{account} } = $got->{no};

    return $got;
}

sub used { my ($customer, $n, $credits) = @_; return [$n, item("lease$n", $customer->{key_id}, $credits)] }

is call($_, credits => 10_000_000)->{answer}, 'ok', 'a host leases' for $c, $d, $e;
call($c, records => used($c, 1, 4_000_000));
$t->settled;
is $t->balance($c), '96', 'what was used is in the balance';
is money($c), '90000000 6000000 6000000 0', 'and the rest is held';
is $t->sql(q{select string_agg(kind || ' ' || credits, ' ') from charge where account = $1}, $c->{account}),
    'charge 4000000', 'a charge tells of the request';

my $proof = $t->verified;
ok $proof->{ok}, 'the proof holds while leases last';
is "$proof->{totals}{held} $proof->{totals}{leased}", '26 26', 'and tells what is lent';

my (undef, $list) = $t->api('GET', "/api/leases?account=$c->{account}");
my $row = $list->{data}[0];
is join(' ', @$row{qw(account key host credits units)}), "$c->{account} $c->{key_id} $Tollgate::Lease::HOST 6 0",
    'the API lists what a host has';
like $row->{since}, qr/^20\d\d-\S+Z\z/, 'and since when';
my (@seen, $cursor);
for (1 .. 3) {
    my (undef, $page) = $t->api('GET', '/api/leases?limit=1' . ($cursor ? "&cursor=$cursor" : ''));
    push @seen, map { $_->{account} } @{ $page->{data} };
    $cursor = $page->{next_cursor};
}
is join(' ', sort @seen), join(' ', sort map { $_->{account} } $c, $d, $e), 'in pages, each lease once';
my ($status) = $t->api('GET', '/api/leases?account=Nobody0000');
is $status, 404, 'an account that there is not has none';
my $told = Cli->new($t, "$t->{dir}/admin.sock")->run('leases', 'list', $c->{account});
like $told->{out}, qr/^$c->{account} +$c->{key_id} +\w+ +6 +0 /m, 'and so does the command';

# One goes on, two are not heard of; of these one tells later what it used.
$t->wait_for(sub { call($c); money($d) eq '100000000 0 -' && money($e) eq '100000000 0 -' },
             'leases to be taken back', 30);
is money($c), '90000000 6000000 6000000 0', 'a host that goes on has its lease';
is join(' ', leases($t, $d->{account})) . join(' ', leases($t, $e->{account})), '', 'the others have none';
like $t->slurp('worker.log'), qr/\d leases of tg:\S+ were taken back/, 'the worker says so';
my $late = call($d, records => used($d, 2, 3_000_000), credits => 1_000_000);
is "$late->{answer} $late->{taken}", 'strict 1', 'a host that comes back is charged';
$t->settled;
is $t->balance($d), '97', 'for what it used';

like +($t->api('GET', '/api/metrics'))[2]{body}, qr/^tollgate_leases 1\n.*^tollgate_leases_reclaimed_total 2\n/ms,
    'and metrics count them';

# A worker that starts counts anew.
call($e, no => 0, credits => 5_000_000);
$t->worker_stop;
$t->worker(%worker);
$t->wait_for(sub { call($c); money($e) eq '100000000 0 -' }, 'the next worker to do the same', 30);

# Of a grant that is revoked what is on lease is taken once it returns.
my (undef, $grants) = $t->api('GET', "/api/accounts/$e->{account}/grants");
call($e, no => 0, credits => 10_000_000);
$t->must('DELETE', "/api/grants/$grants->{data}[0]{id}");
$t->wait_for(sub { money($e) eq '0 10000000 10000000 0' }, 'what is not on lease to be taken');
is call($e, records => used($e, 4, 2_000_000), end => 1)->{answer}, 'ok', 'the lease ends';
$t->wait_for(sub { money($e) eq '0 0 -' && $t->balance($e) eq '0' }, 'the rest to be taken');

# What is lent is taken for no difference by the role that looks for them, and ends with an epoch.
$t->r('HINCRBY', Tollgate::wallet_key($d->{account}), 'avail', 1);
$t->wait_for(sub { $t->sql(q{select count(*) from account where state = 'frozen'}) }, 'the proof to find a real one', 30);
is $t->sql(q{select id from account where state = 'frozen'}), $d->{account}, 'and no lease';
$t->sql(q{select ledger.recover($1, 'rebuild')}, $c->{account});
$t->wait_for(sub { money($c) eq '96000000 0 -' }, 'a wallet to be made again');
is call($c, credits => 1_000_000, records => used($c, 3, 1_000_000))->{answer}, 'strict', 'its leases are over';
$t->wait_for(sub { $t->balance($c) eq '95' }, 'the late request to be charged');
ok $t->sql(q{select count(*) = 1 from alert}), 'and nobody is alarmed but for the difference';

done_testing;
