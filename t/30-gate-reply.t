#!/usr/bin/perl
# The reader of Redis replies alone: t/unit/reply.c, built with sanitizers.

use strict;
use warnings;

use File::Temp;
use FindBin;

my $root = "$FindBin::Bin/..";
my $source = $ENV{NGX_SRC} // '/usr/share/nginx/src';
my $build = $ENV{TOLLGATE_BUILD} // "$root/build";
my $dir = File::Temp->newdir;

my @command = ('cc', '-std=gnu11', '-g', '-Wall', '-Wextra', '-Werror',
    '-Wno-unused-parameter', '-fsanitize=address,undefined',
    '-fno-sanitize-recover=undefined',
    (map { "-I$source/src/$_" } 'core', 'event', 'event/modules', 'os/unix'),
    "-I$build/ngx", "-I$root/ngx_module", "$root/t/unit/reply.c",
    "$root/ngx_module/ngx_http_tollgate_reply.c", '-lhiredis', '-o',
    "$dir/reply");

print "Bail out! cc failed\n" and exit 1 if system @command;
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';
exit(system("$dir/reply") >> 8);
