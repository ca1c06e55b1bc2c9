#!/usr/bin/perl
# Signed download links at the edge: what serves, what does not and what it is
# told, and that nothing of the account is.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP ();
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;
use Tollgate::Link;

my $secrets = secret_file($Tollgate::Link::SECRET, 'the-other-secret-of-download-links');
my $vector_secret = '0123456789abcdef0123456789abcdef';
my $vector_file = secret_file($vector_secret);
my $t = Tollgate::Edge->begin(conf => <<"CONF", http => <<'HTTP');
        set_real_ip_from unix:;
        real_ip_header X-Real-IP;
        tollgate_link_secret $secrets;
        location / {
            tollgate on;
            tollgate_link on;
            tollgate_feature image.generate;
            proxy_pass http://backend;
        }
        location /own { tollgate on; tollgate_link on; tollgate_key \$http_x_my_key; proxy_pass http://backend; }
        location /files { tollgate on; tollgate_link on; tollgate_link_secret $vector_file; proxy_pass http://backend; }
        location /moved { rewrite ^/moved(.*) /to\$1 break; tollgate on; tollgate_link on; proxy_pass http://backend; }
        location /dry { tollgate dry_run; tollgate_link on; tollgate_headers verdict; proxy_pass http://backend; }
        location /tier { tollgate on; tollgate_link on; tollgate_tier pro; proxy_pass http://backend; }
        location /off { tollgate on; proxy_pass http://backend; }
        location /accel { tollgate on; tollgate_link on; tollgate_cost 1; proxy_pass http://accel; }
        location /inside/ { internal; alias %%DIR%%/; }
        location = /self { tollgate_self quota; tollgate_link on; }
CONF
    upstream accel { server unix:%%DIR%%/nginx-accel.sock; }
    server { listen unix:%%DIR%%/nginx-accel.sock;
        location / { add_header X-Accel-Redirect /inside/file.bin; return 200; } }
HTTP
$t->spew('file.bin', 'x' x 1000);
my $c = $t->customer(avail => 1000);
my $n = 0;

# What a request by a link comes to: its verdict, or the status, and what it cost.
sub outcome {
    my ($url, %opt) = @_;
    my $before = $t->avail($c);
    my $r = $t->request($opt{method} // 'GET', $url, $opt{headers} // {});
    return ($r->{status} < 400 ? $r->{status} : $r->{json}{code}) . ' ' . ($before - $t->avail($c)) / 1e6, $r;
}
sub link_of { return claims(account => $c->{account}, id => sprintf('link%08d', ++$n), @_) }
sub one { return (outcome(@_))[0] }

# The test vector of the documentation.
my ($vector) = $t->slurp("$t->{root}/docs/downloads.md") =~ m{^(/\S+\?tg=1\.\S+)$}m;
is signed('1.3kTq0ZbW9x.0123456789.4fG7hJ2kLm.1893456000.3.3600.-.-', '/files/report 2030.pdf',
    secret => $vector_secret), $vector, 'links are signed as documented';
$t->wallet('3kTq0ZbW9x', avail => 100, 'a:app_0123456789' => 'active');
like one($vector), qr/^(?:200|link_expired) /, 'and the gate takes the documented one';
is one($vector =~ s/report/other/r), 'link_invalid 0', 'for its path alone';

my $claims = link_of();
my ($told, $r) = outcome(signed($claims, '/f'));
is $told, '200 10', 'a link serves without a key, for the price of the location';
is_deeply [@{ $r->{json} }{qw(account app)}], [$c->{account}, 'app_0000000001'], 'the backend is told whose it is';
is_deeply [grep { /^(?:ratelimit|tollgate-|x-ratelimit)/i } keys %{ $r->{headers} }], [], 'the client is told nothing of the account';
is one(signed($claims, '/f')), '200 0', 'what it asks for again is the same download';
is one(signed(link_of(feature => 'video.view'), '/f')), '200 2.5', 'a feature of the link goes before that of the location';
is one(signed(link_of(), '/f', secret => 'the-other-secret-of-download-links')), '200 10', 'the second secret is as good';
is one(signed(link_of(), '/f'), method => 'HEAD'), '200 0', 'HEAD costs nothing';

# Paths and arguments.
is one(signed(link_of(), $_)), '200 10', "the path $_" for '/a b%/c?d#e', "/\xe0\xb8\x81", '/%2e%2e', '/a&tg=b', '/x.y-z~';
my $url = signed(link_of(), '/f/g');
is one($url =~ s{^/f}{$_}r), '200 ' . ($_ eq '/%66' ? 10 : 0), "$_ is the same path" for '/%66', '/x/../f', '//f', '/./f';
is one($url =~ s{/f/g}{$_}r), 'link_invalid 0', "$_ is another" for '/f/G', '/f/g/', '/f', '/f/g/h', '/f/%2567', '/';
is one(signed(link_of(), '/f', query => 'size=l&v=%41')), '200 10', 'arguments are signed with it';
my $args = signed(link_of(), '/f', query => 'size=l');
is one($args =~ s/size=l/$_/r), 'link_invalid 0', "$_ is another argument" for 'size=xl', 'size=l&x=1', '', 'size=%6c', 'tg=1';
is one("$args$_"), 'link_invalid 0', "$_ may not follow" for '&x=1', '&', '&tg=1', '=', 'A', '%00';
is one($args =~ s/([.-])/sprintf '%%%02X', ord $1/ger =~ s/%2E/./r =~ s/tg=1%2E/tg=1./r), '200 10', 'escapes that nobody needs are none';
is one(signed(link_of(), '/moved/x')), 'link_invalid 0', 'a path that was rewritten is that which it became';
is one(signed(link_of(), '/to/x') =~ s{/to}{/moved}r), '200 0', 'which can be signed';

# Tokens that are none; all get the same answer.
my @parts = split /\./, link_of();
my @mac = signed(join('.', @parts), '/f') =~ /\.([\w-]{43})$/;
my %answers;
for my $row (['' => 0], ['x'], ["1.$mac[0]"], [join('.', @parts)], [join('.', @parts, substr $mac[0], 1)],
    [join('.', @parts, $mac[0] =~ s/^./$& eq 'A' ? 'B' : 'A'/er)], [join('.', @parts, $mac[0] . '=')], ['%zz' x 5], ['1.' x 200])
{
    my ($code, $r) = outcome("/f?tg=$row->[0]");
    is $code, 'link_invalid 0', 'no token: ' . substr $row->[0], 0, 60;
    $answers{ $r->{body} =~ s/\w{32}/ID/gr }++;
}
for my $bad ([0 => 2], [1 => 'short'], [1 => 'Edge00000!'], [2 => '012345678'], [3 => 'short'], [3 => 'x' x 33], [4 => 0], [4 => -1],
    [4 => '9' x 12], [4 => '1e9'], [5 => -1], [5 => 'x'], [5 => '1' x 10], [6 => 0], [6 => 604801], [6 => '0' x 10 . '60x'], [7 => '0a000000'],
    [7 => '0a000000/33'], [7 => '0A000000/8'], [7 => '0a/8'], [7 => '/'], [7 => ''], [7 => '0a000000/'], [8 => ''], [8 => 'a/b'],
    [8 => 'x' x 65], [1 => 'Nobody0001'])
{
    my @claims = @parts;
    $claims[$bad->[0]] = $bad->[1];
    my ($code, $r) = outcome(signed(join('.', @claims), '/f'));
    is $code, 'link_invalid 0', "signed, but part $bad->[0] is @{[ substr $bad->[1], 0, 12 ]}";
    $answers{ $r->{body} =~ s/\w{32}/ID/gr }++;
}
is scalar keys %answers, 1, 'and all of them are told the same';

# What a link that is ours is refused for, in the order of these.
my $docs = $t->slurp("$t->{root}/docs/verdicts.md");
my $over = link_of(expires => time, network => '0a000000/8');
for my $row ([$over, {}, 'link_expired', 410], [link_of(network => '0a000000/8'), { 'X-Real-IP' => '11.0.0.1' }, 'ip_forbidden', 403],
    [link_of(), {}, 'method_forbidden', 403, 'POST'], [link_of(app => 'app_none000000'), {}, 'app_suspended', 403])
{
    my ($link, $headers, $code, $status, $method) = @$row;
    my ($told, $r) = outcome(signed($link, '/f'), headers => $headers, method => $method);
    is "$told $r->{status}", "$code 0 $status", "refused: $code";
    is_deeply [sort keys %{ $r->{json} }], [qw(code detail error request_id status title type)], 'and told no more';
}
is one(signed(link_of(network => $_->[0]), '/f'), headers => { 'X-Real-IP' => $_->[1] }), $_->[2], "$_->[1] and $_->[0]" for
    ['cb007100/24', '203.0.113.9', '200 10'], ['cb007100/25', '203.0.113.128', 'ip_forbidden 0'], ['cb007100/25', '203.0.113.127', '200 10'],
    ['cb007100/24', '2001:db8::1', 'ip_forbidden 0'], ['20010db8' . '0' x 24 . '/35', '2001:db8:1fff::', '200 10'],
    ['20010db8' . '0' x 24 . '/35', '2001:db8:2000::', 'ip_forbidden 0'], ['00000000/0', '203.0.113.9', '200 10'];
is one(signed(link_of(feature => 'no.such'), '/f')), 'feature_unknown 0', 'a feature that the catalog does not have';
is one(signed(link_of(), '/tier')), 'tier_required 0', 'a tier that the plan of the account does not have';
is +(outcome(signed(link_of(), '/tier')))[1]{json}{plan}, undef, 'which is not told';

# Beside keys.
is one('/f', headers => { 'X-API-Key' => $c->{key} }), '200 10', 'without a token it is for keys as everywhere';
is one('/f'), 'key_missing 0', 'and wants one';
is one('/f?tg=x', headers => { 'X-API-Key' => $c->{key} }), 'link_invalid 0', 'a token goes before a key';
($told, $r) = outcome(signed(link_of(), '/own'), headers => { 'X-My-Key' => 'tg_live_x' });
is $told, '200 0', 'a key beside a link is not looked at';
is one(signed(link_of(), '/off')), 'key_missing 0', 'where links are off there are none';
is one(signed(link_of(), '/self')), 'key_missing 0', 'and no account is shown to one';
is one(signed(link_of(), '/accel')), '200 1', 'X-Accel-Redirect serves what it stands for';
is +(outcome('/dry?tg=x'))[1]{headers}{'tollgate-verdict'}, 'link_invalid; dry_run', 'a dry run refuses none';
$t->r('HSET', Tollgate::wallet_key($c->{account}), state => 'suspended');
is one(signed(link_of(), '/f')), 'account_suspended 0', 'of a suspended account no link serves';

my @used = $t->used($c->{account}, 20);
is scalar(grep { $_->{download} && $_->{key} !~ /^dl_link\d{8}$/ } @used), 0, 'usage records have the link as the key';
is scalar(grep { $_->{download} } @used), scalar(grep { $_->{credits} > 0 && $_->{key} =~ /^dl_/ } @used) + 2,
    'and say which requests counted, two of them for nothing';
done_testing;
