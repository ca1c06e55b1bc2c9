#!/usr/bin/perl
# What a response says it used is read while it passes: cut anywhere, in each
# dialect, and nothing of it is changed or held back.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Llm;

push @Tollgate::Edge::CATALOG, 'model app:dear probe 0 0 0',
    'tokens app:standard 2000000 1 3000001',
    'tokens app:dear 9007199254740991 9007199254740991 9007199254740991';

my $t = Tollgate::Edge->begin(http => <<'HTTP', conf => <<'CONF');
    log_format meter '$uri $tollgate_metered $tollgate_tokens_input '
        '$tollgate_tokens_cached $tollgate_tokens_output $tollgate_tokens_cost';
HTTP
        access_log %%DIR%%/meter.log meter;
        tollgate on;
        tollgate_model $arg_model;
        tollgate_meter auto;
        proxy_pass_request_body off;
        proxy_buffering off;
        location / { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /openai/ {
            tollgate_meter openai;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
        location /anthropic/ {
            tollgate_meter anthropic;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
        location /off/ {
            tollgate_meter off;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
CONF
my $listener = $t->listener('hand');
my $c = $t->customer(avail => 1000);


# Sends the parts one by one, each once the one before has come through.
sub passed {
    my ($path, $head, @parts) = @_;

    my $socket = $t->send_request($c, 'GET', $path);
    my ($backend) = $t->accepted($listener);
    my ($got, $sent) = ('', 0);
    for my $part (@parts) {
        syswrite $backend, $head . $part;
        $sent += length $part;
        $head = '';
        until (length(Tollgate::Http::parse($got)->{body}) >= $sent) {
            sysread $socket, $got, 65536, length $got or last;
        }
    }
    close $backend;
    1 while sysread $socket, $got, 65536, length $got;

    return Tollgate::Http::parse($got)->{body};
}

my %lines;
sub lines {
    my ($count) = @_;

    $t->wait_for(sub {
        my @lines = split /\n/, $t->slurp("$t->{dir}/meter.log");
        %lines = ();
        for (@lines) {
            my ($uri, $rest) = split / /, $_, 2;
            push @{ $lines{$uri} }, $rest;
        }
        return @lines >= $count;
    }, "$count lines");
}

# cut at every byte
my $count = 0;
for my $name (sort keys %Tollgate::Llm::samples) {
    my ($head, $body) = Tollgate::Llm::answer($name);
    my $same = 0;
    for my $at (1 .. length($body) - 1) {
        my $got = passed("/$name", $head, substr($body, 0, $at),
                         substr $body, $at);
        $same += $got eq $body;
    }
    is $same, length($body) - 1, "$name passes unchanged, cut anywhere";
    $count += $same;
}
lines($count);
for my $name (sort keys %Tollgate::Llm::samples) {
    my %seen = map { $_ => 1 } @{ $lines{"/$name"} };
    is join('; ', keys %seen), "usage $Tollgate::Llm::samples{$name}[2] -",
        "$name: its tokens, cut anywhere";
}

# byte by byte, with prices; a dialect that isn't its own
my @rows = (
    ['/a?model=app:standard', 'messages-stream', 'usage 25 8 15 0.000096'],
    ['/b?model=app:dear', 'chat', 'usage 15 4 10 261208.778388'],
    ['/c?model=app:dear', 'messages', 'usage 2105 100 503 24391495.581839'],
    ['/openai/d', 'chat-stream', 'usage 15 4 2 -'],
    ['/openai/e', 'messages-stream', 'missing - - - -'],
    ['/anthropic/f', 'messages-stream', 'usage 25 8 15 -'],
    ['/anthropic/g', 'chat-stream', 'missing - - - -'],
    ['/off/h', 'chat', '- - - - -'],
);
for my $row (@rows) {
    my ($path, $name) = @$row;
    my ($head, $body) = Tollgate::Llm::answer($name);
    is passed($path, $head, split //, $body), $body, "$path: byte by byte";
}
lines($count + @rows);
for my $row (@rows) {
    my ($path, $name, $want) = @$row;
    is $lines{ $path =~ s/\?.*//r }[0], $want, "$path: $name";
}

done_testing;
