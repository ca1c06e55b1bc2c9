#!/usr/bin/perl
# tollgate_content: a view is charged once in its window, however many requests
# it takes; what is not bought is told with its price.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(workers => 2, conf => <<'CONF');
        tollgate on;
        location / {
            tollgate_content $arg_id;
            tollgate_charge_on 2xx 4xx;
            tollgate_topup_url https://example.com/buy?item=$tollgate_content;
            proxy_pass http://backend;
        }
        location /feature/ {
            tollgate_content $arg_id;
            tollgate_feature image.generate;
            proxy_pass http://backend;
        }
        location /cost/ {
            tollgate_content $arg_id;
            tollgate_cost 1.5;
            proxy_pass http://backend;
        }
        location /dry/ {
            tollgate dry_run;
            tollgate_content $arg_id;
            proxy_pass http://backend;
        }
        location /open/ {
            tollgate_redis unix:%%DIR%%/nobody.sock;
            tollgate_on_error open;
            add_header X-Price $tollgate_price;
            tollgate_content $arg_id;
            proxy_pass http://backend;
        }
        location /files/ {
            tollgate_content film;
            root %%DIR%%;
            try_files /film.bin =404;
        }
CONF
$t->spew('film.bin', 'f' x 100_000);
$t->plan('pro', tier => 2, mode => 'subscription');
$t->catalog(@Tollgate::Edge::CATALOG,
    'content film 5000000 view 21600 - -',
    'content gold 20000000 locked 21600 2 pack,all',
    'content short 1000000 view 1 - -');
my $c = $t->customer(avail => 100);
my $pro = $t->customer(plan => 'pro');

sub view {
    my ($who, $path, %headers) = @_;
    my $r = $t->call($who, "GET", $path, %headers);
    return $r->{status} . ' '
        . ($r->{json}{code} // $r->{headers}{'tollgate-cost'} // '');
}
sub left { return $t->avail($c) / 1_000_000 }

$t->wait_for(sub { 10 == grep { $t->call($pro, 'GET', '/?id=gold')->{status}
                                == 200 } 1 .. 10 }, 'the catalog');

is view($c, '/'), '200 0', 'a request without content is none';
is view($c, '/?id=none'), '404 content_unknown', 'what the catalog lacks';
is view($c, '/?id=film'), '200 5', 'a view costs its price';
is view($c, '/?id=film'), '200 0', 'once';
is left(), 95, 'in the balance';
is((events($t, $c->{account}))[0]{i} =~ s/^\S+ \S+ \S+ //r,
   'content - 5000000 0', 'its feature is content');
is view($c, '/feature/?id=short'), '200 1',
    'beside a feature the price is that of the view';
like +(events($t, $c->{account}))[1]{i}, qr/ image\.generate - 1000000 0$/,
    'under the code of the feature, without units';
$t->wait_for(sub { view($c, '/cost/?id=short') eq '200 1.5' },
             'the window to end, and tollgate_cost to be the price');
is left(), 92.5, 'each of which was charged';

# Ranges, at once, on two processes.
my $d = $t->customer(avail => 100);
my @sockets = map { $t->send_request($d, 'GET', '/files/x',
    Range => 'bytes=' . $_ * 1000 . '-' . ($_ * 1000 + 999)) } 0 .. 19;
my @codes = map { Tollgate::Http::read_response($_)->{status} } @sockets;
is "@codes", join(' ', (206) x 20), 'twenty ranges of a film';
is $t->avail($d), 95_000_000, 'are one view';
is $t->call($d, 'HEAD', '/files/x')->{status}, 200, 'HEAD is of it too';
is scalar(events($t, $d->{account})), 1, 'and that is all';

# What has to be bought.
my $r = $t->call($c, 'GET', '/?id=gold');
is "$r->{status} $r->{json}{code}", '402 content_locked', 'it is locked';
is_deeply [@{ $r->{json} }{qw(content price required_tier required_plan
                              topup_url)}],
    ['gold', '20', 'pro', 'pro', 'https://example.com/buy?item=gold'],
    'the refusal tells price, plan, and where to buy it';
is $r->{headers}{'x-should-retry'}, 'false', 'no use in trying again';
is view($pro, '/?id=gold'), '200 0', 'a plan of the tier includes it';
$t->r('HSET', Tollgate::wallet_key($c->{account}), 'e:all' => 'ent1 0 1 life');
is view($c, '/?id=gold'), '200 0', 'an entitlement to its bundle opens it';
is $t->r('HGET', Tollgate::wallet_key($c->{account}), 'n:ent1'), '0 1',
    'and is used up';
is left(), 92.5, 'for nothing more';

# An outcome that is not charged closes the view again.
my $e = $t->customer(avail => 100);
is view($e, '/?id=film&status=500'), '500 0', 'a failure costs nothing';
$t->wait_for(sub { $t->avail($e) == 100_000_000 }, 'what it had cost');
is view($e, '/?id=film'), '200 5', 'the view that it opened is not open';
is view($e, '/?id=film&status=500'), '500 0', 'a failure within a view';
is view($e, '/?id=film'), '200 0', 'leaves it open';
$t->r('HSET', Tollgate::wallet_key($e->{account}), 'e:pack' => 'ent1 0 1 life');
view($e, '/?id=gold&status=500');
$t->wait_for(sub { $t->r('HGET', Tollgate::wallet_key($e->{account}), 'n:ent1')
                   eq '0 0' }, 'an entitlement to be given back');
is view($e, '/?id=gold'), '200 0', 'so that it still opens it';

# Without a decision.
my $before = snapshot($t, $e->{account});
is view($e, "/dry/?id=$_"), '200 ', "a dry run of $_ passes" for qw(short gold);
is snapshot($t, $e->{account}), $before, 'and opens nothing';
is $t->call($e, 'GET', '/open/?id=film')->{headers}{'x-price'}, '0',
    'what passes in an outage is not owed';

# A library.
my $n = 100_000;
$t->nginx_stop('TERM');
$t->spew('nginx.conf', $t->slurp("$t->{dir}/nginx.conf")
    =~ s/catalog:1m/catalog:16m/r);
$t->r('HSET', 'tg:catalog', version => 1000, body => join '', map { "$_\n" }
    "tier\t0\tfree\tFree", "feature\tprobe\t0\t0",
    map { sprintf "content\tlibrary-item-%06d\t%d\tview\t21600\t-\tshelf-%d",
          $_, $_, $_ % 100 } 1 .. $n);
$t->nginx_start;
$t->wait_for(sub { view($c, '/?id=library-item-000001') eq '200 0.000001' },
             'a library of 100 000 items');
is view($c, '/?id=library-item-100000'), '200 0.1', 'whose last one is found';
is view($c, '/?id=library-item-050000'), '200 0.05', 'and one amid them';
is view($c, '/?id=library-item-100001'), '404 content_unknown', 'and no more';
$t->r('HSET', 'tg:catalog', version => 1001);
$t->wait_for(sub { $t->error_log =~ /catalog version 1001 loaded/ },
             'a second version');
unlike $t->error_log, qr/has no room in zone/, 'in a zone of 16m';

done_testing;
