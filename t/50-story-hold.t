#!/usr/bin/perl
# Random traffic whose cost is known at its end, while nginx and the worker are
# killed: edge and ledger agree to the micro-credit, and nothing stays held.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Gate;
use Tollgate::Hold;
use Tollgate::Story;

srand(my $seed = $ENV{SEED} // time);
my $t = Tollgate::Story->begin(conf => <<'CONF',
        tollgate on;
        tollgate_actual $upstream_http_x_cost;
        location / { tollgate_hold $arg_hold ttl=1s; proxy_pass http://backend; }
        location /some { tollgate_hold $arg_hold ttl=1s overage=if_available; proxy_pass http://backend; }
        location /draft { tollgate_hold $arg_hold ttl=1s overage=overdraft; proxy_pass http://backend; }
CONF
    backend => 'add_header X-Cost $arg_cost always;
                if ($arg_status = 500) { return 500 "failed\n"; }
                return 200 "ok\n";');
my @customers = map { $t->customer(credits => '60') } 1 .. 3;
$t->must('PUT', "/api/accounts/$customers[0]{account}", { overdraft => '5' });
$t->mirrored;

my %statuses;
sub traffic {
    for (1 .. $_[0]) {
        my $c = $customers[rand @customers];
        my $path = ('/', '/some', '/draft')[rand 3];
        my $cost = ('', int(rand 40) / 8, int rand 9, 'none')[rand 4];
        my $status = rand > 0.2 ? 200 : 500;
        my $r = eval { $t->call($c, 'GET', "$path?hold=" . int(rand 24) / 4
                                . "&cost=$cost&status=$status") };
        $statuses{ $r ? $r->{status} : 'lost' }++;
    }

    return;
}

traffic(60);
$t->{killed} = 1;
kill KILL => ($t->children('nginx'))[0];
traffic(60);
$t->must('POST', "/api/accounts/$_->{account}/credits", { credits => '40' })
    for @customers;
$t->worker_stop('KILL');
traffic(60);
$t->worker_start;
$t->must('POST', "/api/accounts/$_->{account}/credits", { credits => '20.5' })
    for @customers;
traffic(60);

ok $statuses{200} > 50, 'requests passed';
ok $statuses{500} > 5, 'some failed';
$t->wait_for(sub {
    !grep { wallet_fields($t, $_->{account}, 'held') } @customers
}, 'all holds to end');
is join(' ', map { wallet_fields($t, $_->{account}, 'held') } @customers),
    '0 0 0', 'nothing stays held';
$t->mirrored;
$t->settled;
is_deeply $t->verified->{differences}, [], "edge and ledger agree (SEED=$seed)";

for my $c (@customers) {
    my ($avail, $owed) = split / /,
        wallet_fields($t, $c->{account}, qw(avail owed));
    is $t->sql('select ledger.balance($1)', $c->{account}), $avail,
        'the balance is what the wallet has';
    $t->wait_for(sub {
        wallet_fields($t, $c->{account}, 'owed') =~ s/-/0/r
            == $t->sql('select ledger.unpaid($1)', $c->{account})
    }, 'debts to agree');
    is $t->sql('select ledger.unpaid($1)', $c->{account}),
        wallet_fields($t, $c->{account}, 'owed') =~ s/-/0/r,
        'and what is owed too';
    is $t->sql(q{select count(*) filter (where kind = 'hold')
        - count(*) filter (where kind in ('commit', 'release', 'expired'))
        from charge where account = $1}, $c->{account}), 0,
        'and each hold ended once';
}

done_testing;
