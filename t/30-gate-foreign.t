#!/usr/bin/perl
# tollgate_foreign_keys: keys that are not of our form are decided as others,
# Redis tells whose they are, and the answers are kept for a while.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256_hex);
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate_cost 1;
        location / { tollgate on; tollgate_foreign_keys on; proxy_pass http://backend; }
        location /short {
            tollgate on;
            tollgate_foreign_keys on cache=300ms entries=2;
            proxy_pass http://backend;
        }
        location /cookie {
            tollgate on;
            tollgate_foreign_keys on;
            tollgate_key $cookie_key;
            add_header X-Passed $http_cookie;
            proxy_pass http://backend;
        }
        location /off { tollgate on; tollgate_foreign_keys off; proxy_pass http://backend; }
        location /default { tollgate on; proxy_pass http://backend; }
        location /dry { tollgate dry_run; tollgate_foreign_keys on; proxy_pass http://backend; }
        location /self { tollgate_foreign_keys on; tollgate_self quota; }
CONF
$t->aliases_whole;

sub code {
    my ($key, $path) = @_;
    my $r = $t->get($path // '/', 'X-API-Key' => $key);
    return $r->{status} == 200 ? $r->{json}{account} // '-' : "$r->{status} $r->{json}{code}";
}

# Of any form, from 8 to 512 printable characters.
my $c = $t->customer(avail => 100);
my $n = 0;
for my $key ('sk-customer-key-01', '12345678', 'with spaces in it', '{"json":true}', 'x' x 512, '~' x 64,
             'TG_live_x', 'Zm9vYmFyCg==') {
    $t->foreign($c, $key);
    is code($key), $c->{account}, "a key as \"" . substr($key, 0, 20) . '" passes';
    $n++;
}
is code($c->{key}), $c->{account}, 'and one of ours beside it';
is $t->avail($c), 1_000_000 * (100 - $n - 1), 'each is charged';
is $t->get('/', Authorization => 'Bearer sk-customer-key-01')->{json}{account}, $c->{account}, 'as a bearer token too';

# What can't be one is malformed, and Redis isn't asked.
my $gets = $t->calls_of('get');
is code($_), '401 key_malformed', 'malformed: ' . substr $_, 0, 12
    for 'short12', 'x' x 513, "caf\xc3\xa9 au lait", "tab\tbed key", 'tg_live_mistyped', substr($c->{key}, 0, 55), "$c->{key}x";
is $t->calls_of('get'), $gets, 'which Redis has no work with';
is code('sk-customer-key-01', $_), '401 key_malformed', "so is any at $_" for '/off', '/default';

# Whose it is is asked once, what it may do each time.
is $t->calls_of('get'), $gets, 'what is known is not asked for again';
my $hash = 'k:' . sha256_hex('sk-customer-key-01');
for my $state ('revoked', 'paused') {
    $t->r('HSET', Tollgate::wallet_key($c->{account}), $hash, "$c->{key_id} app_0000000001 $state 0");
    is code('sk-customer-key-01'), $state eq 'revoked' ? '401 key_revoked' : '403 key_paused',
        "a key that is $state is refused at once";
}
$t->r('HSET', Tollgate::wallet_key($c->{account}), $hash, "$c->{key_id} app_0000000001 active 1000");
is code('sk-customer-key-01'), '401 key_expired', 'an expired one too';
my $before = $t->calls_of('get');
$t->r('DEL', $t->alias_key('12345678'));
is code('12345678'), $c->{account}, 'an alias that is gone is not missed while the answer is kept';
is $t->calls_of('get'), $before, 'for nobody looks';

# Nobody's.
is code('nobody has this'), '401 key_unknown', 'a key that nobody has is unknown';
is code('nobody has this'), '401 key_unknown', 'still';
is $t->calls_of('get') - $before, 1, 'and asked for once';
my $late = $t->foreign($t->customer(avail => 5), 'nobody has this');
my $from = time;
$t->wait_for(sub { code('nobody has this') eq $late->{account} }, 'a key that was just imported');
cmp_ok time - $from, '<=', 2, 'but only for a second: then it passes if it was imported meanwhile';

# A short memory, with room for two.
$t->foreign($c, "short memory $_") for 1 .. 3;
code("short memory $_", '/short') for 1 .. 3;
$before = $t->calls_of('get');
code("short memory $_", '/short') for 3, 2, 3, 2;
is $t->calls_of('get'), $before, 'the last two are remembered';
code('short memory 1', '/short');
is $t->calls_of('get'), $before + 1, 'the one used longest ago was forgotten';
$before = $t->calls_of('get');
$t->wait_for(sub { code('short memory 1', '/short'); $t->calls_of('get') > $before }, 'the memory to end');
cmp_ok $t->calls_of('get'), '>', $before, 'what is too old is asked for again';

# The backend sees the account and no key; nothing is in a log.
my $r = $t->get('/', 'X-API-Key' => 'Zm9vYmFyCg==');
unlike $r->{body}, qr/Zm9v/, 'the key does not reach the backend';
$r = $t->get('/cookie', Cookie => 'a=1; key=sk-in-a-cookie; b=2');
is $r->{json}{code}, 'key_unknown', 'a key may stand in a cookie';
$t->foreign($c, 'sk-in-a-cookie');
$t->wait_for(sub { $t->get('/cookie', Cookie => 'a=1; key=sk-in-a-cookie; b=2')->{status} == 200 }, 'it to be known');
is $t->get('/cookie', Cookie => 'a=1; key=sk-in-a-cookie; b=2')->{headers}{'x-passed'}, 'a=1; key=; b=2',
    'and is cut out of it';
is code('nobody has that', '/dry'), '', 'in a dry run even an unknown key passes';
is $t->get('/self', 'X-API-Key' => '~' x 64)->{json}{account}, $c->{account}, 'tollgate_self knows whose it is';
is code('nobody has it', '/self'), '401 key_unknown', 'or that it is nobody\'s';

my @used = $t->used($c->{account}, 20);
is scalar(grep { $_->{key} !~ /^(?:key_\d+)$/ } @used), 0, 'usage records show the key id';
unlike $t->error_log, qr/sk-|12345678|nobody has|Zm9v/, 'no key is in the log';

# What can't be configured.
for my $row (['maybe', qr/"maybe".*"on" or "off"/], ['off cache=5s', qr/"cache=5s".*with "on"/],
             ['on cache=2h', qr/"cache=2h".*at most 1h/], ['on cache=0', qr/"cache=0".*time/],
             ['on entries=0', qr/"entries=0".*number/], ['on lookups=many', qr/"lookups=many".*number/],
             ['on junk=1', qr/"junk=1".*"entries=number"/]) {
    my ($ok, $out) = $t->nginx_test("tollgate_foreign_keys $row->[0];");
    ok !$ok, "tollgate_foreign_keys $row->[0] is refused";
    like $out, qr/\[emerg\].*$row->[1].*test\.conf:\d/, 'and the message says why';
}

done_testing;
