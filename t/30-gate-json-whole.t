#!/usr/bin/perl
# A body that the price depends on and that doesn't come whole: nobody pays for
# it, and it is told as what it is.  And what is no path of a field.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(http => 'tollgate_json $model model;',
                              conf => <<'CONF');
        tollgate on;
        tollgate_model app:$model;
        client_max_body_size 4m;
        client_body_timeout 500ms;
        lingering_timeout 200ms;
        location / { proxy_pass http://backend; }
CONF
$SIG{PIPE} = 'IGNORE';

sub begin {
    my ($customer, $rest) = @_;

    my $socket = $t->send_request($customer, 'POST', '/', map { split /: / }
        'Content-Type: application/json', split /\r\n/, (split /\r\n\r\n/, $rest)[0]);
    print {$socket} $rest =~ s/\A.*?\r\n\r\n//sr;
    $socket->flush;

    return $socket;
}

sub chunks {
    my ($part) = @_;

    return "Transfer-Encoding: chunked\r\n\r\n"
        . sprintf("%x\r\n%s\r\n0\r\n\r\n", length $part, $part);
}

# what never comes whole costs nothing, and is told as what it is
my $early = $t->customer(avail => 100);
my @rows = (
    ["Content-Length: 100\r\n\r\n{\"mod", 408, 'a body that is too slow'],
    ["Transfer-Encoding: chunked\r\n\r\nx\r\n", 400, 'chunks that are none'],
    [chunks('x' x 5_000_000), 413, 'chunks that grow too large'],
);
for my $row (@rows) {
    my ($rest, $status, $what) = @$row;
    my $answer = Tollgate::Http::read_response(begin($early, $rest));
    ok $answer->{status} == $status || $answer->{status} == 0, $what;
}
close begin($early, "Content-Length: 100\r\n\r\n{\"model\":");
$t->wait_for(sub { grep({ $_->{verdict} =~ /body_invalid|client_gone/ }
    $t->usage('-')) == 4 }, 'records of them');
is join(' ', sort map { "$_->{verdict}:$_->{status}" }
        grep { $_->{verdict} !~ /key/ } $t->usage('-')),
    'body_invalid:400 body_invalid:408 body_invalid:413 client_gone:400',
    'each has a record';
is tally($t, $early, 0), '0 charged, 0 refunded, 100 left', 'and none is charged';

# what nginx -t says
for my $row (['model m;', qr/invalid variable "model"/],
    ['$ m;', qr/invalid variable "\$"/], ['$a a..b;', qr/joined by dots/],
    ['$a ' . 'x' x 129 . ';', qr/joined by dots/],
    ['$a m; tollgate_json $b m;', qr/field of another variable/],
    ['$a m; tollgate_json $b m.n;', qr/field of another variable/],
    ['$a m.n; tollgate_json $b m;', qr/part of the path of another/],
    ['$a m; tollgate_json $a n;', qr/duplicate "a" variable/])
{
    my ($ok, $out) = $t->nginx_test("tollgate_json $row->[0]");
    ok !$ok, "tollgate_json $row->[0] is refused";
    like $out, $row->[1], 'with its reason';
}

done_testing;
