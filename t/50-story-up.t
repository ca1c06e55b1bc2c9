#!/usr/bin/perl
# `make up` from a fresh clone: everything starts, the gate answers as the demo says,
# a second `make up` changes nothing, `make down` leaves no process behind.

use strict;
use warnings;

use lib 't/lib';
use IO::Socket::INET ();
use Test::More;
use Tollgate;

my $t = Tollgate->new;

sub free_port {
    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        ->sockport;
}

# Output of make in the clone, as root or as somebody else.
sub make {
    my ($clone, $user, @words) = @_;
    my $as = $user ? "setpriv --reuid $user --regid nogroup --clear-groups" : '';
    my $out = `cd $clone && env -u MAKEFLAGS -u MAKELEVEL timeout 240 $as \\
        make @words 2>&1 < /dev/null`;
    return ($? == 0, $out);
}

sub http {
    my ($port, $method, $path, $key) = @_;
    return Tollgate::Http::request("127.0.0.1:$port", $method, $path,
        $key ? { Authorization => "Bearer $key" } : {});
}

for my $user ($> == 0 ? ('', 'nobody') : ('')) {
    my $name = $user || 'this user';
    my $clone = "$t->{dir}/clone-" . ($user || 'self');
    my $port = free_port();

    system('git', '-c', 'safe.directory=*', 'clone', '-q', '--no-hardlinks',
           $t->{root}, $clone) == 0 or die "clone failed\n";
    system('chown', '-R', "$user:nogroup", $clone) if $user;

    my ($ok, $out) = make($clone, $user, 'up', "PORT=$port");
    ok $ok, "make up works as $name" or diag $out;
    like $out, qr/\b$_\b/, "it shows a $_" for 200, 401, 402, 403, 429;
    like $out, qr/charge|settle/, 'and what became of it in the ledger';

    my %env = $t->slurp("$clone/run/demo.env") =~ /^(\w+)='?([^'\n]*)/mg;
    is $env{GATE}, "http://127.0.0.1:$port", 'demo.env names the gate';
    is +(stat "$clone/run/demo.env")[2] & 077, 0, 'and is private';

    for my $case (['PAYG', '/poster-editor/quick-edit', 200],
                  ['FREE', '/poster-editor/quick-edit', 200],
                  ['BASIC', '/poster-editor/batch-inpaint?quality=pro', 403],
                  ['PRO', '/poster-editor/batch-inpaint?quality=pro', 200],
                  ['ENTERPRISE', '/poster-editor/enhance', 200],
                  ['POOR', '/video-generator/generate?modelId=standard', 402]) {
        my ($who, $path, $status) = @$case;
        is http($port, 'POST', $path, $env{"KEY_$who"})->{status}, $status,
            "KEY_$who: $path is $status";
    }

    ($ok, $out) = make($clone, $user, 'up', "PORT=$port");
    ok $ok, 'a second make up works' or diag $out;
    my %again = $t->slurp("$clone/run/demo.env") =~ /^(\w+)='?([^'\n]*)/mg;
    is_deeply \%again, \%env, 'with the same keys';

    ($ok, $out) = make($clone, $user, 'down');
    ok $ok, 'make down works' or diag $out;
    is http_or_nothing($port), 0, 'the gate is gone';
    is_deeply [grep { $t->slurp("$_/cmdline") =~ m{^[^-]*\Q$clone\E/run} }
               glob '/proc/[0-9]*'], [], 'and no process is left';
}

sub http_or_nothing {
    my ($port) = @_;
    return eval { http($port, 'GET', '/')->{status} } // 0;
}

done_testing;
