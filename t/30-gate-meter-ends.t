#!/usr/bin/perl
# Responses of which nothing can be told, those that tell what is no count, and
# those that tell more than once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

push @Tollgate::Edge::CATALOG, 'tokens app:standard 1000000 1000000 1000000';

my $t = Tollgate::Edge->begin(http => <<'HTTP', conf => <<'CONF');
    log_format meter '$uri $tollgate_metered $tollgate_tokens_input '
        '$tollgate_tokens_cached $tollgate_tokens_output $tollgate_tokens_cost';
HTTP
        access_log %%DIR%%/meter.log meter;
        tollgate on;
        tollgate_model app:standard;
        tollgate_meter auto;
        location / { proxy_pass http://unix:%%DIR%%/hand.sock; }
CONF
my $listener = $t->listener('hand');
my $c = $t->customer(avail => 10_000);
$SIG{PIPE} = 'IGNORE';

sub metered {
    my ($path) = @_;

    my $line;
    $t->wait_for(sub {
        ($line) = $t->slurp("$t->{dir}/meter.log") =~ m{^\Q$path\E (.*)$}m;
    }, "the line of $path");

    return $line;
}

sub passed {
    my ($path, $answer, %opt) = @_;

    my $socket = $t->send_request($c, $opt{method} // 'GET', $path);
    my ($backend) = $t->accepted($listener);
    print {$backend} $answer;
    close $backend;

    return Tollgate::Http::read_response($socket)->{body};
}

# nothing is told, or what is no count; the last of more counts
my $json = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n";
my $sse = "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
my $usage = '"usage":{"prompt_tokens":3,"completion_tokens":%s}';
my @rows = (
    ['/missing', "$json\{\"choices\":[]}", 'missing - - - -'],
    ['/html', "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n{" .
        sprintf("$usage}", 5), 'missing - - - -'],
    ['/error', "HTTP/1.0 429 No\r\nContent-Type: application/json\r\n\r\n{}",
     'status 0 0 0 0'],
    ['/error-told', "HTTP/1.0 500 No\r\nContent-Type: application/json\r\n\r\n{"
        . sprintf("$usage}", 5), 'usage 3 0 5 0.000008'],
    ['/empty', "HTTP/1.0 204 No Content\r\n\r\n", 'status 0 0 0 0'],
    ['/same', "HTTP/1.0 304 Not Modified\r\n\r\n", 'status 0 0 0 0'],
    ['/failed', $sse . 'data: {"choices":[{"delta":{"content":"123456789"}}]}'
        . "\n\ndata: {\"error\":{\"message\":\"overloaded\"}}\n\n",
     'estimate 0 0 3 0.000003'],
    ['/twice', $sse . join('', map { "data: {$_}\n\n" }
        sprintf($usage, 7), '"usage":null', sprintf($usage, 8)),
     'usage 3 0 8 0.000011'],
    ['/embeddings', "$json\{\"usage\":{\"prompt_tokens\":4}}",
     'usage 4 0 0 0.000004'],
    ['/most', $json . sprintf("{$usage}", '1000000000000'),
     'usage 3 0 1000000000000 1000000.000003'],
    map { ["/wrong-$_->[0]", $json . sprintf("{$usage}", $_->[1]),
           'invalid - - - -'] }
        [minus => -1], [huge => 1_000_000_000_001], [text => '"7"'],
        [longer => '9' x 400], [part => '1.5'], [list => '[1]'],
        [true => 'true'], [power => '1e3'],
);
for my $row (@rows) {
    my ($path, $answer, $want) = @$row;
    passed($path, $answer);
    is metered($path), $want, "$path: $want";
}
passed('/head', $json, method => 'HEAD');
is metered('/head'), 'status 0 0 0 0', 'HEAD uses nothing';

done_testing;
