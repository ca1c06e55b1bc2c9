#!/usr/bin/perl
# What a request costs: tollgate_cost over the model over the feature, and the
# tier that it needs.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        location / { proxy_pass http://backend; }
        location /feature {
            tollgate_feature $arg_feature;
            proxy_pass http://backend;
        }
        location /model {
            tollgate_model $arg_model;
            proxy_pass http://backend;
        }
        location /both {
            tollgate_feature video.view;
            tollgate_model $arg_model;
            proxy_pass http://backend;
        }
        location /cost {
            tollgate_cost $arg_cost;
            proxy_pass http://backend;
        }
        location /fixed {
            tollgate_feature image.generate;
            tollgate_cost 0.000001;
            proxy_pass http://backend;
        }
        location /tier {
            tollgate_tier $arg_tier;
            tollgate_model $arg_model;
            proxy_pass http://backend;
        }
CONF

$t->plan('basic', tier => 1, mode => 'payg');
$t->plan('pro', tier => 2, mode => 'payg');
my $c = $t->customer(avail => 9_000_000, plan => 'basic');
my $pro = $t->customer(avail => 1000, plan => 'pro');

# path, micro-credits, feature and model of the event
my @rows = (
    ['/', 0, '- -'],
    ['/feature?feature=image.generate', 10_000_000, 'image.generate -'],
    ['/feature?feature=video.view', 2_500_000, 'video.view -'],
    ['/feature', 0, '- -'],
    ['/model?model=app:standard', 20_000_000, 'image.generate app:standard'],
    ['/both?model=app:standard', 20_000_000, 'video.view app:standard'],
    ['/both', 2_500_000, 'video.view -'],
    ['/fixed', 1, 'image.generate -'],
    ['/cost?cost=3', 3_000_000, '- -'],
    ['/cost?cost=0.5', 500_000, '- -'],
    ['/cost?cost=1.000001', 1_000_001, '- -'],
    ['/cost?cost=0', 0, '- -'],
    ['/cost?cost=007', 7_000_000, '- -'],
    ['/tier?tier=basic', 0, '- -'],
    ['/tier?tier=free&model=app:standard', 20_000_000,
     'image.generate app:standard'],
);
for my $row (@rows) {
    my ($path, $price, $names) = @$row;

    my $before = $t->avail($c);
    is $t->call($c, 'GET', $path)->{status}, 200, "$path passes";
    is $before - $t->avail($c), $price, "$path costs $price micro-credits";
    next unless $price;
    my $event = (events($t, $c->{account}))[-1];
    like $event->{i}, qr/ \Q$names\E $price 0\z/, "$path is $names";
}

is scalar events($t, $c->{account}), scalar(grep { $_->[1] } @rows),
    'the register has those that cost something';

# path, status, code
my $before = snapshot($t, $c->{account});
for my $row (['/feature?feature=image.other', 403, 'feature_unknown'],
             ['/feature?feature=image', 403, 'feature_unknown'],
             ['/feature?feature=' . 'x' x 3000, 403, 'feature_unknown'],
             ['/feature?feature=%22%0a%09', 403, 'feature_unknown'],
             ['/model?model=app:other', 403, 'model_unknown'],
             ['/model?model=image.generate', 403, 'model_unknown'],
             ['/model?model=app:pro', 403, 'tier_required'],
             ['/tier?tier=pro', 403, 'tier_required'],
             ['/tier?tier=basic&model=app:pro', 403, 'tier_required'],
             ['/tier?tier=nonsense', 403, 'tier_required'],
             map { ["/cost?cost=$_", 400, 'cost_invalid'] }
                 '', '-1', '-0.5', '%2B1', 'abc', '1e3', '0x10', '1.', '.5',
                 '1.2.3', '1.0000001', '1%2C5', '%201', 'nan', 'inf',
                 '9007199254740993', '9007199254.740993', '9' x 40,
                 '%C3%A9') {
    my ($path, $status, $code) = @$row;

    my $r = $t->call($c, 'GET', $path);
    my $name = length $path > 60 ? substr($path, 0, 60) . '...' : $path;
    is "$r->{status} $r->{json}{code}", "$status $code",
        "$name is refused with $code";
}
is snapshot($t, $c->{account}), $before, 'none of them left a trace';

my $second = time;
$t->wait_for(sub { time > $second }, 'the next second, for the log');
$t->call($c, 'GET', '/cost?cost=abc');
like $t->error_log, qr/"tollgate_cost".*"abc"/,
    'a cost that is no number is logged';
like $t->error_log, qr/"tollgate_tier".*"nonsense"/,
    'and a tier that the catalog does not know';

is $t->call($pro, 'GET', '/model?model=app:pro')->{status}, 200,
    'a plan of the tier may use the model';
is $t->call($pro, 'GET', '/tier?tier=pro')->{status}, 200,
    'and a route of that tier';
is $t->avail($pro), 950_000_000, 'which costs what the catalog says';

# a wrong key is told before a wrong price
is $t->get('/cost?cost=abc')->{json}{code}, 'key_missing',
    'without a key nothing is priced';

done_testing;
