#!/usr/bin/perl
# A JSON body that a backend may read otherwise than the gate is refused where
# the price depends on it, and costs nothing.

use strict;
use warnings;

use Encode ();
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $http = <<'HTTP';
    tollgate_json $model model;
    tollgate_json $role messages.0.role;
HTTP
my $t = Tollgate::Edge->begin(http => $http, conf => <<'CONF');
        tollgate on;
        client_max_body_size 4m;
        client_body_buffer_size 1k;
        location / {
            tollgate_model app:$model;
            tollgate_user $role;
            proxy_pass http://backend;
        }
        location /dry {
            tollgate dry_run;
            tollgate_headers verdict;
            tollgate_model app:$model;
            proxy_pass http://backend;
        }
        location /page {
            tollgate_model app:$model;
            error_page 400 413 = @page;
            client_max_body_size 100;
            proxy_pass http://backend;
        }
        location @page { tollgate_cost 1; proxy_pass http://backend; }
CONF
my $poor = $t->customer;
my $rich = $t->customer(avail => 1000);
my $type = 'application/json';
my $cheap = '{"model":"standard"}';

sub post {
    my ($c, $path, $body, $as) = @_;

    return $t->request('POST', $path, { 'X-API-Key' => $c->{key},
        'Content-Type' => defined $as ? $as : $type }, $body);
}

my ($none, $twice) = ('it is no JSON', 'a field stands twice');
my ($case, $utf8) = ('a field is written in another case', 'it is not UTF-8');
my ($short, $more) = ('it is cut short', 'more follows its end');
my ($control, $deep) = ('a field has control characters',
                        'it is nested too deeply');
my $what = 'its Content-Type is not that of JSON';
my $charset = 'its charset is not UTF-8';
my $nested = 'a field that decides the price is an object or an array';
my @refused = (
    ['{"model":"a","x":1,"model":"standard"}', $twice],
    ['{"mod\u0065l":"a","model":"standard"}', $twice],
    ['{"messages":[{"role":"a"}],"messages":0}', $twice],
    ['{"messages":[{"role":"a","role":"b"}]}', $twice],
    ['{"model":"standard","Model":"pro"}', $case],
    ['{"me\u017f\u017fages":[]}', $case],
    ["{\"me\x{c5}\x{bf}sages\":[]}", $case],
    ["\x{ef}\x{bb}\x{bf}$cheap", $none],
    [Encode::encode('UTF-16LE', $cheap), $none],
    [Encode::encode('UTF-16BE', $cheap), $none],
    ["$cheap$cheap", $more], ["$cheap,", $more], ["$cheap\0", $more],
    ['{"model":"standard"', $short], [' ', $short], ['"', $short], ['-', $none],
    ['{"model":"standard",}', $none], ["{'model':'standard'}", $none],
    ['{"model":standard}', $none], ['{"model":01}', $more =~ s/.*/$none/r],
    ['/**/{}', $none], ['{"a":"\x"}', $none], ["{\"a\":\"\n\"}", $none],
    ["{\"a\":\"\xff\"}", $utf8], ["{\"a\":\"\xc0\x80\"}", $utf8],
    ["{\"a\":\"\xed\xa0\x80\"}", $utf8],
    ['{"model\u0000":1,"model":"standard"}', $control],
    ['{"model":"standard\u0000"}', $control],
    ['{"model":"standard\r\nX-Admin: 1"}', $control],
    ['{"model":"\ud800"}', 'a field has half a character'],
    ['{"model":"' . 'x' x 513 . '"}', 'a field is too long'],
    ['{"model":["standard"]}', $nested], ['{"model":{"id":1}}', $nested],
    ['[' x 129 . ']' x 129, $deep],
    ["\x1f\x8b\x08\x00 gzip", $none],
    [$cheap, $what, 'text/plain'], [$cheap, $what, ''],
    [$cheap, $what, 'application/jsonx'], [$cheap, $what, 'json'],
    [$cheap, $what, 'text/html, application/json'],
    [$cheap, $what, [$type, 'application/x-www-form-urlencoded']],
    [$cheap, $charset, "$type; charset=utf-16"],
    [$cheap, $charset, "$type; charset=utf-8; charset=utf-7"],
);
for my $row (@refused) {
    my ($body, $why, $as) = @$row;
    my $answer = post($poor, '/', $body, $as);
    my $name = substr($body, 0, 40) =~ s/[^ -~]/?/gr . ' ' . (ref $as ? 'two types' : $as // '');
    is "$answer->{status} $answer->{json}{code} $answer->{json}{reason}",
        "400 body_invalid $why", "$name: $why";
}

# who has no credits gets as far as that: the body is no obstacle
for my $row ([$cheap], [$cheap, 'Application/JSON;charset="UTF-8"'],
    [$cheap, 'application/vnd.api+json'], ["\r\n\t $cheap \n"],
    ['{"a":{"model":0,"Model":[{"model":1}]},"model":"standard"}'],
    ['{"a":"\ud800 \u0000","model":"stand\u0061rd"}'],
    ['{"models":1,"mode":2,"model":"standard"}'],
    ['[' x 126 . '{"a":' . $cheap . '}' . ']' x 126, undef, 403],
    ['[{"model":"standard"}]', undef, 403], ['"standard"', undef, 403],
    ['-1.5e+10', undef, 403], ['', undef, 403])
{
    my ($body, $as, $status) = @$row;
    my $answer = post($poor, '/', $body, $as);
    is $answer->{status}, $status // 402,
        substr($body, 0, 40) . ' ' . ($as // '') . ': is read';
}
is tally($t, $poor, 7), '0 charged, 0 refunded, 0 left', 'and all of it is free';

# in a dry run it passes all the same; the page of an operator is shown
my $dry = post($rich, '/dry', '{');
is "$dry->{status} $dry->{headers}{'tollgate-verdict'}",
    '200 body_invalid; dry_run', 'a dry run refuses nothing';
is post($rich, '/page', '{')->{json}{uri}, '/page', 'error_page gets the refusal';
my $socket = $t->send_request($rich, 'POST', '/page', 'Content-Type' => $type,
                              'Transfer-Encoding' => 'chunked');
print {$socket} "c8\r\n" . 'x' x 200 . "\r\n0\r\n\r\n";
$socket->flush;
my $large = Tollgate::Http::read_response($socket);
is $large->{json}{uri}, '/page', 'and the one of a body that nginx refused';
is $large->{json}{account}, '', 'which is nobody to the backend';
my @mine;
$t->wait_for(sub {
    @mine = grep { $_->{verdict} eq 'body_invalid' } $t->usage('-');
    @mine >= @refused + 3
}, 'a record of each');
is scalar @mine, @refused + 3, 'and no other';
is $t->avail($rich), 1_000_000_000, 'none of them is charged';

done_testing;
