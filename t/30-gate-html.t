#!/usr/bin/perl
# Pages of refusals: who gets one instead of JSON, in which language, and that
# nothing in them runs, whatever a client or a URL says.

use strict;
use warnings;

use Digest::SHA ();
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        tollgate_topup_url "https://example.com/topup?a=1&b=$arg_b";
        tollgate_upgrade_url $arg_url;
        location / { proxy_pass http://backend; }
        location /pro { tollgate_model app:pro; proxy_pass http://backend; }
        location /model {
            tollgate_model $http_x_model;
            proxy_pass http://backend;
        }
        location /json { tollgate_error_html off; proxy_pass http://backend; }
        location /openai {
            tollgate_error_shape openai;
            proxy_pass http://backend;
        }
CONF
my $c = $t->customer(avail => 1.5);
my $browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,'
    . 'image/avif,image/webp,*/*;q=0.8';

sub page {
    my ($path, %headers) = @_;

    return $t->call($c, 'GET', $path, Accept => $browser, %headers);
}

# Accept, and whether it gets a page
for my $row (
    [$browser, 1], ['text/html', 1], ['TEXT/HTML', 1], ['text/*', 1],
    ['application/json;q=0.9, text/html', 1], [' text/html ; q=0.2 ', 1],
    ['text/html;level=1;q=0.5, */*;q=0.4', 1], ["text/html\t;\tq=1", 1],
    ['text/html, application/*;q=0.9', 1], [',,text/html,', 1],
    ['text/html, application/json;q=0', 1],
    [undef, 0], ['', 0], ['*/*', 0], ['application/json', 0],
    ['application/json, text/plain, */*', 0], ['text/html, */*', 0],
    ['text/html, application/json', 0], ['text/html;q=0', 0],
    ['text/html;q=0.5, application/json', 0], ['text/html;q=high', 0],
    ['text/html;q=1.001', 0], ['text/html;q=0.5, application/*', 0],
    ['text/html;q=0.8, application/problem+json;q=0.9', 0],
    ['text/*, text/html;q=0.1, */*;q=0.5', 0], ['text/htm', 0],
    ['text/html5', 0], [';q=1', 0], ['text/html;q=', 0],
) {
    my ($accept, $html) = @$row;

    my $r = $t->call($c, 'GET', '/', Accept => $accept);
    is "$r->{status} $r->{headers}{'content-type'}",
        $html ? '402 text/html; charset=utf-8' : '402 application/problem+json',
        'Accept: ' . ($accept // '(none)') . ($html ? ' is HTML' : ' is JSON');
    is $r->{headers}{vary}, 'Accept, Accept-Language',
        'a cache is told what it depends on';
}

# what the page is
my $r = page('/?b=%22%3E%3Cb%3E');
my ($h, $body) = ($r->{headers}, $r->{body});
like $body, qr{\A<!DOCTYPE html><html lang="en">.*</html>\r\n\z}s, 'a page';
is $h->{'content-length'}, length $body, 'of its length';
like $body, qr{<title>Out\ of\ credit</title>.*<p>402</p><h1>Out\ of\ credit</h1>
    <p>The\ account\ has\ too\ few\ credits\ for\ this\ request\.</p>}x,
    'says what happened';
like $body, qr{<dt>Plan</dt><dd>payg</dd><dt>Credits\ needed</dt><dd>10</dd>
               <dt>Credits\ available</dt><dd>1\.5</dd></dl>}x, 'why';
like $body, qr{<a\ href="https://example\.com/topup\?a=1&amp;b=
               %22%3E%3Cb%3E">Top\ up</a>}x, 'what to do about it';
like $body, qr{<code>$h->{'request-id'}</code>}, 'and which request it was';
my ($style) = $body =~ m{<style>(.*?)</style>}s;
my $hash = Digest::SHA::sha256_base64($style) . '=';
is $h->{'content-security-policy'}, "default-src 'none'; style-src "
    . "'sha256-$hash'; base-uri 'none'; form-action 'none'; "
    . "frame-ancestors 'none'", 'it may load and run nothing but its style';
is $h->{'referrer-policy'}, 'no-referrer', 'its URL, which may hold a key, '
    . 'goes nowhere';
is $h->{'x-content-type-options'}, 'nosniff', 'it is not guessed at';
unlike $body, qr/<script|\son\w+=|\ssrc=|<link|\@import|url\(/,
    'it loads nothing';
is "$h->{'cache-control'} $h->{'x-should-retry'}", 'no-store false',
    'it has the headers of a refusal';
is $t->call($c, 'HEAD', '/', Accept => $browser)->{headers}{'content-type'},
    'text/html; charset=utf-8', 'HEAD is told of the page';

# languages
my %title = (en => 'Out of credit', th => 'เครดิตไม่พอ', id => 'Kredit tidak cukup');
my %action = (en => 'Top up', th => 'เติมเครดิต', id => 'Isi ulang kredit');
for my $row (
    [undef, 'en'], ['th', 'th'], ['TH-th', 'th'], ['id-ID,id;q=0.9', 'id'],
    ['de-DE,de;q=0.9,th;q=0.8,en;q=0.7', 'th'], ['de, fr', 'en'],
    ['en;q=0.5, id;q=0.6', 'id'], ['th;q=0, id;q=0.1', 'id'], ['*', 'en'],
    ['thx, idx', 'en'], ['th,id', 'th'], ['t', 'en'], ['th;q=2', 'en'],
) {
    my ($accept, $lang) = @$row;

    $r = page('/', 'Accept-Language' => $accept);
    my $name = 'Accept-Language: ' . ($accept // '(none)');
    is $r->{headers}{'content-language'}, $lang, "$name is $lang";
    like $r->{body}, qr{<html lang="$lang">.*<h1>$title{$lang}</h1>},
        "$name: in its words";
    like $r->{body}, qr{">$action{$lang}</a>}, "$name: the action too";
}
for my $lang (qw(th id)) {
    $r = $t->get('/', Accept => $browser, 'Accept-Language' => $lang);
    like $r->{body}, qr{<h1>[^<]+</h1><p>[^<]*Bearer &lt;key&gt;&quot;}i,
        "$lang: markup in a text is escaped";
}

# URLs and values that are not what they should be
for my $row (['https://a.example/', 1], ['http://a.example/', 1],
             ['/plans', 1], ['HTTPS://a.example/', 1], ['', 0],
             ['javascript:alert(1)', 0], ['data:text/html,x', 0],
             ['plans', 0]) {
    my ($url, $link) = @$row;

    $r = page("/pro?url=$url");
    is $r->{status}, 403, "a page with the URL \"$url\"";
    $link ? like $r->{body}, qr{<a href="\Q$url\E">Upgrade</a>}, 'links there'
          : unlike $r->{body}, qr/<a|javascript|data:/, 'does not link there';
}
my $model = q{<img src=x onerror='x'>&"};
$r = page('/model', 'X-Model' => $model);
like $r->{body}, qr{<dd>&lt;img src=x onerror='x'&gt;&amp;&quot;</dd>},
    'what the client said is escaped';

# who turned it off
$r = page('/json');
is $r->{headers}{'content-type'}, 'application/problem+json',
    'tollgate_error_html off speaks JSON to all';
is $r->{headers}{vary}, undef, 'whatever they accept';
like page('/openai')->{headers}{'content-type'}, qr{^text/html},
    'a page goes with any shape';

done_testing;
