#!/usr/bin/perl
# tollgate_self where there is no answer: keys that are refused, Redis that is
# away, clients that leave, and ways that lead nowhere.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;
use Tollgate::Metrics;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        tollgate_timeout 20s;
        location / { proxy_pass http://backend; }
        location = /closed { tollgate_self quota; }
        location = /open { tollgate_on_error open; tollgate_self quota; }
        location = /stale { tollgate_on_error stale; tollgate_self quota; }
        location = /stale/x {
            tollgate_on_error stale;
            proxy_pass http://backend;
        }
        location = /apps { tollgate_on_error open; tollgate_self apps; }
        location = /soon {
            tollgate_on_error open;
            tollgate_timeout 50ms;
            tollgate_self quota;
        }
        location = /cors {
            add_header Access-Control-Allow-Headers Authorization always;
            tollgate_self quota;
        }
        location = /page {
            error_page 502 = /closed;
            proxy_pass http://unix:%%DIR%%/nobody.sock;
        }
        location = /inner { auth_request /closed; proxy_pass http://backend; }
        location = /metrics { tollgate_status; }
CONF

sub counted {
    my $samples = Tollgate::Metrics::samples($t->get('/metrics')->{body});
    return { map {
        $_ => Tollgate::Metrics::total($samples, 'tollgate_self_total',
                                       qr/"$_"/)
    } qw(answered refused unreachable client_gone) };
}

sub answer {
    my ($customer, $path) = @_;

    my $r = $t->call($customer, 'GET', $path);
    return "$r->{status} " . ($r->{json}{code} // 'told');
}

my $c = $t->customer(avail => 100);
my %refused = (
    key_revoked => $t->customer(key => { state => 'revoked' }),
    key_expired => $t->customer(key => { expires_ms => 1 }),
    account_suspended => $t->customer(state => 'suspended'),
    app_suspended => $t->customer(key => { app_state => 'suspended' }),
    key_unknown => { key => Tollgate::make_key('Edge000099', '0' x 32) },
    key_malformed => { key => 'tg_live_x' },
);
like answer($refused{$_}, '/open'), qr/^40[13] $_$/, "refused as $_"
    for sort keys %refused;
is $t->get('/open')->{status}, 401, 'refused without a key';
is_deeply counted(), { answered => 0, refused => 7, unreachable => 0,
                       client_gone => 0 }, 'which is counted';

# The ways.
my $r = $t->request('OPTIONS', '/cors', {
    Origin => 'https://example.com',
    'Access-Control-Request-Method' => 'GET',
});
is "$r->{status} $r->{headers}{'access-control-allow-headers'}",
    '204 Authorization', 'a preflight needs no key';
is $t->call($c, 'OPTIONS', '/cors')->{status}, 405, 'other OPTIONS are none';
is answer($c, '/page'), '500 told', 'not the page of a decided request';
is answer($c, '/inner'), '500 told', 'nor a subrequest';
is scalar(() = $t->error_log =~ /"tollgate_self" has no answer for a/g), 2,
    'the log says so';
$t->wait_for(sub { $t->avail($c) == 100_000_000 }, 'what is given back');

# Leaves while Redis is silent; then Redis comes too late.
my $before = snapshot($t, $c->{account});
kill 'STOP', $t->{redis_pid};
my $socket = $t->send_request($c, 'GET', '/open');
my $soon = $t->call($c, 'GET', '/soon');
is "$soon->{status} $soon->{json}{code} $soon->{headers}{'retry-after'}",
    '503 store_unreachable 1', 'what comes too late is not waited for';
close $socket;
$t->wait_for(sub { counted()->{client_gone} == 1 }, 'nginx to see it leave');
kill 'CONT', $t->{redis_pid};
is answer($c, '/closed'), '200 told', 'Redis goes on';
is snapshot($t, $c->{account}), $before, 'and nothing has changed';

# Redis is gone: no mode tells what it doesn't know.
is answer($c, '/stale/x'), '200 told', 'a request passes';
is_deeply [map { "$_->{feature} $_->{verdict}" } $t->used($c->{account}, 2)],
    [('image.generate pass') x 2], 'which alone have usage records, not looks';
$t->redis_stop('KILL');
$t->wait_for(sub { answer($c, '/closed') eq '503 store_unreachable' },
             'the gate to notice');
is answer($c, $_), '503 store_unreachable', "$_ tells nothing without Redis"
    for qw(/closed /open /stale /apps);
is answer($c, '/stale/x'), '200 told', 'though stale lets requests pass';
my $counted = counted();
cmp_ok $counted->{unreachable}, '>=', 5, 'which is counted';

done_testing;
