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
like $log, qr/"tollgate_cost" became .*, hint: .*default/,
    'with what can be done about it';

# whoever repeats it fills no disk
my $sent = 1;
my $at = time;
$t->wait_for(sub {
    $sent += $t->parallel(map { ['GET', '/cost/x', { 'X-API-Key' => $c->{key} }] }
                          1 .. 40);
    time > $at + 1
}, 'two seconds to be over');
my @lines = $t->error_log =~ /^(.*"tollgate_cost" became.*)$/mg;
cmp_ok $sent, '>', 80, 'many requests in a few seconds';
my %second = map { substr($_, 0, 19) => 1 } @lines;
is scalar @lines, scalar keys %second, 'are told once a second';
my $unsaid = 0;
$unsaid += $_ for map { /\(and (\d+) times more since/ } @lines;
cmp_ok $unsaid, '>', 40, 'with how many there were besides';
cmp_ok $unsaid + @lines, '<=', $sent, 'and no more than there were';

done_testing;
