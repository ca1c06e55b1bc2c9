#!/usr/bin/perl
# Every route that writes leaves a row in the audit log: who did what to which
# object, what it was before and is after, and nothing secret.

use strict;
use warnings;

use lib 't/lib';
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my %as = (_actor => 'operator');
my @secrets;

$b->call('catalog_put', decode_json($b->slurp("$b->{root}/demo/catalog.json")));
$b->call('plan_put', { %$_, plan => $_->{code} })
    for @{ decode_json($b->slurp("$b->{root}/demo/plans.json")) };
$b->call('content_load', { content => [map { { code => $_, credits => '1' } } qw(film news)] });

my $account = $b->account(100);
my $app = $b->call('app_create', { account => $account, name => 'Web' })->{id};
sub key { my $key = $b->call('key_create', { app => $app, @_ }); push @secrets, $key->{key}; return $key->{id} }
sub limit { return { account => $account, name => $_[0], meter => 'requests', max => 5, window => 'day' } }
sub price_args {
    my @prices = { model => 'video-generator:veo-3', unit => 'request', credits => '7' };
    return { prices => \@prices, version => $b->call('price_preview', { prices => \@prices })->{version} };
}
sub owe {
    $b->sql(q{insert into unpaid_use (request_id, at, account, verdict, credits, units, state)
              values ($1, now(), $2, 'pass_open', 1000000, 0, 'open')}, $_[0], $account);
    return { account => $account };
}
my $link = $b->call('download_create', { app => $app, path => '/a' })->{id};
my $entitled = $b->call('entitlement_create', { account => $account, content => 'news' })->{id};
$b->call('limit_put', limit('old'));
my ($from, $to) = ('2026-01-01', '2026-02-01');

# Each route in order: what its function is called with, and what it is to change (`-`
# for one that was not there before or is no more).
my @routes = (
    ['POST /api/accounts', { name => 'New' }, '- account'],
    ['PUT /api/accounts/:account', { account => $account, name => 'Newer' }, 'Test Newer'],
    ['PUT /api/accounts/:account/limits', { account => $account, limits => [{ name => 'own', meter => 'credits', max => '9', window => 'day' }] }, 'old own'],
    ['PUT /api/accounts/:account/plan', { account => $account, plan => 'basic' }, 'payg basic'],
    ['PUT /api/accounts/:account/state', { account => $account, state => 'suspended' }, 'active suspended'],
    ['POST /api/accounts/:account/credits', { account => $account, credits => '5', note => 'thanks' }, '- thanks'],
    ['PUT /api/accounts/:account/credits', { account => $account, credits => '77' }, 'balance 77'],
    ['DELETE /api/grants/:grant', sub { { grant => $b->call('credit_grant', { account => $account, credits => '1' })->{id} } }, 'active revoked'],
    ['POST /api/accounts/:account/statements', { account => $account, from => $from, to => $to }, '- st_'],
    ['POST /api/accounts/:account/apps', { account => $account, name => 'App' }, '- App'],
    ['PUT /api/apps/:app', { app => $app, name => 'Shop' }, 'Web Shop'],
    ['POST /api/accounts/:account/unpaid/forgive', sub { owe('r1') }, '1 0'],
    ['POST /api/accounts/:account/unpaid/charge', sub { owe('r2') }, 'open charging'],
    ['POST /api/keys', { app => $app, name => 'main' }, '- main'],
    ['POST /api/keys/import', { app => $app, keys => [{ hash => sha256_hex('their own key'), name => 'theirs' }] }, '- key_'],
    ['PUT /api/keys/:key', sub { { key => key(name => 'a'), name => 'b' } }, 'a b'],
    ['POST /api/keys/:key/pause', sub { { key => key() } }, 'active paused'],
    ['POST /api/keys/:key/resume', sub { my $key = key(); $b->call('key_pause', { key => $key }); { key => $key } }, 'paused active'],
    ['POST /api/keys/:key/reroll', sub { { key => key() } }, '"replaced_by":null key_'],
    ['DELETE /api/keys/:key', sub { { key => key() } }, 'active revoked'],
    ['POST /api/downloads', { app => $app, path => '/b' }, '- /b'],
    ['DELETE /api/downloads/:download', { download => $link }, 'active revoked'],
    ['PUT /api/limits/:name', limit('new'), 'own new'],
    ['DELETE /api/limits/:name', limit('new'), 'new own'],
    ['PUT /api/plans/:plan', { plan => 'basic', name => 'Prime' }, 'Basic Prime'],
    ['PUT /api/content', { content => [{ code => 'film', credits => '2' }] }, '1 2'],
    ['PUT /api/content/:content', { content => 'film', credits => '3' }, '2 3'],
    ['DELETE /api/content/:content', { content => 'film' }, 'film -'],
    ['POST /api/accounts/:account/entitlements', { account => $account, content => 'news' }, '- active'],
    ['DELETE /api/accounts/:account/entitlements/:entitlement', { account => $account, entitlement => $entitled }, 'active revoked'],
    ['POST /api/prices', sub { price_args() }, 'version 7'],
    ['POST /api/prices/preview', { prices => [] }, 'nothing'],
    ['PUT /api/catalog', { features => [{ code => 'x', name => 'X', credits => '1' }], apps => [] }, 'video-generator x'],
    ['POST /api/rebuild', { account => $account }, '- wallets_left'],
    ['POST /api/jobs/:job/run', { job => 'snapshots.daily' }, '"requested_at":null "requested_at":"20'],
);

