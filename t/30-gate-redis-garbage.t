#!/usr/bin/perl
# Redis answers what it never should: the request gets its refusal, what it may
# have been charged is voided, and nginx lives.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::FakeRedis;

*decision = \&Tollgate::FakeRedis::decision;

my $t = Tollgate->new;
bless $t, 'Tollgate::Edge';
my $fake = Tollgate::FakeRedis->start($t, 'redis', tcp => 1);
$t->{workers} = 1;
$t->nginx($t->edge_conf(address => $fake->{address}, conf => <<'CONF'));
        tollgate on;
        tollgate_timeout 500ms;
        tollgate_cost 10;
        tollgate_headers legacy credits;
        location / { proxy_pass http://backend; }
        location /open {
            tollgate_on_error open;
            proxy_pass http://backend;
        }
CONF

my %key = ('X-API-Key' => Tollgate::make_key('Edge000001', '0' x 32));

# Waits for the gate to be connected: then an answer is a decision.
sub good {
    $fake->answer(decision());
    return $t->wait_for(sub { $t->get('/', %key)->{status} == 200 },
                        'the gate to recover');
}

ok good(), 'a decision in good order passes';
is $t->get('/', %key)->{json}{account}, 'Edge000001', 'with its account';

my $gate = decision();
my @rows = (
    ['no reply of Redis', "hello\r\n"],
    ['HTTP', "HTTP/1.1 200 OK\r\n\r\n"],
    ['an unknown type', "%1\r\n+a\r\n+b\r\n"],
    ['a status', "+OK\r\n"],
    ['an integer', ":1\r\n"],
    ['a string', "\$4\r\npass\r\n"],
    ['nil', "\$-1\r\n"],
    ['an array that is nil', "*-1\r\n"],
    ['an empty array', "*0\r\n"],
    ['an array in an array', "*2\r\n*1\r\n:1\r\n:1\r\n"],
    ['too few values', "*2\r\n:1\r\n:1\r\n"],
    ['too many values', $gate =~ s/\A\*28/*29/r . ":1\r\n"],
    ['a negative length', "\$-5\r\n"],
    ['a huge length', "\$99999999999\r\n"],
    ['a huge array', "*99999999\r\n"],
    ['a verdict that is unknown', decision(2 => ['$', 'maybe'])],
    ['a verdict that is an integer', decision(2 => [':', 1])],
    ['a verdict that is nil', $gate =~ s/\$4\r\npass/\$-1/r],
    ['credits that are a string', decision(8 => ['$', '10'])],
    ['more than there can be', decision(13 => [':', 8])],
    ['less than is there', decision(13 => [':', 3])],
    ['more that is a string', decision(13 => ['$', '7'])],
    ['a ticket that is too long', decision(26 => ['$', 'x' x 2049])],
    ['an epoch that is a string', decision(1 => ['$', '1'])],
    ['a time that is a string', decision(0 => ['$', '1'])],
    ['a huge number', decision(2 => ['$', 'credits_exhausted'],
                               10 => [':', '-9223372036854775808'])],
    ['zero bytes', "\0" x 100],
    ['half a decision and then the end', substr($gate, 0, 60) . 'CLOSE'],
    ['no reply but the end', 'CLOSE'],
);
for my $row (@rows) {
    my ($what, $bytes) = @$row;

    good();
    my $voids = grep { $_ eq 'void' } $fake->seen;
    $fake->answer($bytes);
    my $r = $t->get('/', %key);
    is "$r->{status} $r->{json}{code}", '503 store_unreachable',
        "$what: the request is refused";
    ok good(), "$what: the gate recovers";
    ok $t->wait_for(sub { $voids < grep { $_ eq 'void' } $fake->seen },
                    "$what: a void"), "$what: the outcome is voided";
}

# a limit of none with something left is odd, but a decision
good();
$fake->answer(decision(20 => [':', 0], 21 => [':', 5],
                       22 => [':', time + 1000]));
is $t->get('/', %key)->{headers}{'x-ratelimit-limit'}, 0,
    'a limit of 0 with something left is told as it is';

# a long reply in small pieces is no garbage; half of one is a hang
$fake->answer(substr $gate, 0, 60);
my $r = $t->get('/', %key);
is "$r->{status} $r->{json}{code}", '503 store_unreachable',
    'half a reply is waited for no longer than tollgate_timeout';
ok good(), 'and is given up';

good();
my $voids = grep { $_ eq 'void' } $fake->seen;
$fake->answer('CLOSE');
is $t->get('/open', %key)->{status}, 200, 'failing open, a request passes';
ok good(), 'the gate recovers';
is scalar(grep { $_ eq 'void' } $fake->seen), $voids,
    'and voids nothing, for it was served';

# a reply that nobody asked for
$fake->answer($gate . $gate);
$t->get('/', %key);
ok good(), 'one reply too many is borne';

is scalar(() = $t->error_log =~ /exited on signal/g), 0, 'no process died';

done_testing;
