#!/usr/bin/perl
# Content from the operator to the edge and back: put on sale, viewed, bought by
# the wallet and granted; the books have each view and purchase once.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(conf => <<'CONF');
        location / {
            tollgate on;
            tollgate_content $arg_id;
            proxy_pass http://backend;
        }
CONF

my $c = $t->customer(credits => 100);
my $base = "/api/accounts/$c->{account}/entitlements";

sub view {
    my ($who, $id) = @_;
    my $r = $t->call($who, 'GET', "/?id=$id");
    return "$r->{status} " . ($r->{json}{code} // $r->{headers}{'tollgate-cost'});
}
sub bought {
    my ($id) = @_;
    $t->wait_for(sub {
        grep { $_->{id} eq $id && $_->{state} ne 'pending' } @{ $t->must('GET', $base)->{data} }
    }, 'a purchase');
    return join ' ', map { $_->{state} } grep { $_->{id} eq $id } @{ $t->must('GET', $base)->{data} };
}

is $t->must('PUT', '/api/content', { content => [
    { code => 'pack', kind => 'bundle', credits => '30' },
    { code => 'film', credits => '5' },
    { code => 'gold', kind => 'lifetime', credits => '20' },
    { code => 'rare', kind => 'one_time', credits => '8', bundles => ['pack'] },
    { code => 'rest', kind => 'one_time', credits => '8', bundles => ['pack'] },
    { code => 'dear', kind => 'lifetime', credits => '1000' } ] })->{changed}, 6, 'content is put on sale';
$t->wait_for(sub { view($c, 'gold') eq '402 content_locked' }, 'the gate to know it');

my @views = $t->parallel(map { ['GET', '/?id=film', { 'X-API-Key' => $c->{key} }] } 1 .. 16);
is scalar(grep { $_->{status} == 200 } @views), 16, 'sixteen requests for a film at once';
$t->settled;
is $t->balance($c), 95, 'are one view';

my $gold = $t->must('POST', $base, { content => 'gold', charge => \1 });
is bought($gold->{id}), 'active', 'what has to be bought is bought';
is view($c, 'gold'), '200 0', 'and then free';
$t->settled;
is $t->balance($c), 75, 'for its price';

my $rare = $t->must('POST', $base, { content => 'rare', charge => \1 });
is bought($rare->{id}), 'active', 'a single view is bought';
is join(', ', map { view($c, $_) } qw(rare rare rest)), '200 0, 200 0, 402 content_locked', 'and opened once';
$t->must('POST', $base, { content => 'pack', views => 1, span => 'month' });
$t->mirrored;
is view($c, 'rest'), '200 0', 'a bundle that was granted opens what is in it';

# What is not bought, and what is taken away.
my ($status, $refused) = $t->api('POST', $base, { content => 'dear', charge => \1 });
is $status, 402, 'what costs more than there is can not be bought';
my $wallet = Tollgate::wallet_key($c->{account});
$t->must('DELETE', "$base/$gold->{id}");
$t->mirrored;
is view($c, 'gold'), '402 content_locked', 'what is revoked is locked again';
is $t->r('HGET', $wallet, 'e:gold'), undef, 'and gone from the wallet';

$t->settled;
is $t->balance($c), 67, 'all that was paid is 33';
is join(', ', map { "$_->{description} $_->{amount}" }
        grep { $_->{amount} < 0 } @{ $t->must('GET', "/api/accounts/$c->{account}/statement")->{data} }),
    'content -5, content:gold -20, content:rare -8', 'which the statement tells, each once';
my $proof = $t->must('GET', '/api/ledger/verify');
ok $proof->{ok}, 'edge and ledger agree' or diag explain $proof;

done_testing;
