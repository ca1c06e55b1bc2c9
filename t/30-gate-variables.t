#!/usr/bin/perl
# The variables: what a log or a header of nginx can say of a decision.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my @names = qw(account app key plan tier verdict cost units remaining);
my @more = qw(mode feature model user price price_units tier_needed limit wait
    day_remaining month_remaining refunded dry_run store_time);
my ($format, $decision) = map { join ' ', map { "$_=\$tollgate_$_" } @$_ }
    \@names, \@more;

my $t = Tollgate::Edge->begin(conf => <<'CONF', http => <<"HTTP");
        access_log %%DIR%%/access.log gate;
        access_log %%DIR%%/decision.log decision;
        tollgate_user $arg_user;
        tollgate on;
        tollgate_feature $arg_feature;
        tollgate_model $arg_model;
        location / { proxy_pass http://backend; }
        location /off { tollgate off; proxy_pass http://backend; }
        location /dry { tollgate dry_run; proxy_pass http://backend; }
        location /header {
            add_header X-Verdict $tollgate_verdict always;
            add_header X-Account $tollgate_account always;
            add_header X-Cost $tollgate_cost always;
            add_header X-Id $tollgate_request_id always;
            proxy_pass http://backend;
        }
        location /early {
            set $early "$tollgate_account$tollgate_cost$tollgate_verdict";
            add_header X-Early $early;
            add_header X-Late "$tollgate_account";
            proxy_pass http://backend;
        }
        location /away {
            tollgate_redis unix:%%DIR%%/nowhere.sock;
            tollgate_on_error open;
            proxy_pass http://backend;
        }
CONF
    log_format gate '\$tollgate_request_id \$uri $format';
    log_format decision '\$tollgate_request_id \$uri $decision';
HTTP

$t->plan('basic', tier => 1);
$t->plan('sub', tier => 1, mode => 'subscription', day => 9, month => 99);
$t->plan('slow', key_rate => 60_000_000);
my $c = $t->customer(plan => 'basic', avail => 100);
my $s = $t->customer(plan => 'sub', avail => 7);

sub logged {
    my ($customer, $path, $log) = @_;

    $log //= 'access.log';
    my $before = () = $t->slurp($log) =~ /\n/g;
    my $r = $t->call($customer, 'GET', $path);
    my @lines;
    $t->wait_for(sub {
        @lines = split /\n/, $t->slurp($log);
        @lines > $before
    }, "the log of $path");
    my ($id, $uri, @fields) = split / /, $lines[-1];
    is $id, $r->{headers}{'x-request-id'}, "$path: the log has the request id"
        if $r->{headers}{'x-request-id'};

    return join ' ', map { s/^\w+=//r } @fields;
}

sub line {
    my ($customer, $plan, $tier, $verdict, $cost, $units, $left) = @_;

    return "$customer->{account} app_0000000001 $customer->{key_id} $plan"
        . " $tier $verdict $cost $units $left";
}

is logged($c, '/?feature=video.view'),
    line($c, 'basic', 'basic', 'pass', '2.5', 0, '97.5'),
    'a charge is told by variables';
is logged($s, '/?model=app:standard'),
    line($s, 'sub', 'basic', 'pass', '0', 2, '7'), 'so is quota';
is logged($c, '/?model=app:pro'),
    line($c, 'basic', 'basic', 'tier_required', '0', 0, '97.5'),
    'a refusal too, and who was refused';
is logged($c, '/dry?feature=image.generate'),
    line($c, 'basic', 'basic', 'pass', '10', 0, '87.5'),
    'a dry run tells what would have been';
is logged($c, '/off'), '- - - - - off - - -',
    'where tollgate is off there is only that';
is logged({ key => 'x' }, '/'), '- - - - - key_malformed 0 0 -',
    'a refusal without a decision has a verdict alone';
is logged($c, '/away'), '- - - - - pass_open 0 0 -',
    'what passed without a decision has no account';

# why it was decided so
my $slow = $t->customer(plan => 'slow', avail => 100);
my $time = qr/0\.\d{6}/;
for ([$c, '/?feature=video.view&user=mali',
      qr/^payg video\.view - mali 2\.5 0 - - - - - - - $time$/, 'a price'],
     [$s, '/?model=app:standard',
      qr/^subscription image\.generate app:standard - 20 2 - - - 5 95 - - $time$/,
      'what is left of quotas'],
     [$s, '/?feature=image.generate&status=500',
      qr/^subscription image\.generate - - 10 1 - - - 4 94 1 - $time$/, 'a refund'],
     [$c, '/?model=app:pro',
      qr/^payg image\.generate app:pro - 50 5 pro - - - - - - $time$/,
      'the tier that is needed'],
     [$slow, '/', qr/^payg - - - 0 0 - - - - - - - $time$/, 'a free one'],
     [$slow, '/', qr/^payg - - - 0 0 - key_rate \d{1,2}\.\d{3} - - - - $time$/,
      'the limit that refused and how long it does'],
     [$c, '/dry?feature=image.generate',
      qr/^payg image\.generate - - 10 1 - - - - - - 1 $time$/, 'a dry run'],
     [{ key => 'x' }, '/', qr/^- - - - - 0 - - - - - - - -$/,
      'nothing of Redis where it was not asked'])
{
    my ($who, $path, $wanted, $name) = @$_;
    like logged($who, $path, 'decision.log'), $wanted, "the log has $name";
}

my $r = $t->call($c, 'GET', '/header?feature=video.view');
is $r->{headers}{'x-verdict'}, 'pass', 'headers can tell the verdict';
is $r->{headers}{'x-account'}, $c->{account}, 'the account';
is $r->{headers}{'x-cost'}, '2.5', 'the cost';
is $r->{headers}{'x-id'}, $r->{headers}{'x-request-id'}, 'and the request id';

$r = $t->get('/header');
is $r->{headers}{'x-verdict'}, 'key_missing', 'of a refusal too';
is $r->{headers}{'x-account'}, undef, 'which has no account';

$r = $t->call($c, 'GET', '/early');
is $r->{headers}{'x-early'}, 'off', 'before the decision there is none';
is $r->{headers}{'x-late'}, $c->{account},
    'and looking early does not spoil it';

# without the patience that it has for records of a server that is away
$t->nginx_stop('TERM');

done_testing;
