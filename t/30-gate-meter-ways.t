#!/usr/bin/perl
# Responses that don't simply pass: compressed ones, those that nginx puts into
# files, those of a cache and pages of errors.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Compress::Zlib ();
use IO::Compress::Deflate ();
use IO::Compress::RawDeflate ();
use Test::More;
use Tollgate::Edge;
use Tollgate::Llm;

push @Tollgate::Edge::CATALOG, 'tokens app:standard 1000000 1000000 1000000';

my $t = Tollgate::Edge->begin(http => <<'HTTP', conf => <<'CONF');
    log_format meter '$uri $tollgate_metered $tollgate_tokens_input '
        '$tollgate_tokens_cached $tollgate_tokens_output $tollgate_tokens_cost';
    proxy_cache_path %%DIR%%/cache keys_zone=answers:1m;
HTTP
        access_log %%DIR%%/meter.log meter;
        tollgate on;
        tollgate_model app:standard;
        tollgate_meter auto;
        location / { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /file/ {
            sendfile on;
            proxy_buffers 2 4k;
            proxy_buffer_size 4k;
            proxy_busy_buffers_size 4k;
            proxy_temp_file_write_size 4k;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
        location /cache/ {
            proxy_cache answers;
            proxy_cache_valid 200 1m;
            proxy_cache_key same;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
        location /page/ {
            proxy_intercept_errors on;
            error_page 500 /hand-page;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
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

# compressed: passes as it is
my %packed = (
    gzip => \&Compress::Zlib::memGzip,
    deflate => sub { IO::Compress::Deflate::deflate(\$_[0], \my $out); $out },
    'raw deflate' => sub {
        IO::Compress::RawDeflate::rawdeflate(\$_[0], \my $out); $out
    },
    br => sub { $_[0] },
);
for my $row ([gzip => 'chat', 'usage 15 4 10 0.000029'],
    [gzip => 'messages-stream', 'usage 25 8 15 0.000048'],
    [deflate => 'responses-stream', 'usage 37 0 11 0.000048'],
    ['raw deflate' => 'messages', 'usage 2105 100 503 0.002708'],
    [br => 'chat', 'missing - - - -'])
{
    my ($coding, $name, $want) = @$row;
    my ($head, $body) = Tollgate::Llm::answer($name,
        'Content-Encoding: ' . $coding =~ s/raw //r);
    my $path = '/' . $coding =~ s/ //r . "-$name";
    my $packed = $packed{$coding}->($body);
    is passed($path, $head . $packed), $packed, "$coding passes as it is";
    is metered($path), $want, "$coding: $name";
}
my ($broken) = Tollgate::Llm::answer('chat', 'Content-Encoding: gzip');
is passed('/broken', "${broken}no gzip"), 'no gzip', 'nor is a broken one touched';
is metered('/broken'), 'missing - - - -', 'and it tells nothing';

my $json = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n";
my $usage = '"usage":{"prompt_tokens":3,"completion_tokens":%s}';
# files, caches, pages
my $long = '{"choices":[{"message":{"content":"' . 'x' x 3_000_000
    . '"}}],' . sprintf("$usage}", 5);
is passed('/file/a', $json . $long), $long, 'a long answer passes';
is metered('/file/a'), 'usage 3 0 5 0.000008', 'over a file too';
is passed('/cache/a', $json . sprintf("{$usage}", 6)),
    $t->call($c, 'GET', '/cache/b')->{body}, 'an answer of a cache';
is metered("/cache/$_"), 'usage 3 0 6 0.000009', "is metered: $_" for 'a', 'b';
my $socket = $t->send_request($c, 'GET', '/page/a');
for ("HTTP/1.0 500 No\r\n\r\n", $json . sprintf("{$usage}", 9)) {
    my ($backend) = $t->accepted($listener);
    print {$backend} $_;
}
is Tollgate::Http::read_response($socket)->{status}, 500, 'an error_page';
is metered('/hand-page'), 'usage 3 0 9 0.000012', 'has the usage that it tells';

done_testing;
