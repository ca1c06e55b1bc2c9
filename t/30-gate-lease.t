#!/usr/bin/perl
# A lease: requests are decided without Redis, it is told of them in batches,
# and every credit is accounted for.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Gate;
use Tollgate::Lent;

my $t = Tollgate::Lent->begin(workers => 2, conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        tollgate_lease on;
        location / { proxy_pass http://backend; }
        location /strict { tollgate_lease off; proxy_pass http://backend; }
CONF

# the first request of a key asks Redis, and has a lease made
my $c = $t->customer(avail => 10_000);
is $t->call($c, 'GET', '/x')->{status}, 200, 'a key without a lease passes';
$t->leased($c);
cmp_ok $t->held($c), '>', 0, 'and gets one';

# then requests pass that Redis isn't asked about
my $n = 1;
$t->wait_for(sub {
    $t->parallel(map { ['GET', "/x?n=$_", $t->auth($c)] } 1 .. 4);
    $n += 4;
    $t->decided >= 20;
}, 'requests that a lease decides on');
my $r = $t->call($c, 'GET', '/x');
is $r->{status}, 200, 'what it lets pass is answered as ever';
is $r->{headers}{'tollgate-cost'}, '10', 'with its cost';
is $r->{json}{plan}, 'payg', 'the backend gets to know the plan';
is $r->{json}{account}, $c->{account}, 'and the account';
like $r->{headers}{'tollgate-credits-remaining'}, qr/^\d{4}$/,
    'and the client about what is left';
is $t->call($c, 'GET', '/strict')->{status}, 200, 'beside, others ask Redis';

# the register tells of each request once, and what is idle returns
$n += 2;
is $t->settled($c), "$n charged, 0 refunded, " . (10_000 - 10 * $n) . ' left',
    'all is charged, once, and what is left has returned';
is $t->held($c), 0, 'nothing is lent to a key that is idle';
is scalar $t->used($c->{account}, $n), $n, 'each request is one usage record';
cmp_ok scalar(grep { $_->{store_us} < 0 } $t->usage($c->{account})), '>=', 20,
    'which says that Redis was not asked';

# a price that the lease does not have
my $d = $t->customer(avail => 1000);
$t->call($d, 'GET', '/x');
$t->leased($d);
is $t->call($d, 'GET', '/x')->{status}, 200, 'a small one is paid by the lease';
is $t->settled($d), '2 charged, 0 refunded, 980 left', 'the sum is right';

# wrong keys
$r = $t->call({ key => Tollgate::make_key($c->{account}, 'x' x 32) }, 'GET', '/');
is "$r->{status} $r->{json}{code}", '401 key_unknown', 'a wrong key is refused';

my $metrics = $t->metrics;
cmp_ok $metrics->{tollgate_lease_decisions_total}, '>=', 21,
    'decisions are counted';
cmp_ok $metrics->{'tollgate_lease_strict_total{reason="new"}'}, '>=', 2,
    'and those of Redis, by reason';
cmp_ok $metrics->{tollgate_lease_calls_total}, '>=', 2, 'and calls';
is $metrics->{tollgate_lease_unsent_records}, 0, 'nothing is left to be told';
is $metrics->{tollgate_lease_pool_credits}, 0, 'and nothing in the pools';

done_testing;
