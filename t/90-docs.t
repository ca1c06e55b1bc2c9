# The documentation names everything that there is, and nothing else; the
# sources keep the rules that a script can hold.

use strict;
use warnings;

use FindBin;
use Test::More;
use lib "$FindBin::Bin/lib";
use Tollgate;

my $root = "$FindBin::Bin/..";

sub text {
    my ($name) = @_;
    open my $file, '<', "$root/$name" or return '';
    local $/;
    return scalar readline $file;
}

sub matches {
    my ($pattern, @names) = @_;
    my %found = map { $_ => 1 } map { text($_) =~ /$pattern/g } @names;
    return sort keys %found;
}

# Both lists hold something and the same.
sub same {
    my ($there, $told, $what) = @_;
    cmp_ok(scalar @$there, '>', 0, "there are $what");
    is_deeply($told, $there, "the documentation has all $what, and no others");
    return;
}

my @module = map { s{^\Q$root\E/}{}r } glob "$root/ngx_module/*.c";

# A directive or variable has a heading of its own: `### tollgate_zone`.
my @directives = matches(qr/\{\s*ngx_string\("(tollgate(?:_\w+)?)"\),
                            \s*NGX_(?:HTTP|MAIN|DIRECT)/x, @module);
same(\@directives,
     [matches(qr/^#+ `?(tollgate(?:_[a-z_]+)?)`?\s*$/m, 'docs/directives.md')],
     'directives');

my @variables = matches(qr/\{\s*ngx_string\("(tollgate_\w+)"\),\s*NULL/,
                        @module);
same(\@variables,
     [matches(qr/^(?:#+ |\| )`?\$(tollgate_\w+)`?/m, 'docs/directives.md')],
     'variables');

# With their statuses, where those that pass have none.
my @verdicts = sort map { s/ 0$/ -/r } map { s/", */ /r }
    text('redis/verdict_table.h') =~ /^VERDICT\(\w+,\s*"(\w+",\s*\d+)/mg;
same(\@verdicts, [sort map { s/` \| / /r =~ s/[^ -~]+/-/r }
                  (split /^## /m, text('docs/verdicts.md'))[0]
                      =~ /^\| `(\w+` \| \S+) \|/mg],
     'verdicts');

my $routes = text('worker/api_routes.h') =~ s{/\*.*?\*/}{}gsr;
my @routes = sort map { s/",\s*"/ /r }
    $routes =~ /^\w+\(\s*"([A-Z]+",\s*"[^"]+)"/mg;
same(\@routes, [matches(qr{^### `([A-Z]+ /[^` ]+)`$}m, 'docs/api.md')],
     'routes');

# Keys of worker.ini, as section.key.
sub ini_keys {
    my ($text) = @_;
    my ($section, @keys);
    for (split /\n/, $text) {
        $section = $1 if /^\[(\w+)\]/;
        push @keys, "$section.$1" if /^;?(\w+) =/;
    }
    return sort @keys;
}
my @keys = sort map { s/, /./r }
    text('worker/conf.c') =~ /^\s+ROW\((\w+, \w+),/mg;
same(\@keys, [ini_keys(text('conf/worker.ini'))], 'keys in conf/worker.ini');

# In docs/worker.md a section's keys begin the paragraphs below it.
sub worker_keys {
    my ($section, @keys);
    for (split /\n/, text('docs/worker.md')) {
        $section = /^#+ \[(\w+)\]$/ ? $1 : undef if /^#/;
        my ($names) = /^((?:`\w+`(?:, )?)+) : /;
        push @keys, map { "$section.$_" } $names =~ /\w+/g
            if defined $section && defined $names;
    }
    return sort @keys;
}
same(\@keys, [worker_keys()], 'keys in docs/worker.md');

my @commands = sort
    `$Tollgate::build/tollgate help` =~ /^  ([a-z]+(?: [a-z-]+)?)  /mg;
same(\@commands,
     [matches(qr/^### `tollgate ([a-z]+(?: [a-z-]+)?)(?= [A-Z\[-]|`)/m,
              'docs/cli.md')],
     'commands');
my %sections = text('docs/cli.md')
    =~ /^### `tollgate ([a-z]+(?: [a-z-]+)?)[^`]*`\n(.*?)(?=^##|\z)/gms;
for my $command (@commands) {
    my $section = $sections{$command} // '';
    like($section, qr/```sh\n(?:.*\n)*?.*tollgate \Q$command\E\b/,
         "docs/cli.md has an example of tollgate $command");
    my @options = `$Tollgate::build/tollgate help $command`
        =~ /Options:\n(.*?)\n\n/s ? $1 =~ /--([a-z-]+)/g : ();
    my $paged = qr/^(?:limit|all|cursor|file)$/;
    is_deeply([grep { $_ !~ $paged && $section !~ /--$_\b/ } @options],
              [], "and all of its options");
}

# docs/nginx.md claims what the tests that it names show: each row's first code
# stands in its test.
my @claims = text('docs/nginx.md') =~ /^\| (?!what)(\w.*|`.*)$/mg;
cmp_ok(scalar @claims, '>', 20, 'docs/nginx.md has its table');
is_deeply([grep {
    my ($code, $test) = /`([^`]+)`.*\((?:\.\.)\/(t\/[\w-]+\.t)\) \|$/;
    !$test || index(text($test), $code) < 0
} @claims], [], 'every row has its test');

# Links inside the documentation lead somewhere.
my @pages = ('README.md', 'CONTRIBUTING.md',
             map { s{^\Q$root\E/}{}r } glob "$root/docs/*.md");
for my $page (@pages) {
    my ($folder) = $page =~ m{^(.*/)?};
    my @dead = grep { !-e "$root/" . ($folder // '') . $_ }
        grep { !/^\w+:/ && length } map { s/#.*//r }
        text($page) =~ /\]\(([^)\s]+)\)/g;
    is_deeply(\@dead, [], "the links of $page lead somewhere");
}

my $breaches = `$root/tools/check.sh 2>&1`;
is($breaches, '', 'the sources keep the rules of CONTRIBUTING.md');
is($? >> 8, 0, 'and tools/check.sh says so');

done_testing;
