#!/usr/bin/perl
# One download is one, whatever a client makes of it: ranges, parallel ones,
# retries, failures, clients that leave, and a Redis that is down.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Tollgate::Edge;
use Tollgate::FlawedRedis;
use Tollgate::Gate;
use Tollgate::Link;

my $secrets = secret_file();
my $t = Tollgate::Edge->begin(workers => 2, conf => <<"CONF", http => <<'HTTP');
        set_real_ip_from unix:;
        real_ip_header X-Real-IP;
        tollgate_link_secret $secrets;
        tollgate_link on;
        tollgate_feature image.generate;
        location /files/ { tollgate on; if_modified_since before; alias %%DIR%%/files/; }
        location /backend { tollgate on; proxy_pass http://backend; }
        location /slow { tollgate on; proxy_pass http://slow; }
        location /lost { tollgate on; tollgate_redis unix:%%DIR%%/flawed.sock; proxy_pass http://backend; }
        location /open { tollgate on; tollgate_on_error open; proxy_pass http://backend; }
        location /stale { tollgate on; tollgate_on_error stale; proxy_pass http://backend; }
CONF
    upstream slow { server unix:%%DIR%%/slow.sock; }
HTTP
mkdir "$t->{dir}/files";
my $bytes = join '', map { sprintf "%09d\n", $_ } 0 .. 99_999;
$t->spew('files/big.bin', $bytes);
my $c = $t->customer(avail => 100_000);
my $n = 0;
sub link_to {
    my ($path, %claims) = @_;
    return signed(claims(account => $c->{account}, id => sprintf('range%07d', ++$n), %claims), $path);
}

# Starts curl on a URL, in the background; what it wrote is in the file.
sub curl {
    my ($url, @options) = @_;
    my $file = "$t->{dir}/out." . ++$n;
    my $pid = fork // die "fork: $!\n";
    return [$pid, $file] if $pid;
    open STDOUT, '>', "$file.code";
    exec 'curl', '-s', '-o', $file, '-w', '%{http_code}', '--unix-socket', "$t->{dir}/nginx.sock", @options, "http://x$url";
}

# Statuses and bodies of these, once they have ended.
sub fetched { return map { waitpid $_->[0], 0; [$t->slurp("$_->[1].code"), $t->slurp($_->[1])] } @_ }

sub spent {
    my ($code) = @_;
    my $before = $t->avail($c);
    my $told = $code->();
    return "$told, " . ($before - $t->avail($c)) / 1e6;
}

sub downloads { my ($url) = @_; my ($id) = $url =~ /\.(range\d+)\./;
    return $t->r('HGET', 'tg:{' . Tollgate::shard($c->{account}) . "}:d:$c->{account}:$id", 'n') // 'none' }

# A download manager: a HEAD, eight ranges at once, and what was broken off again.
my $url = link_to('/files/big.bin', max => 1);
my $size = length $bytes;
my @whole;
is spent(sub {
    my @codes = map { $_->[0] } fetched(curl($url, '-I'));
    my $part = $size / 8;
    my @parts = fetched(map { curl($url, '-r', $_ * $part . '-' . (($_ + 1) * $part - 1)) } 0 .. 7);
    @whole = map { $_->[1] } @parts;
    push @codes, map { $_->[0] } @parts,
        fetched(map { curl($url, @$_) } ['-r', '999000-'], ['-r', '5000000-'], ['-H', "If-None-Match: x", '-r', '0-0'],
                ['-H', 'If-Modified-Since: Sun, 01 Jan 2040 00:00:00 GMT'], ['-r', '0-1,100-101']);
    return "@codes";
}), '200' . ' 206' x 9 . ' 416 206 304 206, 10', 'a download in ranges is charged once';
ok join('', @whole) eq $bytes, 'and is whole';
is downloads($url), 1, 'and counted once';
is +(fetched(curl($url, '-H', 'X-Real-IP: 203.0.113.1')))[0][0], 403, 'for another client there is none left';

# Many clients at once: no more than the limit, on two nginx workers.
$url = link_to('/files/big.bin', max => 5);
my %codes;
is spent(sub {
    $codes{ $_->{status} }++ for $t->parallel(map {
        ['GET', $url, { Range => 'bytes=0-9', 'X-Real-IP' => '203.0.113.' . $_ % 20 }] } 1 .. 100);
    return join ' ', map { "$_: $codes{$_}" } sort keys %codes;
}), '206: 25 403: 75, 50', 'five of twenty clients that come at once, each five times, are five downloads';
is downloads($url), 5, 'which is the limit';

# What fails is given back; what joined it is not charged for it.
my $fails = signed(claims(account => $c->{account}, id => 'range0fails1', max => 1), '/backend', query => 'status=500');
my $before = $t->avail($c);
is $t->get($fails)->{status}, 500, 'a backend fails';
$t->wait_for(sub { $t->avail($c) == $before }, 'credits to return');
my $left = 'tg:{' . Tollgate::shard($c->{account}) . "}:d:$c->{account}:range0fails1";
is $t->r('HGET', $left, 'n'), 0, 'its count returns';
is $t->get($fails)->{status}, 500, 'so that there is another attempt';
ok $t->wait_for(sub { $t->avail($c) == $before }, 'credits'), 'which costs nothing either';

# A client that leaves while the backend works has begun: its retry is free.
my $listener = $t->listener('slow');
$url = link_to('/slow', max => 1);
is spent(sub {
    my $socket = $t->send_request({ key => 'none' }, GET => $url);
    my ($backend) = $t->accepted($listener);
    close $socket;
    $t->wait_for(sub { grep { $_->{status} == 499 } $t->usage($c->{account}) }, 'the client to be gone');
    my $retry = $t->send_request({ key => 'none' }, GET => $url);
    ($backend) = $t->accepted($listener);
    print {$backend} "HTTP/1.0 200 OK\r\n\r\nhello";
    close $backend;
    return Tollgate::Http::read_response($retry)->{body};
}), 'hello, 10', 'an attempt that was broken off and its retry are one download';

# A link that expires while it is answered is not cut off.
$url = link_to('/slow', expires => time + 2);
my $socket = $t->send_request({ key => 'none' }, GET => $url);
my ($backend) = $t->accepted($listener);
print {$backend} "HTTP/1.0 200 OK\r\n\r\nfirst ";
$backend->flush;
$t->wait_for(sub { $t->get($url)->{json}{code} eq 'link_expired' }, 'the link to expire');
print {$backend} 'and last';
close $backend;
is Tollgate::Http::read_response($socket)->{body}, 'first and last', 'what was begun goes on when the link has expired';

# Without Redis.
my @urls = map { link_to($_) } '/files/big.bin', '/stale', '/open';
is $t->get($urls[1])->{status}, 200, 'a link serves';
$t->redis_stop;
is join(' ', map { $t->get($_)->{status} } @urls), '503 503 200', 'without Redis a link serves where it is open alone';
$t->redis_start;
$t->plan('payg');
$t->wait_for(sub { grep { $_->{verdict} eq 'pass_open' } $t->usage($c->{account}) }, 'a record of it');
my ($record) = grep { $_->{verdict} eq 'pass_open' } $t->usage($c->{account});
is join(' ', @{$record}{qw(cost cost_units download app)}) . ($record->{key} =~ /^dl_range/ ? ' link' : $record->{key}),
    '0 0 0 app_0000000001 link', 'which owes nothing, with the account that signed';

# A reply that is lost: the client got nothing, so its next attempt counts.
$c = $t->customer(avail => 1000);
my $flawed = Tollgate::FlawedRedis->start($t);
$t->wait_for(sub { $t->get(link_to('/lost'))->{status} == 200 }, 'the flawed Redis');
$url = link_to('/lost', max => 1);
$flawed->flaw('evalsha', 0, 1, 'LOSE');
is $t->get($url)->{status}, 503, 'a reply is lost';
$t->wait_for(sub { downloads($url) eq '0' }, 'its count to return');
is spent(sub { $t->wait_for(sub { $t->get($url)->{status} == 200 }, 'a retry') }), '1, 10', 'the retry is a download of its own';
is downloads($url), 1, 'and is counted';
is scalar(grep { $_->{k} eq 'void' } events($t, $c->{account})), 1, 'what the lost one cost is for the ledger to find out';
done_testing;
