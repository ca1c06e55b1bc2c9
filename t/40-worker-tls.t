#!/usr/bin/perl
# The worker over TLS: whom it trusts, what it shows, and that nothing of it can
# hang; one server, sentinels and a cluster.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Fleet;
use Tollgate::Gate;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->fleet('single', tls => 2);
$t->postgres;
my ($tls) = $t->fleet_servers;
my %mine = ($t->fleet_worker, 'redis.tls_cert' => $t->tls_file('client.crt'),
            'redis.tls_key' => $t->tls_file('client.key'));

my $plain = Tollgate->new;
$plain->fleet('single');
my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5);

# What the doctor says of the store, or "ok".
sub says {
    my (%conf) = @_;

    my %all = (%mine, 'worker.roles' => 'api', 'redis.timeout' => '500ms', %conf);
    delete @all{ grep { !defined $all{$_} } keys %all };
    $t->worker(%all);
    my $start = Time::HiRes::time();
    my (undef, $answer) = $t->api('GET', '/api/doctor');
    cmp_ok Time::HiRes::time() - $start, '<', 3, 'the doctor answers in time';
    $t->worker_stop;
    my ($redis) = grep { $_->{name} eq 'redis' } @{ $answer->{checks} };

    return $redis->{ok} ? 'ok' : $redis->{detail};
}

is says(), 'ok', 'a certificate on either side is trusted';
is says('redis.tls_name' => 'localhost'), 'ok', 'by another name that it has';
(my $named = $tls) =~ s/127\.0\.0\.1/localhost/;
is says('redis.server' => $named), 'ok', 'or by the name that it is reached by';

my $none = { 'redis.tls_cert' => undef, 'redis.tls_key' => undef };
my @refused = (
    ['an authority that nobody knows', { 'redis.tls_ca' => undef },
     qr/TLS handshake: (self-signed|unable to get local issuer)/],
    ['another authority', { 'redis.tls_ca' => $t->tls_file('stranger.crt') },
     qr/TLS handshake: .*(issuer|certificate)/],
    ['a certificate of another name', { 'redis.tls_name' => 'elsewhere.example' },
     qr/TLS handshake: hostname mismatch/],
    ['another address', { 'redis.tls_name' => '10.1.2.3' },
     qr/TLS handshake: IP address mismatch/],
    ['no certificate of its own', $none, qr/certificate required|closed/],
    ['an authority in no file', { 'redis.tls_ca' => '/nowhere' }, qr/load tls_ca/],
    ['a key of another certificate', { 'redis.tls_key' => $t->tls_file('other.key') },
     qr/load tls_cert and tls_key: .*mismatch/],
    ['a server without TLS', { 'redis.server' => $plain->fleet_servers },
     qr/TLS handshake: timed out/],
    ['a server that says nothing',
     { 'redis.server' => '127.0.0.1:' . $silent->sockport }, qr/timed out/],
);
for my $case (@refused) {
    my ($name, $conf, $wanted) = @$case;
    like says(%$conf), $wanted, "refused: $name";
}
is says('redis.tls_name' => 'elsewhere.example', 'redis.tls_verify' => 'off'), 'ok',
    'without verification any will do';
like says('redis.tls' => 'off', map { ("redis.tls_$_" => undef) } qw(ca cert key)),
    qr/closed|reset|timed out/i, 'and a server of TLS is of no use without it';

# the whole way over each kind
for my $kind (qw(single sentinel cluster)) {
    my $fleet = $t;
    if ($kind ne 'single') {
        $fleet = Tollgate->new;
        $fleet->fleet($kind, tls => 1, replicas => $kind eq 'sentinel');
    }
    $t->worker($kind eq 'single' ? %mine : $fleet->fleet_worker, 'settle.idle_ms' => 20);
    $t->load_demo if $kind eq 'single';
    my $c = $t->customer(credits => '100');
    my @answers = gate($fleet, $c->{account},
        map { +{ key => $c->{key}, cost => 1_000_000 } } 1 .. 10);
    is verdicts(@answers), join(' ', ('pass') x 10), "$kind: accounts are carried in TLS";
    $t->wait_for(sub { $t->balance($c) == 90 }, 'the events to be settled');
    my (undef, $proof) = $t->api('GET', "/api/ledger/verify?account=$c->{account}");
    ok $proof->{ok}, 'and events come back' or diag explain $proof;
    $t->worker_stop;
}

# more than a buffer of TLS holds, each way
$t->worker(%mine, 'settle.batch' => 20_000, 'worker.roles' => 'settle api');
my @big = map { "at_ms\t" . 'x' x 4000 } 1 .. 50;
$t->r('SADD', 'tg:{usage}', 'big');
$t->r('XADD', 'tg:{usage}:big', '*', 'b', join("\n", @big)) for 1 .. 20;
$t->wait_for(sub { !$t->r('XLEN', 'tg:{usage}:big') }, 'four megabytes to be read');
like $t->slurp('worker.log'), qr/1000 usage records of tg:\{usage\}:big are malformed/,
    'and all of it arrives';

done_testing;
