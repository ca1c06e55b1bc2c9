#!/usr/bin/perl
# The gate's documentation is whole: each directive in nginx.org's form and in
# conf/nginx-full.conf, each refusal with its response.

use strict;
use warnings;

use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;

my $t = Tollgate->new;
my $source = join '', map { $t->slurp($_) }
    glob "$t->{root}/ngx_module/*.c";
my $docs = $t->slurp("$t->{root}/docs/directives.md");
my $full = $t->slurp("$t->{root}/conf/nginx-full.conf") =~ s/#.*//gr;

# Directives by the command tables: name, where, how many arguments.
my %context = (
    'NGX_HTTP_TOLLGATE_ANY_CONF' => 'http, server, location',
    'NGX_HTTP_MAIN_CONF' => 'http',
    'NGX_HTTP_LOC_CONF' => 'location',
);
my %commands = $source
    =~ /\{\s*ngx_string\("(tollgate(?:_\w+)?)"\),\s*(NGX_HTTP_[\w|]+),/g;
cmp_ok scalar keys %commands, '>=', 18, 'there are directives';

# Those that are something where nothing was said.
my %merged = map { ($_ eq 'enable' ? 'tollgate' : "tollgate_$_") => 1 }
    $source =~ /ngx_conf_(?:merge|init)_(?:\w+_)?value\((?:conf|tmcf)->(\w+),
                \s*+(?:prev->\w+,)?\s*+(?!NULL)/gx;

my %sections = $docs =~ /^### (tollgate\w*)\n(.*?)(?=^##|\z)/gms;
for my $name (sort keys %commands) {
    my ($where, $arguments) = split /\|/, $commands{$name};
    my ($head, $text) = split /\n\n(?!\|)/, $sections{$name} =~ s/^\n//r, 2;

    my ($syntax, $default, $context) = ($head // '')
        =~ join '\n', '\A\| \| \|', '\|---\|---\|',
           map { "\\| $_: \\| (.*) \\|" } qw(Syntax Default Context);
    like $syntax // '', qr/^\*\*$name\*\*(?: .*)?;$/, "$name: its syntax";
    is $syntax eq "**$name**;", $arguments eq 'NGX_CONF_NOARGS',
        "$name: with arguments where it has some";
    is $context, $context{$where}, "$name: its context";
    like $default, $merged{$name} ? qr/^`$name [^`]+;`$/ : qr/^\x{e2}/,
        "$name: its default";
    like $text, qr/^\S.{20}.*?^```nginx\n(?:.*\n)*? *$name\b.*?^```$/ms,
        "$name: what it does, and an example";
    like $full, qr/^ *$name\b/m, "$name: is in conf/nginx-full.conf";
}

# Each refusal has its response, which is that of the table.
my $verdicts = $t->slurp("$t->{root}/docs/verdicts.md");
my ($refusals) = $verdicts =~ /^## Each refusal\n(.*?)^## /ms;
my %refusals = $refusals =~ /^### (\w+)\n(.*?)(?=^###|\z)/gms;
my @table = $t->slurp("$t->{root}/redis/verdict_table.h")
    =~ /^VERDICT\(\w+,\s*"(\w+)",\s*(\d+),\s*"(\w*)",\s*"(.*?)"\)/mg;
while (my ($code, $status, $type, $title) = splice @table, 0, 4) {
    next if $status == 0;

    my $text = $refusals{$code} // '';
    like $text =~ s/^```.*?^```//gmsr, qr/\w.{60}/s,
        "$code: what happened and what to do";
    next if $status == 499;     # nobody is there to read an answer

    my ($line, $headers, $body) = $text
        =~ m{^```http\nHTTP/1\.1[ ](\d+)[ ].*?\n(.*?)\n?^(\{.*?^\})\n```}ms;
    $headers //= '';
    my $json = JSON::PP->new->decode($body // '{}');
    is_deeply [$line, @$json{qw(status code title type)},
               @{ $json->{error} }{qw(code type message)}],
        [$status, $status, $code, $title, "urn:tollgate:$code", $code, $type,
         $json->{detail}], "$code: the response of the table";
    is $headers =~ /^WWW-Authenticate: /m ? 1 : 0, $status == 401 ? 1 : 0,
        "$code: a challenge where a key is wrong";
}

done_testing;
