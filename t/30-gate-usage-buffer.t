#!/usr/bin/perl
# tollgate_usage_buffer: how much usage waits for a Redis that is away, and that
# what has no room is counted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

# Records that reach Redis of so many requests, and those that were lost.
sub outage {
    my ($http, $requests) = @_;

    my $t = Tollgate::Edge->begin(http => $http, conf => <<'CONF');
        location / {
            tollgate on;
            tollgate_on_error open;
            tollgate_cost 2.5;
            proxy_pass http://backend;
        }
CONF
    my $c = $t->customer(avail => 100);
    $t->redis_stop;
    $t->wait_for(sub { $t->error_log =~ /redis .* closed/ }, 'the outage');

    my $passed = 0;
    $passed += grep { $_->{status} == 200 } $t->parallel(
        map { ['GET', '/', { 'X-API-Key' => $c->{key} }] } 1 .. 50)
        for 1 .. $requests / 50;

    # the last one that is lost is told with all before it
    my $at = time;
    if ($http) {
        $t->wait_for(sub { time > $at }, 'the next second');
        $passed += $t->call($c, 'GET', '/')->{status} == 200;
    } else {
        my $turns = 3;      # of the timer that sends: each may not take a chunk
        $t->wait_for(sub { time > $at + $turns }, 'timers', 5);
    }

    $t->redis_start;
    my $lost = ($t->error_log =~ /(\d+) usage records lost/g)[-1] // 0;
    my @records;
    $t->wait_for(sub {
        @records = grep { $_->{verdict} eq 'pass_open' } $t->usage('-');
        @records >= $passed - $lost
    }, 'the records');
    my $log = $t->error_log;
    $t->nginx_stop('TERM');

    return ($passed, scalar @records, $lost, $log, @records);
}

my ($all, $kept, $lost, $log, $record) = outage('tollgate_usage_buffer 64k;', 500);
is $kept + $lost, $all, 'what did not reach Redis was counted, to the last record';
cmp_ok $kept, '>', 150, 'what had room was kept';
cmp_ok $kept, '<', 400, 'and no more than had';
like $log, qr/hint: .*"tollgate_usage_buffer" larger/, 'the log says what to do';
my @lines = $log =~ /^(\S+ \S+) .*usage records lost/mg;
my %seconds = map { $_ => 1 } @lines;
is scalar @lines, scalar keys %seconds, 'once a second';
like $log, qr/lost .*\(and \d+ times more since/, 'with how often it did not';
like $record->{key}, qr/^sha256:[0-9a-f]{64}$/, 'a record has the hash of the key';
is join(' ', @$record{qw(account verdict cost cost_units avail plan)}),
    '- pass_open 2500000 1 -1 -', 'the price, and nothing that only Redis knows';

($all, $kept, $lost) = outage('', 500);
is "$kept $lost", '500 0', 'with the default none of as many is lost';

done_testing;
