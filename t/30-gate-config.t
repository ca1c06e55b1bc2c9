#!/usr/bin/perl
# Wrong configurations: nginx -t names the directive and the line, and says what
# it wanted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->new;

my $zone = 'tollgate_zone catalog:1m;';
my $redis = 'tollgate_redis unix:/tmp/none.sock;';
my $head = "$zone\n$redis\n";

# Text of http { }, what the message has to say, name; the faulty line ends in
# "#here".
my @wrong;

sub location {
    return "${head}server { listen unix:%%DIR%%/nginx.sock;\nlocation / {\n"
        . "tollgate on;\n$_[0] #here\n} }\n";
}

# directive and arguments, what the message has to say besides the directive
push @wrong, map { [location("$_->[0];"), $_->[1], $_->[0]] } (
    ['tollgate on', qr/is duplicate/],
    ['tollgate_on_error ajar', qr/"ajar".*"closed".*"open"/],
    ['tollgate_on_error open for=5s', qr/"open".*no parameters.*"for=5s"/],
    ['tollgate_on_error stale for=soon', qr/"for=soon".*"for=time"/],
    ['tollgate_on_error stale for=0', qr/"for=0".*"for=time"/],
    ['tollgate_on_error stale requests=-1', qr/"requests=-1".*number/],
    ['tollgate_on_error stale credits=all', qr/"credits=all".*number/],
    ['tollgate_on_error stale until=5s', qr/"until=5s".*"for=time"/],
    ['tollgate_strip_key maybe', qr/"maybe".*"on" or "off"/],
    ['tollgate_timeout soon', qr/"soon".*time/],
    ['tollgate_timeout 0', qr/"0".*time/],
    ['tollgate_timeout -1s', qr/"-1s".*time/],
    ['tollgate_cost free', qr/"free".*credits.*6/],
    ['tollgate_cost -1', qr/"-1".*credits/],
    ['tollgate_cost 1.0000001', qr/"1.0000001".*credits/],
    ['tollgate_cost 9007199255', qr/"9007199255".*credits/],
    ['tollgate_cost ""', qr/"".*credits/],
    ['tollgate_key tg_live_x', qr/value 1.*variable/],
    ['tollgate_key $arg_key tg_live_x', qr/value 2.*variable/],
    ['tollgate_charge_on ok', qr/"ok".*"404".*"2xx".*"client_abort"/],
    ['tollgate_charge_on 2xx 600', qr/"600".*"404"/],
    ['tollgate_charge_on 6xx', qr/"6xx".*"2xx"/],
    ['tollgate_charge_on 99', qr/"99".*"404"/],
    ['tollgate_error_html maybe', qr/"maybe".*"on" or "off"/],
    ['tollgate_error_shape xml', qr/"xml".*"problem" or "openai" or "anthropic"/],
    ['tollgate_headers rfc', qr/"rfc".*"ietf".*"legacy".*"credits".*"off"/],
    ['tollgate_headers off ietf', qr/"off" alone/],
    ['tollgate_headers ietf off', qr/"off" alone/],
    ['tollgate_redis unix:', qr/"unix:".*"host:port"/],
    ['tollgate_redis 127.0.0.1:99999', qr/port.*"host:port"/],
    ['tollgate_redis no.such.invalid:1', qr/"no\.such\.invalid:1"/],
    ['tollgate_redis unix:/x database=one', qr/"database".*number/],
    ['tollgate_redis unix:/x database=-1', qr/"database".*number/],
    ['tollgate_redis unix:/x connect_timeout=soon',
     qr/"connect_timeout".*time/],
    ['tollgate_redis unix:/x passwort=hush', qr/"password="/],
    ['tollgate_redis unix:/x user=gate', qr/"user".*needs "password"/],
    ['tollgate_redis cluster', qr/needs an address/],
    ['tollgate_redis password=hush', qr/needs an address/],
    ['tollgate_redis a=b:1', qr/"a=b:1".*"host:port"/],
    ['tollgate_redis 127.0.0.1:1 127.0.0.1:2', qr/need "cluster" or "sent/],
    ['tollgate_redis 127.0.0.1:1 cluster sentinel=a', qr/both "cluster"/],
    ['tollgate_redis 127.0.0.1:1 cluster database=2', qr/database 0/],
    ['tollgate_redis unix:/x cluster', qr/"cluster".*"host:port"/],
    ['tollgate_redis 127.0.0.1:1 127.0.0.1:x cluster', qr/port.*"host:port"/],
    ['tollgate_redis 127.0.0.1:1 sentinel=a sentinel_user=b',
     qr/"sentinel_user".*needs "sentinel_password_file"/],
    ['tollgate_redis 127.0.0.1:1 sentinel_password_file=%%DIR%%/word',
     qr/needs "sentinel"/],
    ['tollgate_redis 127.0.0.1:1 queue=0', qr/"queue".*number/],
    ['tollgate_redis 127.0.0.1:1 tls_name=a', qr/need "tls"/],
    ['tollgate_redis 127.0.0.1:1 tls_verify=off', qr/need "tls"/],
    ['tollgate_redis 127.0.0.1:1 tls tls_verify=no', qr/"on" or "off"/],
    ['tollgate_redis unix:/x tls', qr/"tls".*"host:port"/],
    ['tollgate_redis 127.0.0.1:1 tls tls_ca=%%DIR%%/none', qr/none/],
    ['tollgate_redis 127.0.0.1:1 tls tls_cert=%%DIR%%/none', qr/tls_key/],
    ['tollgate_redis unix:/x password_file=%%DIR%%/none', qr/none/],
    ['tollgate_redis unix:/x password_file=%%DIR%%/empty', qr/one password/],
    ['tollgate_redis unix:/x password_file=%%DIR%%/long', qr/one password/],
    ['tollgate_status', qr/must not stand beside "tollgate"/],
    ['tollgate_status on', qr/invalid number of arguments/],
    ['tollgate_zone catalog:1m', qr/not allowed here/],
    map({ [$_, qr/invalid number of arguments/] }
        map({ "tollgate_$_" } qw(feature model tier user key charge_on cost
                                 headers redis timeout)),
        'tollgate_feature a b', 'tollgate_model a b', 'tollgate_tier a b',
        'tollgate_user a b', 'tollgate_cost 1 2'),
);
push @wrong, map { [location("$_\n$_"), qr/is duplicate/, "$_ twice"] } (
    'tollgate_redis unix:/x;', 'tollgate_key $arg_k;', 'tollgate_feature a;',
    'tollgate_model $arg_m;', 'tollgate_cost 1;', 'tollgate_tier pro;',
    'tollgate_user $arg_u;', 'tollgate_on_error open;',
    'tollgate_timeout 1s;', 'tollgate_charge_on 2xx;',
    'tollgate_error_html on;', 'tollgate_error_shape openai;',
    'tollgate_strip_key on;', 'tollgate_headers off;',
    'tollgate_upgrade_url /a;', 'tollgate_topup_url /a;',
);
push @wrong, map { ["$redis\n$_->[0]; #here\n", $_->[1], $_->[0]] } (
    ['tollgate_zone catalog', qr/"catalog".*"name:size"/],
    ['tollgate_zone :1m', qr/":1m".*"name:size"/],
    ['tollgate_zone catalog:big', qr/"catalog:big".*"name:size"/],
    ['tollgate_zone catalog:1k', qr/"catalog:1k".*at least/],
    ['tollgate_zone catalog:1m refresh=0', qr/"refresh=0".*time/],
    ['tollgate_zone catalog:1m shards=0', qr/"shards=0".*number/],
    ['tollgate_zone catalog:1m shards=x', qr/"shards=x".*number/],
    ['tollgate_zone catalog:1m other=1', qr/"other=1".*"refresh=/],
    ["$zone\ntollgate_zone catalog:1m", qr/is duplicate/],
);
my $server = 'server { listen unix:%%DIR%%/nginx.sock; location / {';
push @wrong,
    ["$zone\n$server\ntollgate on; #here\n} }", qr/needs "tollgate_redis"/,
     'tollgate on without tollgate_redis'],
    ["$redis\n$server\ntollgate dry_run; #here\n} }",
     qr/needs "tollgate_zone"/, 'tollgate dry_run without tollgate_zone'],
    ["$server\ntollgate_status; #here\n} }", qr/needs "tollgate_zone"/,
     'tollgate_status without tollgate_zone'];

$t->spew('empty', "\n");
$t->spew('word', "hush\n");
$t->spew('long', 'x' x 600);

for my $row (@wrong) {
    my ($text, $message, $name) = @$row;

    my ($ok, $out) = $t->nginx_test($text);
    my ($directive) = $name =~ /(tollgate\w*)/;
    $name =~ s/\n.*//s;
    ok !$ok, "$name is refused";
    like $out, qr/\[emerg\].*$message/, "$name: the message says why";
    like $out, qr/\[emerg\].*"$directive"/, "$name: it names the directive";

    my $line = 0;
    for my $test_line (split /\n/, $t->slurp('test.conf')) {
        $line++;
        last if $test_line =~ /#here/;
    }
    like $out, qr/test\.conf:$line\b/, "$name: it names the line";
    unlike $out, qr/hush|x{100}/, "$name: it shows no password";
}

done_testing;
