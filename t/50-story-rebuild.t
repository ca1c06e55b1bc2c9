#!/usr/bin/perl
# Wallets are made again on demand, of one account or all, while requests pass and
# whatever is killed meanwhile.

use strict;
use warnings;

use lib 't/lib';
use Cli;
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(worker => { 'worker.roles' => 'settle mirror jobs api' },
                               conf => <<'CONF');
    tollgate on;
    tollgate_feature image.generate;
    location / { proxy_pass http://backend; }
CONF

my @customers = map { $t->customer(credits => '1000', name => "C$_") } 1 .. 6;
my $c = $customers[0];
my $cli = Cli->new($t, "$t->{dir}/admin.sock");
my %spent = map { ($_->{account} => 0) } @customers;

sub pay {
    my ($customer) = @_;

    $t->wait_for(sub { $t->call($customer, 'POST', '/a')->{status} == 200 }, 'a request to pass');
    $spent{ $customer->{account} } += 10;

    return;
}

sub field {
    my ($customer, $name) = @_;

    return $t->r('HGET', Tollgate::wallet_key($customer->{account}), $name);
}

sub books_are_right {
    my ($when) = @_;

    $t->settled;
    $t->mirrored;
    my $expected = join ' ', map { 1000 - $spent{ $_->{account} } } @customers;
    is join(' ', map { $t->balance($_) } @customers), $expected, "balances are right $when";
    is join(' ', map { field($_, 'avail') / 1e6 } @customers), $expected, "and wallets $when";
    my $proof = $t->verified;
    ok $proof->{ok}, "edge and ledger agree $when" or diag explain $proof;

    return;
}

pay($_) for @customers, $c;
$t->settled;

# What stands in a wallet and should not, or the other way round.
my %was = @{ $t->r('HGETALL', Tollgate::wallet_key($c->{account})) };
my ($key) = grep { /^k:/ } keys %was;
$t->r('HDEL', Tollgate::wallet_key($c->{account}), $key);
$t->r('HSET', Tollgate::wallet_key($c->{account}), 'plan', 'premium', 'e:film', '1 0 -1 life', 'owed', 5);

my $run = $cli->run('rebuild', $c->{account});
is $run->{status}, 0, 'one is made again' or diag explain $run;
like $run->{out}, qr/the wallet is as the ledger says/, 'as the CLI says';
my %is = @{ $t->r('HGETALL', Tollgate::wallet_key($c->{account})) };
is "$is{epoch} $is{seq}", '2 1', 'it begins another epoch';
delete @$_{qw(epoch seq)} for \%was, \%is;
is_deeply \%is, \%was, 'and is what it was before somebody wrote into it';
pay($c);
is field($customers[1], 'epoch'), 1, 'others stay as they are';
books_are_right('after one was made again');

$run = $cli->run('rebuild', '--all');
is $run->{status}, 0, 'all are made again' or diag explain $run;
like $run->{out}, qr/all wallets are as the ledger says/, 'as the CLI says';
is join(' ', map { field($_, 'epoch') } @customers), '3 2 2 2 2 2', 'each once';
pay($_) for @customers;
books_are_right('after all were made again');

$run = $cli->run('rebuild');
is $run->{status}, 5, 'without an account or --all it is refused' or diag explain $run;
is +($t->api('POST', '/api/rebuild', { account => 'none000000' }))[0], 404, 'as is an account that there is not';

# Settle dies at some point of it, again and again.
for my $round (1 .. 8) {
    $t->must('POST', '/api/rebuild', { all => \1 });
    my ($pid) = grep { $t->slurp("/proc/$_/comm") =~ /^settle/ } $t->children('worker');
    pay($_) for @customers[0 .. $round % 3];
    $t->{killed} = 1;
    kill 'KILL', $pid if $pid;
    $t->wait_for(sub { $t->must('GET', '/api/rebuild')->{done} }, 'all to be made again', 30);
}
books_are_right('after settle was killed eight times');
is $t->sql(q{select count(*) from alert where kind <> 'account_unknown'}), 0,
    'what was asked for raises no alert';

# Of wallets that are thought to be gone one is, and one is there.
my ($gone, $there) = @customers[4, 5];
my @epochs = map { field($_, 'epoch') } $gone, $there;
$t->r('DEL', Tollgate::wallet_key($gone->{account}));
$t->sql(q{select ledger.recover(id, 'wallet_missing') from account where id in ($1, $2)}, map { $_->{account} } $gone, $there);
$t->wait_for(sub { $t->must('GET', '/api/rebuild')->{done} }, 'both to be made again', 30);
is join(' ', map { field($_, 'epoch') } $gone, $there), join(' ', map { $_ + 1 } @epochs), 'both are made again, each once';
pay($_) for $gone, $there;
books_are_right('after that');

done_testing;
