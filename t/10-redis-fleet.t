#!/usr/bin/perl
# The fleets of the tests are real: a master that dies is replaced, a slot moves
# with its keys, TLS lets in only who has what it takes.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Fleet;
use Tollgate::Gate;

# Prices a request of an account; the fleet finds the node by the key.
sub charge {
    my ($t, $account, $key) = @_;

    return gate($t, $account, { key => $key, cost => 1_000_000 });
}

my $account = 'Fleet00001';
my $slot = Tollgate::slot(Tollgate::wallet_key($account));
my (%t, %key);
for my $kind (qw(sentinel cluster)) {
    my $t = $t{$kind} = Tollgate->new;
    $t->fleet($kind, replicas => 1);
    $t->wallet($account, avail => 10_000_000);
    $key{$kind} = $t->key($account);
    is charge($t, $account, $key{$kind})->{avail}, 9_000_000,
        "a $kind fleet prices a request";
    $t->in_sync;
}

my $t = $t{sentinel};
is $t->master, 'node1', 'the sentinels name the master';
is scalar(my @servers = $t->fleet_servers), 3, 'and clients are told of them';
$t->node_kill('node1');
is $t->failed_over('node1'), 'node2', 'when it is killed they name its replica';
is charge($t, $account, $key{sentinel})->{avail}, 8_000_000,
    'which goes on where it ended';
$t->node_start('node1');
$t->wait_for(sub { $t->n('node1', 'ROLE')->[0] eq 'slave' },
             'the old master to follow');
$t->in_sync;
is $t->n('node1', 'HGET', Tollgate::wallet_key($account), 'avail'), 8_000_000,
    'and what was the master is a replica';
like ${ $t->n_try('node1', 'SET', 'x', 1) }, qr/^READONLY/,
    'that refuses to write';

$t = $t{cluster};
my $from = $t->node_of($slot);
my ($to) = grep { $_ ne $from } $t->masters;
is scalar(() = $t->masters), 3, 'a cluster has three masters';
is $t->slot_move_begin($slot, $to), $from, 'a slot begins to move';
my $wallet = Tollgate::wallet_key($account);
$t->slot_move_keys($slot, $from, $to, 1, $wallet);
like ${ $t->n_try($from, 'HGET', $wallet, 'avail') }, qr/^ASK $slot /,
    'half way the old node answers ASK for a key that left';
$t->n($to, 'ASKING');
like ${ $t->n_try($to, 'EVAL', 'return 1', 2, $wallet,
                  Tollgate::ledger_key($account)) }, qr/^TRYAGAIN/,
    'and the new one TRYAGAIN for two keys of which one has come';
1 while $t->slot_move_keys($slot, $from, $to, 100);
$t->slot_move_end($slot, $from, $to);
like ${ $t->n_try($from, 'HGET', $wallet, 'avail') }, qr/^MOVED $slot /,
    'and MOVED when it has moved';
is charge($t, $account, $key{cluster})->{avail}, 8_000_000,
    'the new one goes on where the old one ended';

$t->cluster_ok;
$t->in_sync;
my $new = $t->cluster_fail_over($to);
isnt $new, $to, 'a replica takes over from a master that is killed';
is charge($t, $account, $key{cluster})->{avail}, 7_000_000, 'with its wallets';

my $tls = Tollgate->new;
$tls->fleet('single', tls => 2);
is $tls->r('PING'), 'PONG', 'a server with TLS starts';
# What openssl s_client gets in answer to a PING.
sub ping {
    my (@options) = @_;

    my $to = join ' ', '-connect', $tls->fleet_servers, '-CAfile',
        $tls->tls_file('ca.crt'), '-verify_return_error', @options;

    return scalar `printf 'PING\\r\\nQUIT\\r\\n' |
        timeout 5 openssl s_client -quiet $to 2>/dev/null`;
}
my @client = map { ("-$_->[0]", $tls->tls_file("client.$_->[1]")) }
    ['cert', 'crt'], ['key', 'key'];
like ping('-verify_hostname', 'localhost', @client), qr/PONG/,
    'a client with a certificate is let in';
unlike ping(), qr/PONG/, 'and one without is not';
unlike ping('-verify_hostname', 'elsewhere.example', @client), qr/PONG/,
    'the name in its certificate counts';

done_testing;
