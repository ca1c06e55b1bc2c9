#!/usr/bin/perl
# tollgate_on_error stale: while Redis can't be asked a key passes on what was
# decided last of it, for a stated time and amount.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(workers => 2, zone => '64k', conf => <<'CONF');
        tollgate on;
        tollgate_on_error stale requests=10;
        tollgate_feature $arg_feature;
        tollgate_model $arg_model;
        add_header X-Verdict $tollgate_verdict always;
        location / { proxy_pass http://backend; }
        location /short {
            tollgate_on_error stale for=2s;
            proxy_pass http://backend;
        }
        location /five {
            tollgate_on_error stale credits=5;
            proxy_pass http://backend;
        }
        location /closed { tollgate_on_error closed; proxy_pass http://backend; }
        location /dry { tollgate dry_run; proxy_pass http://backend; }
CONF
$t->plan('sub', mode => 'subscription', day => 10, month => 5);
$t->plan('both', mode => 'hybrid', day => 3);
my ($many, $poor, $five, $short, $closed, $dry) =
    map { $t->customer(avail => 100) } 1 .. 6;
my $sub = $t->customer(plan => 'sub');
my $both = $t->customer(plan => 'both', avail => 25);
my $unseen = $t->customer(avail => 100);
my $gone = $t->customer(key => { state => 'revoked' });
my $held = $t->customer(state => 'suspended');
my $broke = $t->customer;

# So many requests at once, and how many were answered with which verdict.
sub sent {
    my ($customer, $path, $count) = @_;

    my %seen;
    $seen{"$_->{status} $_->{headers}{'x-verdict'}"}++ for $t->parallel(
        map { ['GET', $path, { 'X-API-Key' => $customer->{key} }] }
            1 .. $count // 1);

    return join ', ', map { "$seen{$_} x $_" } sort keys %seen;
}

my $none = '503 store_unreachable';
my $image = '/?feature=image.generate';

sub everyone_is_seen {
    sent($_, $image) for $many, $poor, $sub, $both, $broke, $dry;
    sent($five, '/five?feature=video.view');
    sent($short, '/short');
    sent($closed, '/closed');
    sent($gone, '/');
    sent($held, '/');

    return;
}

$t->r('HSET', Tollgate::wallet_key($poor->{account}), avail => 35_000_000);
everyone_is_seen();
$t->redis_stop;
$t->wait_for(sub { sent($unseen, '/') eq "1 x $none" }, 'the outage');

is sent($short, '/short'), '1 x 200 pass_stale', 'for a stated time';
is sent($many, '/', 50), "10 x 200 pass_stale, 40 x $none",
    'of 50 at once on two workers exactly the stated number passes';
is sent($many, '/'), "1 x $none", 'and none after them';
is sent($poor, $image, 10), "2 x 200 pass_stale, 8 x $none",
    'prices add up to no more than the last known balance';
is sent($five, '/five?feature=video.view', 9), "2 x 200 pass_stale, 7 x $none",
    'nor to more than the stated credits';
is sent($sub, $image, 9), "4 x 200 pass_stale, 5 x $none",
    'nor to more units than the quota has left';
is sent($both, $image, 9), "4 x 200 pass_stale, 5 x $none",
    'and with a hybrid plan to those and then the credits';
is sent($unseen, '/', 3), "3 x $none", 'a key that was not seen does not pass';
is sent($gone, '/', 3), '3 x 401 key_revoked', 'a revoked key stays revoked';
is sent($held, '/', 3), '3 x 403 account_suspended', 'a suspended account too';
is sent($broke, '/'), "1 x $none", 'who had no credit does not pass';
is sent($five, '/?model=app:pro'), "1 x $none",
    'nor does what needs a higher tier than the plan had';
is sent($closed, '/'), "1 x $none", 'nor who was seen where it is closed alone';
is sent($many, '/closed'), "1 x $none", 'and closed stays closed';
is sent($dry, '/dry', 20), '20 x 200 pass_stale', 'a dry run tells it';
is sent($dry, '/', 20), "10 x 200 pass_stale, 10 x $none", 'and takes nothing';
$t->wait_for(sub { sent($short, '/short') eq "1 x $none" }, 'that time to be over');
is sent($five, '/'), '1 x 200 pass_stale', 'while others last';

# the amounts outlive the processes
my @before = $t->children('nginx');
$t->nginx_reload;
$t->wait_for(sub {
    my %old = map { $_ => 1 } @before;
    my @now = $t->children('nginx');
    2 == grep { !$old{$_} } @now
}, 'new nginx workers');
is sent($many, '/'), "1 x $none", 'a reload gives nothing new';
is sent($five, '/', 12), "7 x 200 pass_stale, 5 x $none",
    'and takes nothing away';

# a reply begins anew; Redis lost its data, so everyone is made again
$t->redis_start;
$t->plan($_->[0], @{ $_->[1] }) for ['payg', []];
$t->catalog(@Tollgate::Edge::CATALOG);
$t->{customers} = $t->{keys} = 0;
my $again = $t->customer(avail => 100);
is $again->{key}, $many->{key}, 'the same customer again';
$t->wait_for(sub { sent($again, '/', 16) eq '16 x 200 pass' },
             'Redis to be back for both workers');
$t->redis_stop;
$t->wait_for(sub { sent($unseen, '/') eq "1 x $none" }, 'another outage');
is sent($again, '/', 20), "10 x 200 pass_stale, 10 x $none",
    'the next outage has the whole amount again';

# a full table forgets who was used longest ago
$t->redis_start;
$t->plan('payg');
my @crowd = map { $t->customer } 1 .. 150;
$t->wait_for(sub { sent($crowd[0], '/', 16) eq '16 x 200 pass' },
             'Redis to be back for both workers');
sent($_, '/') for @crowd;
$t->redis_stop;
$t->wait_for(sub { sent($unseen, '/') eq "1 x $none" }, 'the third outage');
is sent($crowd[0], '/'), "1 x $none", 'where the zone is full the oldest go';
is sent($crowd[-1], '/'), '1 x 200 pass_stale', 'and the latest stay';
unlike $t->error_log, qr/no room/, 'which is no error';
$t->nginx_stop('TERM');

done_testing;
