#!/usr/bin/perl
# Migrations: each once, never an edited one, functions whenever they change.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;

my $t = Tollgate->new;
my $sql = "$t->{dir}/sql";

mkdir $_ for $sql, "$sql/migrations", "$sql/functions",
    map { "$sql/functions/$_" } qw(lib ledger mirror job api);
$t->spew('sql/migrations/0001_first.sql',
         "create table first (n int);\ninsert into first values (1);\n");
$t->spew('sql/functions/lib/f.sql',
         "create or replace function f() returns int language sql as 'select 1';\n");
$t->spew('sql/functions/api/g.sql', "create or replace function g() returns int\n"
         . "language sql as 'select count(*)::int from later';\n");

$t->postgres;
$t->spew('worker.ini', "[postgres]\ndsn = $t->{dsn}\n[sql]\ndir = $sql\n");

# The exit status and output of a run.
sub migrate {
    my $out = `$Tollgate::build/tollgate-worker --migrate -c $t->{dir}/worker.ini 2>&1`;

    return ($? >> 8, $out);
}

my ($status, $out) = migrate();
is $status, 0, 'an empty database is brought up to date' or diag $out;
is scalar $t->sql('select count(*) from first'), 1, 'the migration ran';
is scalar $t->sql('select f()'), 1, 'and the function is there';

my $applied = $t->sql('select applied_at from schema_repeatable order by 1 limit 1');
($status, $out) = migrate();
is $status, 0, 'a second run succeeds';
is scalar $t->sql('select count(*) from first'), 1, 'a migration runs once';
unlike $out, qr/applied/, 'and nothing is applied again';

$t->spew('sql/functions/lib/f.sql',
         "create or replace function f() returns int language sql as 'select 2';\n");
$t->spew('sql/migrations/0002_later.sql', "create table later ();\n");
($status, $out) = migrate();
is $status, 0, 'a new migration and a changed function are taken';
is scalar $t->sql('select f()'), 2, 'the function is the new one';
is scalar $t->sql('select g()'), 0, 'one that was not changed works on';
like $out, qr{applied 0002_later}, 'the new migration is named';
like $out, qr{applied lib/f}, 'and so is the changed function';
unlike $out, qr{applied api/g}, 'what did not change is left alone';

$t->spew('sql/migrations/0003_broken.sql',
         "create table half ();\nselect nothing from nowhere;\n");
($status, $out) = migrate();
is $status, 1, 'a migration that fails stops the start';
like $out, qr/migration 0003_broken failed: relation "nowhere" does not exist/,
    'with the reason';
is scalar $t->sql("select to_regclass('half') is null"), 't',
    'and leaves nothing of it';
is scalar $t->sql("select count(*) from schema_migration where name like '0003%'"),
    0, 'nor a record';
unlink "$sql/migrations/0003_broken.sql";

$t->spew('sql/functions/lib/bad.sql', "create function bad() nonsense;\n");
$t->spew('sql/functions/lib/f.sql',
         "create or replace function f() returns int language sql as 'select 3';\n");
($status, $out) = migrate();
is $status, 1, 'a function that fails stops the start';
is scalar $t->sql('select f()'), 2, 'and no other function changes with it';
unlink "$sql/functions/lib/bad.sql";

$t->spew('sql/migrations/0001_first.sql', "create table first (n bigint);\n");
($status, $out) = migrate();
is $status, 1, 'an edited migration is refused';
like $out, qr/0001_first was edited after it was applied/, 'and named';
like $out, qr/hint: restore the file/, 'with what to do';
is scalar $t->sql('select f()'), 2, 'nothing else is applied then';
$t->spew('sql/migrations/0001_first.sql',
         "create table first (n int);\ninsert into first values (1);\n");

unlink "$sql/migrations/0002_later.sql";
($status, $out) = migrate();
is $status, 1, 'a database of a newer version is refused';
like $out, qr/newer than this program: it has the migration 0002_later/,
    'and what it has is named';
$t->spew('sql/migrations/0002_later.sql', "create table later ();\n");

$t->spew('sql/migrations/0003_slow.sql',
         "create table slow (n int);\nselect pg_sleep(0.3);\n");
my @running = map {
    open my $pipe, '-|',
        "$Tollgate::build/tollgate-worker --migrate -c $t->{dir}/worker.ini 2>&1"
        or die "fork: $!\n";
    $pipe;
} 1 .. 3;
my $all = join '', map { local $/; readline $_ } @running;
is scalar(grep { close $_ } @running), 3, 'workers that start together all succeed';
is scalar(() = $all =~ /applied 0003_slow/g), 1, 'and one of them migrates';

($status, $out) = do {
    $t->spew('worker.ini', "[postgres]\ndsn = host=$t->{dir}/none dbname=x\n"
             . "[sql]\ndir = $sql\n");
    migrate();
};
is $status, 1, '--migrate gives up where Postgres is away';
like $out, qr/connect to postgres failed/, 'and says so';

done_testing;
