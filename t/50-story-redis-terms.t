#!/usr/bin/perl
# Redis loses everything: credits with terms are in the wallets again as grants
# say, in the order in which they burn, and a link that was revoked serves nobody.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Link;
use Tollgate::Pockets;
use Tollgate::Story;

my $secrets = secret_file();
my $t = Tollgate::Story->begin(worker => { 'api.link_secret_file' => "$secrets", 'proof.round' => '50ms' }, conf => <<"CONF");
    tollgate_link_secret $secrets;
    location /files/ {
        tollgate on;
        tollgate_link on;
        tollgate_feature file.download;
        proxy_pass http://backend;
    }
    location /image { tollgate on; tollgate_feature image.generate; proxy_pass http://backend; }
    location /video { tollgate on; tollgate_feature video.generate; proxy_pass http://backend; }
CONF

# What an image (10) and a video (50) cost is in the demo's catalog.
my %terms = (
    'head and tail' => [
        { credits => '100' }, { credits => '30', priority => 10, expires_in => '2d' },
        { credits => '40', priority => 10, expires_in => '1d' }, { credits => '50', priority => 20 } ],
    'behind plain ones' => [
        { credits => '100' }, { credits => '30', priority => 60, expires_in => '2d' },
        { credits => '40', priority => 70 } ],
    'only behind' => [ { credits => '70', priority => 80, expires_in => '3d' } ],
    'for features' => [
        { credits => '20' }, { credits => '60', features => ['video.generate'], expires_in => '1d' },
        { credits => '25', features => ['image.*', 'video.generate'] }, { credits => '35', expires_in => '1d' } ],
    'to come' => [
        { credits => '100' }, { credits => '15', effective_at => '2040-01-01T00:00:00Z' },
        { credits => '16', priority => 5, effective_at => '2041-01-01T00:00:00Z' },
        { credits => '17', effective_at => '2039-01-01T00:00:00Z', expires_at => '2042-01-01T00:00:00Z' } ],
    'all to come' => [ { credits => '15', effective_at => '2040-01-01T00:00:00Z' } ],
    'of one kind twice' => [
        map({ { credits => $_, priority => 10, expires_at => '2040-01-01T00:00:00Z' } } 5, 6), { credits => '30' } ],
    'none' => [ { credits => '100' } ],
    'revoked' => [
        { credits => '60', priority => 10, revoked => 1 }, { credits => '50', priority => 20, expires_in => '1d' },
        { credits => '15', effective_at => '2040-01-01T00:00:00Z', revoked => 1 }, { credits => '20' } ],
);
my %customers = map { $_ => $t->customer(name => $_) } sort keys %terms;

for my $name (sort keys %terms) {
    for my $terms (@{ $terms{$name} }) {
        my %grant = %$terms;
        my $revoked = delete $grant{revoked};
        my $id = $t->must('POST', "/api/accounts/$customers{$name}{account}/credits", { source => 'promo', %grant })->{id};
        $t->mirrored;
        $t->settled;
        $t->must('DELETE', "/api/grants/$id") if $revoked;
    }
}

# One request of each path for everybody, once his shard is there.
sub pay {
    for my $path (@_) {
        for my $c (values %customers) {
            $t->wait_for(sub { ($t->call($c, 'POST', "/$path")->{json}{code} // '') ne 'store_unreachable' }, 'an answer');
        }
    }

    return;
}

sub wallets { return { map { $_ => pockets($t, $customers{$_}{account}) } keys %customers } }

sub grants {
    return { map { my $c = $customers{$_}; $_ => join ' ', map { $_->{remaining} } @{ $t->must('GET', "/api/accounts/$c->{account}/grants")->{data} } } keys %customers };
}

my $linked = $t->customer(credits => '1000');
sub link_of {
    my ($end, @more) = @_;
    return $t->must('POST', '/api/downloads', { app => $linked->{app}, path => '/files/a', expires_in => $end // '1h', @more });
}
sub code { my $r = $t->request('GET', $_[0]{url}, {}); return $r->{json}{code} // $r->{status} }

my ($works, @revoked) = (link_of(), map { link_of($_) } '1h', '7d', '2h');
is code($_), 200, 'a link serves' for $works, @revoked;
$t->must('DELETE', "/api/downloads/$_->{id}") for @revoked;

my ($once, $twice) = map { link_of('1h', max_downloads => $_) } 1, 2;
is code($_), 200, 'one that serves so often serves once' for $once, $twice;
$t->wait_for(sub { $t->sql('select sum(downloads) from downloads where max_downloads is not null') == 2 }, 'their usage records');

pay('image');
$t->mirrored;
$t->settled;
my $was = wallets();
unlike join("\n", values %$was), qr/wrong|malformed|left over/, 'all wallets are sound';
is code($_), 'link_revoked', 'a revoked link does not' for @revoked;

$t->r('FLUSHALL');
$t->wait_for(sub { !grep { !$t->r('EXISTS', Tollgate::wallet_key($_->{account})) } $linked, values %customers },
             'all wallets to be there again');
$t->wait_for(sub { !$t->sql('select count(*) from recovery where done_at is null') }, 'the end of it');
$t->mirrored;
$t->wait_for(sub { code($works) eq '200' }, 'the gate to go on');
is_deeply wallets(), $was, 'pockets are those that were lost, and grants to come too';
is code($_), 'link_revoked', 'a link that was revoked stays so' for @revoked;
is code($once), 'downloads_exhausted', 'one that served as often as it may serves nobody';
is code($twice), 200, 'and one that may once more does';

# By hand: what each order of burning leaves behind two images and a video, 70 in all; where there are 41, no video.
pay('image', 'video');
$t->settled;
is_deeply grants(), {
    'head and tail' => '100 0 0 50',
    'behind plain ones' => '30 30 40',
    'only behind' => '0',
    'for features' => '20 10 25 15',
    'to come' => '30 0 0 0',
    'all to come' => '0',
    'of one kind twice' => '0 0 21',
    'none' => '30',
    'revoked' => '0 0 0 0',
}, 'they burn in their order' or diag explain [grants(), wallets()];
my $proof = $t->verified;
ok $proof->{ok}, 'edge and ledger agree' or diag explain $proof;
is $t->sql(q{select count(*) from account where state = 'frozen'}), 0, 'nobody is frozen';

done_testing;
