#!/usr/bin/perl
# Download links in SQL: what can't be one, the claims that are signed, what
# usage records come to, and revocations.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
$b->call('catalog_put', decode_json($b->slurp("$b->{root}/demo/catalog.json")));
$b->sql(q{select lib.clock_freeze('2030-01-01T00:00:00.7Z')});
my $account = $b->account;
my $app = $b->call('app_create', { account => $account, name => 'Web' })->{id};
my $digits = $app =~ s/^app_//r;

sub made { return $b->call('download_create', { app => $app, path => '/f/a b.pdf', @_ }) }

sub fails {
    my ($function, $args, $code, $detail) = @_;
    my $error = $b->sql_error("select api.$function(\$1::jsonb)", encode_json($args));
    is $error->{message}, $code, "$function: $code";
    like $error->{text}, $detail, "and says: $detail" if $detail;
    return;
}

my $plain = made();
like $plain->{id}, qr/^dl_\w{16}$/, 'a link has an id';
is_deeply [@{$plain}{qw(account state path window expires_at max_downloads downloads)}],
    [$account, 'active', '/f/a b.pdf', '3600s', '2030-01-02T00:00:00Z', undef, 0], 'and what it is by default';
is $plain->{claims}, "1.$account.$digits.@{[ substr $plain->{id}, 3 ]}.1893542400.0.3600.-.-", 'its claims';
my $full = made(query => 'size=l&v=2', feature => 'image.generate', network => '2001:db8::/32', max_downloads => 3,
    window => '90s', expires_at => '2030-06-01T00:00:00Z');
is $full->{claims}, "1.$account.$digits.@{[ substr $full->{id}, 3 ]}.1906502400.3.90."
    . '20010db8000000000000000000000000/32.image.generate', 'which have all of it';
like made(network => '203.0.113.7', max_downloads => '2')->{claims}, qr{\.2\.3600\.cb007107/32\.-$}, 'an address is a network';
is $b->sql('select count(*) from command where set_fields ? $1', 'link'), 0, 'making a link asks nothing of the edge';

my @bad = (
    (map { [path => $_, qr/a decoded path/] } 'f', '//f', '/f//g', '/f/../g', '/..', '/./f', '/f/.'),
    [path => "/f\n", qr/control/], [path => '/' . 'x' x 1024, qr/1024/], [path => '', qr/a text/],
    (map { [query => $_, qr/without "tg"/] } 'tg=x', 'a=b&TG=1', 'a#b', 'a b', "\x{e9}", 'a<b', '"'),
    (map { [expires_in => $_, qr/expires_in/] } '0s', '367d', 'soon'),
    (map { [expires_at => $_, qr/expires_at/] } '2030-01-01T00:00:00Z', '2031-02-01', 'x'),
    (map { [window => $_, qr/window/] } '0s', '8d', '1w'), (map { [max_downloads => $_, qr/an integer/] } 0, -1, 1e9),
    [network => '10.0.0.1/8', qr/did you mean/], [network => 'x', qr/networks/], [feature => 'A', qr/a code/],
);
fails('download_create', { app => $app, path => '/f', $_->[0] => $_->[1] }, 'invalid_argument', $_->[2]) for @bad;
fails('download_create', { app => $app, path => '/f', feature => 'none.such' }, 'feature_not_found');
fails('download_create', { app => 'app_x', path => '/f' }, 'app_not_found');
ok made(path => $_), "$_ is a path" for '/', '/a...b', '/.well-known/x', '/a?b#c', "/\x{e0}\x{b8}\x{81}";

