#!/usr/bin/perl
# What a client makes of a cost or a tier is told in the log, on one line.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        location ~ ^/cost/(?<cost>.*)$ {
            tollgate_cost $cost;
            proxy_pass http://backend;
        }
        location ~ "^/tier/(?<tier>[\s\S]*)$" {
            tollgate_tier $tier;
            proxy_pass http://backend;
        }
CONF
my $c = $t->customer(avail => 100);

is $t->call($c, 'GET', '/cost/1%0D%1B[2Jforged%FF')->{json}{code},
    'cost_invalid', 'a cost with control characters is refused';
is $t->call($c, 'GET', '/tier/pro%0Aforged')->{json}{code}, 'tier_required',
    'and a tier with a line break';

my $log = $t->error_log;
like $log, qr/"tollgate_cost" became "1\?\?\[2Jforged\?", which is no number/,
    'the log shows the cost without them';
like $log, qr/"tollgate_tier" became "pro\?forged", which is no tier/,
    'and the tier on one line';
unlike $log, qr/^forged/m, 'so nobody writes lines of his own';

done_testing;
