#!/usr/bin/perl
# Usage records: one for every decided request, refused ones too, in the stream
# of this host.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Sys::Hostname ();
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(workers => 2, conf => <<'CONF');
        tollgate on;
        tollgate_user $http_x_user;
        tollgate_feature $arg_feature;
        tollgate_model $arg_model;
        location / { proxy_pass http://backend; }
        location /off { tollgate off; proxy_pass http://backend; }
        location /slow { proxy_pass http://unix:%%DIR%%/hand.sock; }
CONF
$t->plan('sub', mode => 'subscription', day => 10, month => 10);
my $c = $t->customer(avail => 100);
my $s = $t->customer(plan => 'sub');

my $start = int(time * 1000);
my @ids = map { $t->call($c, @$_)->{headers}{'x-request-id'} }
    ['GET', '/?feature=image.generate', 'X-User' => 'u1'],
    ['GET', '/?model=app:standard', 'X-User' => "two words\t\xc3\xa9"],
    ['GET', '/?model=app:pro'],
    ['GET', '/?feature=nothing'],
    ['GET', '/?feature=video.view&status=404'],
    ['HEAD', '/'],
    ['GET', '/?feature=image.generate&status=500'];
$t->call($c, 'GET', '/off');
$t->call($c, 'OPTIONS', '/', 'Access-Control-Request-Method' => 'POST');
$t->call($s, 'GET', '/?model=app:standard');

my @records = $t->used($c->{account}, 6);
is scalar @records, 6,
    'every request of a known key has a record, what was not decided none';

# anyone can write an account into a key that doesn't exist
$t->wait_for(sub { grep { $_->{request_id} eq $ids[3] } $t->usage('-') },
             'the record of a refusal before Redis was asked');
push @records, grep { $_->{request_id} eq $ids[3] } $t->usage('-');
my %by_id = map { $_->{request_id} => $_ } @records;

sub told {
    my ($id, @fields) = @_;

    return join ' ', map { $by_id{$id}{$_} // 'none' } @fields;
}

my @who = qw(account app key user);
my @what = qw(feature model verdict status credits units refunded dry_run);
my $me = "$c->{account} app_0000000001 $c->{key_id}";
my @rows = (
    ["$me u1", 'image.generate - pass 200 10000000 0 0 0', 'a charge'],
    ["$me two%20words%09%C3%A9",
     'image.generate app:standard pass 200 20000000 0 0 0', 'a model'],
    ["$me -", 'image.generate app:pro tier_required 403 0 0 0 0', 'a refusal'],
    ['- - - -', '- - feature_unknown 403 0 0 0 0',
     'a refusal before Redis was asked'],
    ["$me -", 'video.view - pass 404 2500000 0 0 0', 'an error of the client'],
    ["$me -", '- - pass 200 0 0 0 0', 'a free request'],
    ["$me -", 'image.generate - pass 500 10000000 0 1 0', 'a refund'],
);
for my $n (0 .. $#rows) {
    my ($who, $what, $name) = @{ $rows[$n] };
    is told($ids[$n], @who), $who, "$name: who it was";
    is told($ids[$n], @what), $what, "$name: what was asked and became of it";
}

my ($quota) = $t->used($s->{account}, 1);
is "$quota->{credits} $quota->{units}", '0 2', 'quota is told in units';

# why it was decided so
my @why = qw(cost cost_units avail limit day_left month_left tier_needed plan
    wait_ms);
is join(' ', @$quota{@why}), '20000000 2 0 - 8 8 0 sub 0',
    'a record has the price and what is left of quotas';
is told($ids[2], @why), '50000000 5 70000000 - -1 -1 2 payg 0',
    'a refusal has the balance and the tier that was needed';
is told($ids[3], @why, 'store_us'), '-1 0 -1 - -1 -1 0 - 0 -1',
    'one before Redis was asked has nothing of Redis';
cmp_ok $by_id{$ids[0]}{store_us}, '<', 2_000_000, 'and how long Redis took';
cmp_ok $by_id{$ids[0]}{store_us}, '>', 10, 'in microseconds';

for my $record (@records) {
    my $name = "$record->{verdict} $record->{status}";
    cmp_ok abs($record->{at_ms} - $start), '<', 20_000, "$name: when";
    like $record->{latency_ms}, qr/^\d{1,4}$/, "$name: how long";
    cmp_ok $record->{bytes_in}, '>', 50, "$name: how much came";
    cmp_ok $record->{bytes_out}, '>', 50, "$name: and went";
}

# sizes and times
my $listener = $t->listener('hand');
my $big = $t->customer;
my $socket = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
print {$socket} Tollgate::Http::format_request('POST', '/slow',
    { 'X-API-Key' => $big->{key} }, 'x' x 50_000);
$socket->flush;
my ($backend) = $t->accepted($listener);
select undef, undef, undef, 0.15;
print {$backend} "HTTP/1.0 200 OK\r\n\r\n" . 'y' x 30_000;
close $backend;
Tollgate::Http::read_response($socket);
close $socket;
my ($record) = $t->used($big->{account}, 1);
cmp_ok $record->{latency_ms}, '>=', 140, 'the time is that of all of it';
cmp_ok $record->{bytes_in}, '>', 50_000, 'bytes in have the body';
cmp_ok $record->{bytes_out}, '>', 30_000, 'bytes out the answer';

# who is nobody
$t->get('/');
$t->get('/', 'X-API-Key' => 'nonsense');
my @nobody;
$t->wait_for(sub {
    @nobody = grep { $_->{verdict} =~ /missing|malformed/ } $t->usage('-');
    @nobody == 2
}, 'records of requests without an account');
is_deeply [map { "$_->{verdict} $_->{status} $_->{key}" } @nobody],
    ['key_missing 401 -', 'key_malformed 401 -'],
    'requests without an account are recorded without one';

is_deeply $t->r('SMEMBERS', 'tg:{usage}'), [Sys::Hostname::hostname()],
    'the stream of this host is announced';

# many, and none is lost when nginx stops
my $many = $t->customer;
$t->parallel(map { ['GET', '/', { 'X-API-Key' => $many->{key} }] } 1 .. 200)
    for 1 .. 2;
$t->nginx_stop('QUIT');
my @many = $t->usage($many->{account});
is scalar @many, 400, 'nginx leaves no record behind when it stops';
my %ids = map { $_->{request_id} => 1 } @many;
is scalar keys %ids, 400, 'and sends none twice';

done_testing;
