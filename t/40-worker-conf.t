#!/usr/bin/perl
# worker.ini: what is refused, and how the operator is told.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;

my $t = Tollgate->new;
my $program = "$Tollgate::build/tollgate-worker";

# The exit status and output of a check of the text.
sub check {
    my ($text) = @_;

    $t->spew('check.ini', $text);
    my $out = `$program -t -c $t->{dir}/check.ini 2>&1`;

    return ($? >> 8, $out);
}

my ($status, $out) = check('');
is $status, 0, 'an empty file is valid: every key has a default';
like $out, qr/test is successful/, 'and that is said as nginx says it';

my $shipped = $t->slurp("$t->{root}/conf/worker.ini");
($status, $out) = check($shipped);
is $status, 0, 'the shipped file is valid' or diag $out;

(my $spoken = $shipped) =~ s/^;(?=\w+ =)//mg;
cmp_ok scalar(() = $spoken =~ /^\w+ =/mg), '>', 15, 'it lists the keys';
($status, $out) = check($spoken);
is $status, 0, 'and is valid with every default written out' or diag $out;

my @refused = (
    ["[settle]\nbatch = 0\n", qr/check\.ini:2: "batch" of section \[settle\] must be an integer from 1 to 100000, not "0"/,
        'a number below its range'],
    ["[settle]\n\nbatch = 10x\n", qr/:3: "batch".*not "10x"/,
        'a number with a tail'],
    ["[settle]\nbatch = -5\n", qr/:2: "batch"/, 'a negative number'],
    ["[settle]\nbatch = 99999999999999999999\n", qr/:2: "batch"/,
        'a number beyond all integers'],
    ["[postgres]\ntimeout = 5 parsecs\n",
        qr/:2: "timeout".*must be a time like 500ms, 5s or 10m/, 'a time of an unknown unit'],
    ["[postgres]\ntimeout = 5\n", qr/:2: "timeout"/, 'a time without a unit'],
    ["[api]\nsocket_mode = 0999\n", qr/:2: "socket_mode".*octal mode/,
        'a mode that is not octal'],
    ["[worker]\nroles = settle cook\n",
        qr/:2: "roles".*some of: settle mirror jobs proof api.*"settle cook"/, 'an unknown role'],
    ["[worker]\nroles =\n", qr/:2: "roles"/, 'no role at all'],
    ["[worker]\nlog_level = loud\n", qr/:2: "log_level".*one of: error/,
        'an unknown log level'],
    ["[settle]\nbatches = 1\n", qr/:2: unknown key "batches" in section \[settle\]/,
        'an unknown key'],
    ["[nowhere]\nbatch = 1\n", qr/:2: unknown key "batch" in section \[nowhere\]/,
        'an unknown section'],
    ["[settle]\nbatch = 1\nbatch = 2\n", qr/:3: "batch" of section \[settle\] is duplicate/,
        'a key that stands twice'],
    ["[settle\nbatch = 1\n", qr/:1: wanted \[section\] or key = value/,
        'a section without its bracket'],
    ["[settle]\nnonsense\n", qr/:2: wanted \[section\] or key = value/,
        'a line that is neither'],
    ["[sql]\ndir = /" . 'x' x 300 . "\n", qr/:2: the line is longer than/,
        'a line that is too long'],
    ["[redis]\nserver = somewhere\n", qr/"server" of section \[redis\] must be unix:\/path or host:port/,
        'a server that is no address'],
    ["[redis]\nserver = localhost:http\n", qr/"server" of section \[redis\]/,
        'a port that is no number'],
    ["[redis]\nserver = a:1 b:2\n", qr/several servers .* want "cluster = on", or "sentinel"/,
        'several servers that are neither sentinels nor a cluster'],
    ["[redis]\nserver = a:1 b\ncluster = on\n", qr/"server" .* not "b"/,
        'one of them that is no address'],
    ["[redis]\nserver =\n", qr/"server" .* must name a server/, 'no server'],
    ["[redis]\nserver = a:1\ncluster = maybe\n", qr/:3: "cluster" .* on or off, not "maybe"/,
        'a switch that is neither on nor off'],
    ["[redis]\nserver = a:1\ncluster = on\nsentinel = m\n", qr/"cluster" and "sentinel" .* exclude/,
        'a cluster with sentinels'],
    ["[redis]\nserver = a:1\ncluster = on\ndatabase = 1\n",
        qr/"database" .* must be 0 with "cluster = on"/, 'a database of a cluster'],
    ["[redis]\ncluster = on\n", qr/unix:\/path .* is for one server without TLS/,
        'a cluster at a path'],
    ["[redis]\ntls = on\n", qr/unix:\/path .* is for one server without TLS/, 'TLS at a path'],
    ["[redis]\nuser = u\n", qr/"user" .* wants "password_file"/, 'a user without a password'],
    ["[redis]\nserver = a:1\nsentinel = m\nsentinel_user = u\n",
        qr/"sentinel_user" .* wants "sentinel_password_file"/, 'one of the sentinels either'],
    ["[redis]\nsentinel_password_file = f\n", qr/"sentinel_password_file" .* wants "sentinel"/,
        'a password of sentinels that there are not'],
    ["[redis]\nserver = a:1\ntls_ca = f\n", qr/"tls_..." .* want "tls = on"/,
        'an authority without TLS'],
    ["[redis]\nserver = a:1\ntls_verify = off\n", qr/"tls_..." .* want "tls = on"/,
        'nothing to verify'],
    ["[redis]\nserver = a:1\ntls = on\ntls_cert = f\n", qr/"tls_cert" and "tls_key" .* want each/,
        'a certificate without its key'],
    ["[api]\nsocket = /run/a\nadmin_socket = /run/a\n",
        qr/"socket" and "admin_socket".*must differ/, 'one path for both sockets'],
);

for my $case (@refused) {
    my ($text, $wanted, $name) = @$case;

    ($status, $out) = check($text);
    is $status, 1, "refused: $name";
    like $out, $wanted, 'with file, line, key and what was wanted';
}

like `$program -t -c $t->{dir}/none.ini 2>&1`,
    qr/open "\Q$t->{dir}\E\/none\.ini" failed: No such file/,
    'a file that is missing is named';
like `$program -V`, qr/^tollgate-worker \d+\.\d+\.\d+$/, '-V tells the version';
`$program --nonsense 2>&1`;
is $? >> 8, 2, 'an unknown option is a usage error';
`$program -t -c $t->{dir}/check.ini extra 2>&1`;
is $? >> 8, 2, 'and so is a word too many';

done_testing;
