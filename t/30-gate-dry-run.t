#!/usr/bin/perl
# tollgate dry_run: every request passes untouched, nothing is written, and logs
# and usage records tell what would have been.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate dry_run;
        tollgate_feature image.generate;
        location / { proxy_pass http://backend; }
        location /pro { tollgate_model app:pro; proxy_pass http://backend; }
        location /cost { tollgate_cost $arg_cost; proxy_pass http://backend; }
        location /hand { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /away {
            tollgate_redis unix:%%DIR%%/nowhere.sock;
            proxy_pass http://backend;
        }
CONF

$t->plan('slow', key_rate => 60_000_000, key_burst => 1);
my $c = $t->customer(avail => 100);
my $poor = $t->customer;
my $slow = $t->customer(avail => 100, plan => 'slow');
my $revoked = $t->customer(key => { state => 'revoked' });
my %before = map { $_ => snapshot($t, $_) }
    map { $_->{account} } $c, $poor, $slow, $revoked;

# who, path, verdict that the log tells
my @rows = (
    [$c, '/', 'pass'],
    [$c, '/?status=500', 'pass'],
    [$c, '/pro', 'tier_required'],
    [$c, '/cost?cost=x', 'cost_invalid'],
    [$poor, '/', 'credits_exhausted'],
    [$revoked, '/', 'key_revoked'],
    [{ key => 'bad' }, '/', 'key_malformed'],
    [$c, '/away', 'store_unreachable'],
    [$slow, '/', 'pass'],
    [$slow, '/', 'pass'],
);
for my $row (@rows) {
    my ($who, $path, $verdict) = @$row;

    my $r = $t->call($who, 'GET', $path);
    my $status = $path =~ /500/ ? 500 : 200;
    is $r->{status}, $status, "$verdict at $path passes in a dry run";
    is join(' ', grep { /tollgate|rate|retry|authenticate|request-id/ }
                 keys %{ $r->{headers} }), '',
        "$verdict at $path: no header tells of the gate";
}
is $t->get('/')->{status}, 200, 'without a key a request passes too';

for my $verdict (qw(tier_required cost_invalid credits_exhausted key_revoked
                    key_malformed key_missing store_unreachable)) {
    like $t->error_log, qr/would refuse: $verdict/, "$verdict is logged";
}

# nothing was written
is snapshot($t, $_), $before{$_}, 'a dry run leaves no trace in a wallet'
    for sort keys %before;

# usage records say what would have been
my @records = $t->used($c->{account}, 3);
is_deeply [map { "$_->{verdict} $_->{status} $_->{refunded}" } @records],
    ['pass 200 0', 'pass 500 0', 'tier_required 200 0'],
    'each request is a usage record with its verdict, and never refunded';
my @nobody;
$t->wait_for(sub {
    @nobody = grep { $_->{verdict} =~ /^(?:cost|key_m)/ } $t->usage('-');
    @nobody == 3
}, 'records of requests without an account');
push @records, @nobody;
is_deeply [grep { !$_->{dry_run} } @records], [], 'marked as dry runs';

# what the backend gets
my $listener = $t->listener('hand');
my $socket = $t->send_request($c, 'GET', '/hand', 'X-API-Key' => 'mine',
                              'Tollgate-Account' => 'Evil000000');
my ($backend, $head) = $t->accepted($listener);
print {$backend} "HTTP/1.0 200 OK\r\n\r\n";
close $backend;
is Tollgate::Http::read_response($socket)->{status}, 200,
    'the backend answers';
like $head, qr/^Authorization: Bearer \Q$c->{key}\E\r$/m,
    'a dry run leaves the key in';
like $head, qr/^X-API-Key: mine\r$/mi, 'and other credentials';
unlike $head, qr/Evil/, 'what a client claims to be is removed even so';

# without the patience that it has for records of a server that is away
$t->nginx_stop('TERM');

done_testing;