# Usage: [link, account, app, verdict, download, refunded, bytes, dry run].
my $at = 1_801_396_800_000;
my $cursor = '0-0';
my $place = 0;
sub usage {
    my (@records) = @_;
    my $to = ++$place . '-0';
    my $rows = join ', ', map {
        my ($id, $who, $its, $verdict, $download, $refunded, $bytes, $dry) = @$_;
        sprintf "(%d, 'r%d', '%s', '%s', '%s', '%s', 200, 0, 0, %d, 5, 10, %d, %d, %s)", $at += 1000, $at / 1000,
            $who, $its, $id, $verdict, $refunded // 0, $bytes // 100, $dry // 0, $download // 'null';
    } @records;
    my $text = join "\n", 'set role tollgate_worker;', 'begin;', 'select ledger.settle_begin() \gset',
        'insert into settle_usage (at_ms, request_id, account, app, key, verdict, status, credits, units, refunded,'
        . " latency_ms, bytes_in, bytes_out, dry_run, download) values $rows;",
        "select ledger.settle_usage('tg:{usage}:web1', '$cursor', '$to', 0);", 'commit;';
    $b->psql($b->{dsn}, $text);
    $cursor = $to;
    return $text;
}
sub counts { my $d = $b->call('download_get', { download => $_[0] });
    return join ' ', map { $d->{$_} // '-' } qw(state downloads requests refused bytes_sent) }

my $id = $full->{id};
my $other = $b->account;
my $its = $b->call('app_create', { account => $other, name => 'Other' })->{id};
my $text = usage([$id, $account, $app, 'pass', 1], [$id, $account, $app, 'pass', 0], [$id, $account, $app, 'pass', 1, 1],
    [$id, $account, $app, 'downloads_exhausted', 0], [$id, $account, $app, 'pass', 1, 0, 50, 1],
    [$id, $other, $its, 'pass', 1], [$plain->{id}, $account, $app, 'pass_open', undef],
    ['key_0000000001', $account, $app, 'pass', 0], ['dl_backend0001', $account, $app, 'pass', 1],
    ['dl_backend0001', $other, $its, 'pass', 1], ['dl_x', $account, $app, 'pass', 1],
    ['dl_nobody00001', 'nobody', 'app_none', 'pass', 1]);
is counts($id), 'active 1 3 1 300', 'what passed is counted, what was given back is none, nor is a dry run';
is counts($plain->{id}), 'active 0 1 0 100', 'an outage counts no download';
is scalar $b->sql(q{select account in ($1, $2) from downloads where id = 'dl_backend0001'}, $account, $other), 't',
    'a link that a backend signed is tracked from its first use, for one account';
is $b->sql(q{select downloads from downloads where id = 'dl_backend0001'}), 1, 'alone';
is $b->sql(q{select count(*) from downloads where id in ('dl_x', 'dl_nobody00001')}), 0, 'what is no link is none';
is $b->sql_error($text)->{message}, 'cursor_moved', 'a batch that comes again';
is counts($id), 'active 1 3 1 300', 'counts nothing';
usage(([$id, $account, $app, 'pass', 1]) x 2);
is counts($id), 'exhausted 3 5 1 500', 'more is added, until it is used up';
my $shown = $b->call('download_get', { download => $id });
is scalar @{ $shown->{uses} }, 7, 'its requests are shown';
is_deeply [map { $_->{download} ? 1 : 0 } @{ $shown->{uses} }], [1, 1, 1, 0, 0, 0, 1], 'the newest first';
like $shown->{last_at}, qr/^2027-/, 'with the last use';

# Lists and revocations.
my $list = $b->call('download_list', { account => $other });
is scalar(@{ $list->{data} }) + $b->sql('select count(*) from downloads where account = $1', $account),
    $b->sql('select count(*) from downloads'), 'a list is that of an account';
my $page = $b->call('download_list', { app => $app, limit => 2 });
is scalar(@{ $page->{data} }) . " $page->{next_cursor}", "2 $page->{data}[1]{id}", 'or a page of those of an app';
is $b->call('download_revoke', { download => $id })->{state}, 'revoked', 'a link is revoked';
is $b->call('download_revoke', { download => $id })->{state}, 'revoked', 'twice is the same';
$b->call('download_revoke', { download => 'dl_backend0001' }) ;
my $link = substr $id, 3;
is_deeply [sort map { decode_json($_->[0])->{link} } $b->sql(q{select set_fields from command where set_fields ? 'link'})],
    [sort "$link 1906502400", 'backend0001 0'], 'each is one command, with the end where it is known';
fails("download_$_", { download => 'dl_none' }, 'download_not_found') for qw(get revoke);
$b->sql(q{select lib.clock_freeze('2030-01-03T00:00:00Z')});
is +(split ' ', counts($plain->{id}))[0], 'expired', 'a link expires by itself';
is $b->sql('select count(*) from lib.audit_breaks()'), 0, 'the audit chain is whole';

done_testing;
