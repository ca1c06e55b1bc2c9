#!/usr/bin/perl
# The module compiles without a warning by clang, and by gcc with the flags of
# Debian's packages.

use strict;
use warnings;

use FindBin;
use Test::More;

my $root = "$FindBin::Bin/..";
my $source = $ENV{NGX_SRC} // '/usr/share/nginx/src';
my $build = $ENV{TOLLGATE_BUILD} // "$root/build";

my $includes = join ' ', "-I$build/ngx", "-I$root/ngx_module",
    "-I$root/redis", map { "-I$source/src/$_" } 'core', 'event',
    'event/modules', 'os/unix', 'http', 'http/modules', 'http/v2';
my @files = glob "$root/ngx_module/*.c";
cmp_ok scalar @files, '>', 20, 'there are files';

chomp(my $flags = `dpkg-buildflags --get CFLAGS; dpkg-buildflags --get CPPFLAGS`);
like $flags, qr/-D_FORTIFY_SOURCE=2/, 'Debian has flags';
$flags =~ tr/\n/ /;

my $wall = '-Wall -Wextra -Werror -Wno-unused-parameter'
    . ' -Wno-missing-field-initializers';
for my $compiler (['clang', 'clang -fsyntax-only'],
                  ["gcc with Debian's flags", "gcc $flags -fPIC -S -o -"])
{
    my ($name, $command) = @$compiler;

    for my $file (@files) {
        my $out = `$command $wall $includes $file 2>&1 >/dev/null`;
        is $out, '', "$name: " . $file =~ s{.*/ngx_http_tollgate_}{}r;
    }
}

done_testing;
