#!/usr/bin/perl
# A metered stream for which no more can be held is cut behind a whole event, and
# costs what was delivered.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::H2;
use Tollgate::Hold;
use Tollgate::Stream;

my $more = 'extend=10 cutoff';
my ($t, $listener) = begin(['/cut', $more],
    ['/hold', "$more; tollgate_meter auto on_abort=hold"],
    ['/drain', "$more; tollgate_meter auto on_abort=drain"],
    ['/gzip', "$more; gzip on; gzip_types *"]);
my ($c, $socket, $backend, $text, $ended);

# The event under way is the last.
for my $path ('/cut', '/hold', '/drain', '/gzip') {
    $c = $t->customer(avail => 25);
    ($socket, $backend) = stream($c, $path, 'Accept-Encoding' => 'gzip');
    feed($backend, tokens(6));
    $t->wait_for(sub { held($c) == 20 }, 'more to be held');
    my ($half, $other) = tokens(12) =~ /\A(.{80})(.*)\z/s;
    refused($backend, $half);
    feed($backend, $other . tokens(9) . tokens(9));
    ($text, $ended, my $head) = rest($socket);
    ok !$ended && $head =~ / 200 OK/, "$path: it is cut";
    $text = Compress::Zlib::inflateInit(-WindowBits => 31)->inflate($text)
        if $path eq '/gzip';
    is $text, tokens(6) . tokens(12), 'behind a whole event';
    is settled($c, '7 0'), '7 0', 'it costs what was delivered';
    my ($seq, %seen) = register($t, $c->{account}, 25_000_000);
    is "$seq $seen{hold} $seen{commit}", '3 2 1', 'once';
    close $backend;
}

# The backend is silent behind a whole event; HTTP/2.
for my $h2 (0, 1) {
    $c = $t->customer(avail => 15);
    my ($client, $id);
    if ($h2) {
        $client = Tollgate::H2->new("$t->{dir}/nginx-h2.sock");
        $id = $client->open_stream('GET', '/cut', { 'x-api-key' => $c->{key} });
        $client->flush;
        ($backend) = $t->accepted($listener);
        feed($backend, $start);
    } else {
        ($socket, $backend) = stream($c, '/cut');
    }
    refused($backend, tokens(6));
    my $stream = $h2 ? $client->answer($id) : undef;
    ($text, $ended) = $h2 ? ($stream->{body}, !$stream->{reset}) : rest($socket);
    is $text, tokens(6), 'what came is delivered';
    ok !$ended, 'and it ends, though the backend is silent';
    is settled($c, '9 0'), '9 0', 'for what was delivered';
    is sysread($backend, my $nothing, 1), 0, 'the backend is let go';
}

# What has told its usage, and has it held, comes to its end.
$c = $t->customer(avail => 15);
($socket, $backend) = stream($c, '/cut');
refused($backend, tokens(1) . usage_told(8));
close $backend;
($text, $ended) = rest($socket);
ok $ended, 'a stream that has told its usage is not cut';
is settled($c, '7 0'), '7 0', 'and costs that';


# Redis dies: it runs on for as much as would have been held.
$c = $t->customer(avail => 100);
($socket, $backend) = stream($c, '/cut');
$t->r('SAVE');
$t->redis_stop('KILL');
$t->wait_for(sub { !defined feed($backend, tokens(1)) }, 'the cut');
($text, $ended) = rest($socket);
my $count = () = $text =~ /\n\n/g;
ok !$ended && $text =~ /\n\n\z/, 'a stream without Redis is cut';
cmp_ok $count, '>', 20, 'when it came to more than would be held';
cmp_ok $count, '<', 30, 'but not much more';
$t->redis_start;
my $left = 100 - $count;
is settled($c, "$left 0"), "$left 0", 'it pays for that once Redis is back';
unlike $t->error_log, qr/\[alert\]/, 'without an alert';

done_testing;
