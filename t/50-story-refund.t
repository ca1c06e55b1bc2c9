#!/usr/bin/perl
# A failed call costs nothing: a backend that answers 5xx or can't be reached is
# refunded at the edge, and the ledger shows both movements.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(
    conf => <<'CONF',
    tollgate on;
    tollgate_feature image.generate;
    location / { proxy_pass http://backend; }
    location /away { proxy_pass http://unix:/nonexistent/socket; }
    location /always {
        tollgate_charge_on 2xx 3xx 4xx 5xx;
        proxy_pass http://backend;
    }
CONF
    backend => 'if ($arg_status = 500) { return 500 "failed\n"; }
                if ($arg_status = 404) { return 404 "nothing\n"; }
                return 200 "ok\n";');
my $c = $t->customer(credits => '100', plan => undef);

is $t->call($c, 'POST', '/a')->{status}, 200, 'a good call passes';
is $t->call($c, 'POST', '/a?status=404')->{status}, 404,
    'so does one that finds nothing';
is $t->call($c, 'POST', '/a?status=500')->{status}, 500, 'a call fails';
is $t->call($c, 'POST', '/away')->{status}, 502, 'a backend is away';

$t->wait_for(sub {
    $t->r('HGET', Tollgate::wallet_key($c->{account}), 'avail') == 80_000_000
}, 'the wallet to have paid two calls');
$t->settled;
is $t->balance($c), '80', 'the ledger charged two calls and refunded two';
is scalar $t->sql(q{select count(*) from charge where account = $1
    and kind = 'refund'}, $c->{account}), 2, 'the refunds are listed';

is $t->call($c, 'POST', '/always?status=500')->{status}, 500, 'a call fails';
$t->settled;
is $t->balance($c), '70', 'tollgate_charge_on can have failures charged';

is scalar $t->sql(q{select sum(remaining) from credit_grant
    where account = $1}, $c->{account}), 70_000_000,
    'refunded credits are back in their grant';
ok $t->verified->{ok}, 'edge and ledger agree';

done_testing;
