#!/usr/bin/perl
# A price that is held while the request runs, and settled at what the response
# came to, once it is over.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;
use Tollgate::Hold;

my $t = Tollgate::Edge->begin(conf => <<'CONF', http => <<'HTTP');
        tollgate on;
        tollgate_hold 30;
        tollgate_actual $upstream_http_x_cost;
        proxy_set_header Cost $arg_cost;
        location / { proxy_pass http://cost; }
        location /blind { tollgate_actual ""; proxy_pass http://cost; }
        location /asked { tollgate_hold $arg_hold; proxy_pass http://cost; }
        location /price {
            tollgate_feature image.generate;
            tollgate_hold price;
            proxy_pass http://cost;
        }
        location /units {
            tollgate_feature image.generate;
            proxy_pass http://cost;
        }
        location /free { tollgate_hold 0; proxy_pass http://cost; }
        location /off { tollgate_hold off; tollgate_cost 4; proxy_pass http://cost; }
        location /some { tollgate_hold 30 overage=if_available; proxy_pass http://cost; }
        location /draft { tollgate_hold 30 ttl=10s overage=overdraft; proxy_pass http://cost; }
        location /dry { tollgate dry_run; proxy_pass http://cost; }
        location /hand { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /sent { proxy_pass http://cost; proxy_intercept_errors on;
                         error_page 404 = @other; }
        location @other { tollgate_hold 1; proxy_pass http://other; }
        location /mirrored { mirror /mirror; proxy_pass http://cost; }
        location = /mirror { internal; proxy_pass http://cost; }
CONF
    upstream other { server unix:%%DIR%%/nginx-other.sock; }
    server {
        listen unix:%%DIR%%/nginx-other.sock;
        add_header X-Cost 8;
        return 200 "ok\n";
    }
    upstream cost { server unix:%%DIR%%/nginx-cost.sock; }
    server {
        listen unix:%%DIR%%/nginx-cost.sock;
        add_header X-Cost $http_cost always;
        if ($arg_status = 404) { return 404 "nothing\n"; }
        if ($arg_status = 500) { return 500 "failed\n"; }
        return 200 "ok\n";
    }
HTTP
$t->plan('hybrid', mode => 'hybrid', day => 1, month => 1);
$t->plan('sub', mode => 'subscription', day => 9, month => 9);

# path, plan, what becomes of 100 credits: avail, owed, events, usage's credits
my $huge = '9' x 30;
my @rows = (
    ['/?cost=12.5', 'payg', 87.5, 0, 'hold:30 commit:12.5', 12.5],
    ['/?cost=30', 'payg', 70, 0, 'hold:30 commit:30', 30],
    ['/?cost=0', 'payg', 100, 0, 'hold:30 commit:0', 0],
    ['/?cost=45', 'payg', 55, 0, 'hold:30 commit:45', 45],
    ['/?cost=130', 'payg', 0, 30, 'hold:30 commit:100 owed:30', 130],
    ['/some?cost=130', 'payg', 0, 0, 'hold:30 commit:100 waived:30', 130],
    ['/draft?cost=130', 'payg', 0, 20, 'hold:30 commit:100 owed:20 waived:10',
     130],
    ['/', 'payg', 70, 0, 'hold:30 commit:30', 30],
    ['/?cost=-1', 'payg', 70, 0, 'hold:30 commit:30', 30],
    ['/?cost=no', 'payg', 70, 0, 'hold:30 commit:30', 30],
    ["/?cost=$huge", 'payg', 70, 0, 'hold:30 commit:30', 30],
    ['/?cost=9007199254.740992', 'payg', 70, 0, 'hold:30 commit:30', 30],
    ['/blind?cost=3', 'payg', 70, 0, 'hold:30 commit:30', 30],
    ['/?cost=3&status=404', 'payg', 97, 0, 'hold:30 commit:3', 3],
    ['/?cost=3&status=500', 'payg', 100, 0, 'hold:30 release:30', 30],
    ['/asked?hold=2&cost=1', 'payg', 99, 0, 'hold:2 commit:1', 1],
    ['/price?cost=6', 'payg', 94, 0, 'hold:10 commit:6', 6],
    ['/free?cost=6', 'payg', 100, 0, '', 0],
    ['/off?cost=6', 'payg', 96, 0, 'charge:4', 4],
    ['/dry?cost=6', 'payg', 100, 0, '', 30],
    ['/price?cost=6', 'hybrid', 100, 0, 'charge:0', 0],
    ['/price?cost=6', 'sub', 100, 0, 'charge:0', 0],
    ['/sent?cost=6&status=404', 'payg', 92, 0, 'hold:30 commit:8', 8],
    ['/mirrored?cost=6', 'payg', 94, 0, 'hold:30 commit:6', 6],
);

my %who;
for my $row (@rows) {
    my ($path, $plan) = @$row;
    my $c = $who{$row} = $t->customer(avail => 100, plan => $plan,
                                      overdraft => 20_000_000);
    my $r = $t->call($c, 'GET', $path);
    is $r->{status}, $path =~ m{^/\?.*status=(\d+)} ? $1 : 200,
        "$path is answered";
    my ($held) = $row->[4] =~ /^hold:(\d+)/;
    $held = 0 if $path =~ /status=500/;
    is $r->{headers}{'tollgate-hold'}, $row->[4] =~ /^hold/ ? $held : undef,
        'and told what is held';
    is $r->{headers}{'tollgate-cost'} // '-', $row->[4] =~ /^hold/ || $path
        =~ /dry/ ? '-' : $path =~ /off/ ? 4 : 0, 'in place of a cost';
}

for my $row (@rows) {
    my ($path, $plan, $avail, $owed, $told, $credits) = @$row;
    my $c = $who{$row};
    my @told = split / /, $told;

    $t->wait_for(sub { events($t, $c->{account}) >= @told }, "$path: events");
    is join(' ', map { "$_->{k}:" . (split / /, $_->{i})[5] / 1e6 }
            events($t, $c->{account})), $told, "$plan, $path: the register";
    is wallet_fields($t, $c->{account}, qw(avail held owed)),
        join(' ', $avail * 1e6, 0, $owed ? $owed * 1e6 : '-'),
        "$plan, $path: the wallet";
    my ($record) = $t->used($c->{account}, 1);
    is $record->{credits}, $credits * 1e6, "$plan, $path: the usage record";
}
ok $t->error_log =~ /"tollgate_actual" became "".*what was held is charged/,
    'the log tells of a cost that is none';

# A client that leaves is charged what is known then: what is held.
my $listener = $t->listener('hand');
my $c = $t->customer(avail => 100);
my $socket = $t->send_request($c, 'GET', '/hand');
my ($backend) = $t->accepted($listener);
is wallet_fields($t, $c->{account}, qw(avail held)), '70000000 30000000',
    'while it runs its price is held';
is scalar(grep { /^h:/ } @{ $t->r('HKEYS',
    Tollgate::wallet_key($c->{account})) }), 1, 'by a record';
close $socket;
$t->wait_for(sub { $t->avail($c) == 70_000_000
    && wallet_fields($t, $c->{account}, 'held') eq '0' }, 'the commit');
is((events($t, $c->{account}))[-1]{k}, 'commit', 'a client that left has paid');
close $backend;

done_testing;
