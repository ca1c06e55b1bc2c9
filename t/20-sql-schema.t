#!/usr/bin/perl
# sql/schema.sql is what the migrations make, every file of sql/ can be applied by
# itself, and a function's file is named as the function.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;

$b->spew('expected.sql', $b->slurp("$b->{root}/sql/schema.sql"));
my $dump = `$b->{root}/tools/dump_schema.sh '$b->{dsn}'`;
is $?, 0, 'the schema can be dumped';
$b->spew('dumped.sql', $dump);
is `diff -u $b->{dir}/expected.sql $b->{dir}/dumped.sql`, '',
    'sql/schema.sql is what the migrations make'
    or diag 'tools/dump_schema.sh DSN > sql/schema.sql writes it anew';

my @functions = glob "$b->{root}/sql/functions/*/*.sql";
my $before = functions();
for my $file (@functions) {
    my ($schema, $name) = $file =~ m{(\w+)/(\w+)\.sql$};
    my $text = $b->slurp($file);
    my @made = $text =~ /^create or replace function ([\w.]+)/mg;
    is "@made", "$schema.$name", "$schema/$name.sql holds that function";
    unlike $text, qr/^\\/m, "$schema/$name.sql is SQL alone";
}
$b->psql($b->{dsn}, "set check_function_bodies = off;\n"
    . join "\n", map { $b->slurp($_) } reverse @functions);
is functions(), $before, 'functions can be applied again, in any order';

for my $file (glob "$b->{root}/sql/migrations/*.sql") {
    my ($name) = $file =~ m{([^/]+)$};
    my $text = $b->slurp($file) =~ s/--.*//gr
        =~ s/'(?:[^']|'')*'//gr;
    unlike $text, qr/\b(?:lib|ledger|mirror|job|api)\.\w+\s*\(/,
        "$name calls no function of ours";
    like $name, qr/^\d{4}_[a-z]+\.sql$/, "$name has a number and a noun";
}

done_testing;

sub functions {
    return scalar $b->sql(q{select string_agg(p.oid::regprocedure || md5(p.prosrc), ' '
        order by p.oid::regprocedure::text) from pg_proc p
        join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ('lib', 'ledger', 'mirror', 'job', 'api')});
}
