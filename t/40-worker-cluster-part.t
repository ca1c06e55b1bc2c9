#!/usr/bin/perl
# A part of a cluster that is gone, or hangs, with no replica: the accounts of the
# others are settled and get their credits, and its own do when it is back.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Fleet;
use Tollgate::Gate;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->fleet('cluster');
$t->postgres;
$t->worker($t->fleet_worker, 'settle.idle_ms' => 20, 'redis.timeout' => '500ms',
           'mirror.idle_ms' => 50);
$t->load_demo;

# an account whose wallet is on the node that will be lost, and one elsewhere;
# usage streams and the catalog stay
my %keeps = map { $t->node_of($_) => 1 } 'tg:{usage}', 'tg:catalog';
my ($lost) = grep { !$keeps{$_} } $t->masters;
my %at;
for (1 .. 40) {
    my $c = $t->customer(credits => '100');
    my $place = $t->node_of(Tollgate::wallet_key($c->{account})) eq $lost ? 'lost' : 'kept';
    $at{$place} //= $c;
    last if keys %at == 2;
}
is join(' ', sort keys %at), 'kept lost', 'accounts are on either side';

sub pay {
    my ($c) = @_;

    return gate($t, $c->{account}, { key => $c->{key}, cost => 1_000_000 })->{verdict};
}

# Credits for both while one has no store; the other's go on in both directions.
sub others_go_on {
    my ($spent, $granted, $how) = @_;

    $t->must('POST', "/api/accounts/$at{$_}{account}/credits",
             { credits => '10', source => 'promo' }) for qw(lost kept);
    my $wallet = Tollgate::wallet_key($at{kept}{account});
    my $node = $t->node_of($wallet);
    $t->wait_for(sub {
        $t->n($node, 'HGET', $wallet, 'avail') == (100 + $granted - $spent + 1) * 1_000_000
    }, "an account elsewhere to get its credits while it $how");
    is pay($at{kept}), 'pass', 'and to pay';
    $t->wait_for(sub { $t->balance($at{kept}) == 100 + $granted - $spent },
                 'its events to be settled');
    is $t->balance($at{lost}), 110 - 10 + $granted - $spent + 1,
        'the ledger knows what the lost one was granted';
    is $t->sql('select count(*) from mirror.pending(100)'), 1, 'which waits';

    return;
}

sub all_is_well {
    my ($left, $when) = @_;

    $t->mirrored;
    is pay($at{lost}), 'pass', "the lost one pays $when";
    $t->settled;
    is $t->balance($at{lost}), $left, 'with all its credits';
    my $proof = $t->verified;
    ok $proof->{ok}, 'and the proof agrees' or diag explain $proof;

    return;
}

my $log = sub { $t->slurp('worker.log') };
$t->node_kill($lost);
others_go_on(1, 10, 'is gone');
my (undef, $doctor) = $t->api('GET', '/api/doctor');
my $address = $t->node_address($lost);
like +(grep { $_->{name} eq 'redis' && !$_->{ok} } @{ $doctor->{checks} })[0]{detail},
    qr/^\Q$address\E: Connection refused/, 'the doctor names the one that is gone';
like $log->(), qr/settle: .* failed: \Q$address\E: /, 'and so does the log';
my %said;
$said{$_}++ for $log->() =~ /^(.*failed: \Q$address\E: .*?)(?: \(and \d+ times more.*)?$/mg;
is_deeply [grep { $said{$_} > 8 } sort keys %said], [], 'not over and over';
$t->node_start($lost);
$t->cluster_ok;
all_is_well(109, 'when it is back');

$t->node_pause($lost);
others_go_on(2, 20, 'hangs');
$t->node_resume($lost);
$t->cluster_ok;
all_is_well(118, 'when it goes on');
unlike $log->(), qr/role \w+ ended|frozen|was refused/, 'no role died and nobody was refused';

done_testing;
