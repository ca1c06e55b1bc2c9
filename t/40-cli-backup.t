#!/usr/bin/perl
# A backup is whole or not there, replaces nothing, and is read back as what it
# was, or not at all; nobody sees a password.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker;
$t->load_demo;
my $c = $t->customer(credits => '100');
$t->settled;
$t->worker_stop;

# The owner of a new database may need a password; here he may have one.
my $owner = $t->{dsn} =~ s/user=tollgate/user=tollgate password=secret-of-the-dsn/r;
my $admin = $t->{dsn} =~ s/dbname=\S+ user=\S+/dbname=postgres user=postgres/r;
sub conf {
    my ($name, $dsn) = @_;

    return $t->spew("$name.ini", $t->slurp('worker.ini') =~ s/^dsn = .*/dsn = $dsn/mr);
}
my $conf = conf('owner', $owner);
my $file = "$t->{dir}/backup";

sub tollgate {
    my ($words, $env) = @_;

    my $out = `${\($env // '')} $Tollgate::build/tollgate $words 2>&1`;

    return ($? >> 8, $out);
}

# The programs of Postgres as they are, but for one that is a shell script.
sub path_with {
    my ($name, $script) = @_;

    mkdir "$t->{dir}/bin";
    $t->spew("bin/$name", "#!/bin/sh\n$script\n");
    chmod 0755, "$t->{dir}/bin/$name";

    return "PATH=$t->{dir}/bin:$ENV{PATH}";
}

sub left { return join ' ', map { s{.*/}{}r } sort glob "$file*" }

my ($status, $out) = tollgate("backup $file --conf $conf", path_with('pg_dump',
    "tr '\\\\0' ' ' </proc/\$\$/cmdline >$t->{dir}/argv; PATH=$ENV{PATH} exec pg_dump \"\$\@\""));
is $status, 0, 'a backup' or diag $out;
is left(), 'backup backup.json', 'is a file and its manifest';
is((stat $file)[2] & 07777, 0600, 'that nobody else can read');
unlike $t->slurp('argv') . $out, qr/secret/, 'no password stands in a command line';
my $manifest = JSON::PP::decode_json($t->slurp('backup.json'));
is $manifest->{size}, -s $file, 'the manifest has its size';
is $manifest->{sha256}, Digest::SHA->new(256)->addfile($file)->hexdigest, 'and its sum';
is_deeply $manifest->{cursors}, { map { @$_ } $t->sql('select stream, last_id from stream_cursor') },
    'and the place in each stream';

# as it is installed, the worker's program stands elsewhere
File::Path::make_path("$t->{dir}/usr/bin", "$t->{dir}/usr/sbin");
system 'cp', "$Tollgate::build/tollgate", "$t->{dir}/usr/bin/";
system 'cp', "$Tollgate::build/tollgate-worker", "$t->{dir}/usr/sbin/";
$out = `PATH=/usr/bin:/bin $t->{dir}/usr/bin/tollgate backup $t->{dir}/installed --conf $conf 2>&1`;
is $?, 0, 'the tool finds the program where it is installed' or diag $out;

# it replaces nothing, and leaves nothing half-made
for my $taken ('backup', 'backup.json') {
    rename "$t->{dir}/$taken", "$t->{dir}/kept" or die;
    ($status, $out) = tollgate("backup $file --conf $conf");
    is $status, 1, 'what is there is not replaced';
    like $out, qr/exists.*\n.*hint: a backup replaces nothing/, 'which is said';
    rename "$t->{dir}/kept", "$t->{dir}/$taken" or die;
}
is left(), 'backup backup.json', 'nor anything left beside it';
my $other = "$t->{dir}/other";
($status, $out) = tollgate("backup $other --conf $conf", path_with('pg_dump', 'echo half; exit 3'));
is $status, 1, 'a dump that fails';
like $out, qr/pg_dump failed with status 3/, 'is told';
($status, $out) = tollgate("backup $other --conf $conf", path_with('pg_dump', 'echo half'));
is $status, 1, 'one that pg_restore can not read';
like $out, qr/pg_restore failed/, 'too';
unlink "$t->{dir}/bin/pg_dump";
($status, $out) = tollgate("backup $other --conf $conf", "PATH=$t->{dir}/bin");
like $out, qr/pg_dump can't be run.*\n.*hint: .*postgresql-client/, 'a program that is missing has its package named';
is join(' ', glob "$other*"), '', 'none of them leaves a file';
($status, $out) = tollgate("backup $other --conf " . conf('nobody', $t->{dsn} =~ s/user=tollgate/user=nobody1/r));
is $status, 1, 'a role that is not known is a failure';
is join(' ', glob "$other*"), '', 'too';

# verified
($status, $out) = tollgate("backup --verify $file --conf $conf");
is $status, 1, 'a role that may not make databases can not verify';
like $out, qr/hint: the role has to be allowed to make databases/, 'and is told why';
$t->psql($admin, 'alter role tollgate createdb');
($status, $out) = tollgate("backup --verify $file --conf $conf");
is $status, 0, 'else it restores the file' or diag $out;
is $out, "sum of all entries in CREDIT: 0\nthe ledger adds up\nthe audit log is whole\n", 'and proves it';
is $t->psql($admin, q{select count(*) from pg_database where datname like 'tollgate\_%'}) + 0, 0,
    'in a database that is gone then';

# read back
($status, $out) = tollgate("restore $file --conf $conf");
is $status, 1, 'a database that is not empty is left alone';
like $out, qr/the database is not empty.*\n.*hint: stop the worker, then dropdb/, 'with what to do';
$t->psql($admin, "drop database tollgate;\ncreate database tollgate owner tollgate;\n");
my $whole = $t->slurp('backup');
$t->spew('backup', substr($whole, 0, -1) . chr(1 ^ ord substr $whole, -1));
($status, $out) = tollgate("restore $file --conf $conf");
is $status, 1, 'a file that was changed';
like $out, qr/is not what was written: its SHA-256 is \w{64}, and $manifest->{sha256}/, 'is not read';
$t->spew('backup', $whole);
rename "$t->{dir}/backup.json", "$t->{dir}/kept" or die;
($status, $out) = tollgate("restore $file --conf $conf");
like $out, qr/"\Q$file\E\.json" is no manifest of a backup: .*No such file/, 'nor one without its manifest';
rename "$t->{dir}/kept", "$t->{dir}/backup.json" or die;
is $t->psql($t->{dsn}, q{select count(*) from pg_tables where schemaname = 'public'}) + 0, 0, 'nothing was made';
($status, $out) = tollgate("restore $file --conf $conf");
is $status, 0, 'a sound one is' or diag $out;
like $out, qr/the ledger adds up\nredis knows of nothing later\n\z/, 'and is as Redis knows it';
$t->worker_start;
is $t->balance($c), '100', 'the worker goes on with it';
ok $t->verified->{ok}, 'and the proof agrees';
$t->worker_stop;

$t->redis_stop;
$t->psql($admin, "drop database tollgate;\ncreate database tollgate owner tollgate;\n");
($status, $out) = tollgate("restore $file --conf $conf");
is $status, 0, 'it is read without Redis too';
like $out, qr/redis can't be reached: how it stands to redis is seen when the worker starts/, 'which is said';

done_testing;