# The functions that C calls for its own routes.
my %of_c = (api_download => 'download_create', api_import => 'key_import');
my %function = map { my ($method, $path, $name) = /"([A-Z]+)",\s*"([^"]+)",\s*"?(?:api\.)?(\w+)/;
    ("$method $path" => $of_c{$name} // $name) }
    $b->slurp("$b->{root}/worker/api_routes.h") =~ s{/\*.*?\*/}{}sr =~ /^\w+\((.*?)\)/gms;
# These need Redis: t/50-story-restore.t and t/50-story-repair.t look for their rows.
delete @function{'POST /api/ledger/catchup', 'POST /api/ledger/repair'};
is_deeply [sort map { $_->[0] } @routes], [sort grep { !/^GET/ } keys %function],
    'each route that writes is tried here';

my $json = JSON::PP->new->canonical;
for my $case (@routes) {
    my ($route, $args, $change) = @$case;
    $args = $args->() if ref $args eq 'CODE';
    my $last = $b->sql('select coalesce(max(id), 0) from audit_log');
    my $answer = $b->call($function{$route}, { %$args, %as });
    push @secrets, $answer->{key} if ref $answer && ($answer->{key} // '') =~ /^tg_/;

    my @rows = map { $b->call('audit_list', { cursor => $_ + 1, limit => 1 })->{data}[0] } map { @$_ }
        $b->sql('select id from audit_log where id > $1 order by id', $last);
    if ($change eq 'nothing') {
        is @rows, 0, "$route changes nothing";
        next;
    }
    my ($was, $is) = map { $_ eq 'account' ? 'New' : $_ } split ' ', $change;
    ok((grep {
        my ($before, $after) = map { $json->encode([$_]) } @$_{qw(before after)};
        $_->{actor} eq 'operator' && $_->{action} =~ /^\w+\.\w+$/ && length $_->{object} && $before ne $after
            && ($was eq '-' ? $before eq '[null]' : index($before, $was) >= 0)
            && ($is eq '-' ? $after eq '[null]' : index($after, $is) >= 0)
    } @rows), "$route tells: $change") or diag $json->pretty->encode(\@rows);
}

is $b->sql('select count(*) from lib.audit_breaks()'), 0, 'the chain is whole';
my $log = join ' ', map { $_->[0] } $b->sql('select a::text from audit_log a');
is scalar(grep { index($log, $_) >= 0 } map { ($_, sha256_hex($_), /^tg_/ ? substr($_, 18) : ()) } @secrets, 'their own key'), 0,
    'and knows no key of ' . @secrets . ', nor its hash';

done_testing;
