#!/usr/bin/perl
# Sentinels and seeds that answer nonsense: nginx refuses at once, says why, and
# goes on as soon as one tells the truth.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Tollgate::Edge;
use Tollgate::FakeRedis;

my $conf = 'tollgate on; tollgate_cost 10;'
    . ' location / { proxy_pass http://backend; }';
my $t = Tollgate::Edge->new;
my $fake = Tollgate::FakeRedis->start($t, 'fake', tcp => 1);
$fake->answer(Tollgate::FakeRedis::decision());
my ($port) = $fake->{address} =~ /(\d+)$/;
my %key = ('X-API-Key' => Tollgate::make_key('Edge000001', 'x' x 32));

sub bulk { return '$' . length($_[0]) . "\r\n$_[0]\r\n" }
sub pair { return "*2\r\n" . bulk($_[0]) . bulk($_[1]) }

sub nodes {
    my ($address, $slots, $flags) = @_;

    return bulk(join ' ', 'a' x 40, $address, $flags // 'myself,master', '-',
                0, 0, 1, 'connected', "$slots\n");
}

sub info { return bulk("# Replication\r\nrole:$_[0]\r\n") }

# kind => [answers that are of no use, each with what the log says], the truth
my %kinds = (
    sentinel => [[
        ["-ERR unknown command\r\n", qr/refused to tell the masters/],
        ["*-1\r\n", qr/knows no master "x", hint/],
        ["\$-1\r\n", qr/knows no master "x", hint/],
        [":1\r\n", qr/unexpected reply/],
        ["*0\r\n", qr/unexpected reply/],
        [pair('127.0.0.1', 'port'), qr/unexpected reply/],
        [pair('127.0.0.1', 0), qr/unexpected reply/],
        [pair('127.0.0.1', 65536), qr/unexpected reply/],
        [pair('', $port), qr/unexpected reply/],
        [pair('redis.example.com', $port), qr/hint: have it announce address/],
        [pair('127.0.0.1', 1), qr/Connection refused/],
        [pair('::1', 1), qr/Connection refused|Cannot assign|unreachable/],
    ], pair('127.0.0.1', $port)],
    cluster => [[
        ["-ERR This instance has cluster support disabled\r\n",
         qr/refused to tell the masters/],
        ["\$-1\r\n", qr/unexpected reply/],
        ["*1\r\n:1\r\n", qr/unexpected reply/],
        [bulk(''), undef],
        [bulk("hello\n"), qr/unexpected reply/],
        [nodes("127.0.0.1:$port\@1", '0-16384'), qr/unexpected reply/],
        [nodes("127.0.0.1:$port\@1", '5-1'), qr/unexpected reply/],
        [nodes("127.0.0.1:$port\@1", 'x'), qr/unexpected reply/],
        [nodes('127.0.0.1', '0-16383'), qr/unexpected reply/],
        [nodes('node.example.com:1@2', '0-16383'),
         qr/hint: have it announce addresses/],
        [nodes("127.0.0.1:$port\@1", '0-16383', 'slave'), undef],
        [nodes("127.0.0.1:$port\@1", '0-16383', 'master,fail'), undef],
        [nodes('127.0.0.1:1@2', '0-16383'), qr/Connection refused/],
    ], nodes(":$port\@1,name", '0-100 101 102-16383 [93-<-' . 'b' x 40 . ']')],
);

for my $kind (sort keys %kinds) {
    my ($lies, $truth) = @{ $kinds{$kind} };

    $fake->tell(info => info('master'));
    for my $row (@$lies) {
        my ($answer, $log) = @$row;

        my $name = "$kind: " . substr $answer =~ s/\r\n/ /gr, 0, 50;
        $fake->tell($kind, $answer);
        $t->nginx_stop('TERM') if $t->{processes}{nginx};
        $t->spew('error.log', '');
        $t->nginx($t->edge_conf(conf => $conf, address => $fake->{address}
            . ($kind eq 'cluster' ? ' cluster' : ' sentinel=x')));
        my $start = time;
        is $t->get('/', %key)->{json}{code}, 'store_unreachable',
            "$name: requests are refused";
        cmp_ok time - $start, '<', 2, 'in time';
        $t->wait_for(sub { $t->error_log =~ $log }, "$name: the reason")
            if $log;
    }

    if ($kind eq 'sentinel') {
        $fake->tell(info => info('slave'));
        $fake->tell($kind, $truth);
        $t->wait_for(sub { $t->error_log =~ /is not the master that the sent/ },
                     'a replica that is named to be refused');
        is $t->get('/', %key)->{status}, 503, 'no request goes to it';
        $fake->tell(info => info('master'));
    }
    $fake->tell($kind, $truth);
    $t->wait_for(sub { $t->get('/', %key)->{status} == 200 },
                 "$kind: requests to pass");
    is $t->get('/', %key)->{status}, 200, "$kind: the truth mends it";
    unlike $t->error_log, qr/\[(?:alert|emerg)\]/, "$kind: no alert";
}

done_testing;
