#!/usr/bin/perl
# Every command of docs/operations.md, in the order of the page, as an operator
# copies it: a backup, Postgres lost and restored, Redis lost, a drill.

use strict;
use warnings;

use lib 't/lib';
use Cwd ();
use Test::More;
use Tollgate::Gate;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis(appendonly => 'yes');
$t->postgres;
$t->worker('settle.idle_ms' => 20);
$t->load_demo;
my @customers = map { $t->customer(credits => '100') } 1 .. 3;

# The lines of the shell of each section; sections are run by their names below.
my (%shell, $section, $in);
for (split /\n/, $t->slurp("$t->{root}/docs/operations.md")) {
    $section = $1 if !$in && /^#+ (.*)/;
    $in = $in ? !/^\s*```\s*$/ : /^\s*```sh$/, next if /^\s*```/;
    push @{ $shell{$section} }, s/^\s+//r if $in;
}

# Where things are on this machine, the page has where they are on Debian.
mkdir "$t->{dir}/backups";
mkdir "$t->{dir}/bin";
$t->spew('bin/tollgate', <<"SH");
#!/bin/sh
case "\$* " in
    *--conf*|ledger*|doctor*) exec $Tollgate::build/tollgate "\$@" ;;
    *) exec $Tollgate::build/tollgate "\$@" --conf $t->{dir}/worker.ini ;;
esac
SH
chmod 0755, "$t->{dir}/bin/tollgate";
my $admin = $t->{dsn} =~ s/dbname=\S+ user=\S+/dbname=postgres user=postgres/r;
@ENV{qw(PGHOST PGUSER TOLLGATE_SOCKET)} = ("$t->{dir}/pg", 'postgres', "$t->{dir}/admin.sock");
$ENV{PATH} = "$t->{dir}/bin:$ENV{PATH}";

# The next line of a section ends with the status, and says that.
sub line {
    my ($name, $status, $says) = @_;

    my $line = shift @{ $shell{$name} } // return fail "a line of $name";
    my $here = Cwd::getcwd();
    chdir $t->{dir};
    local $ENV{PGDATABASE} = $line =~ /^psql/ ? 'tollgate' : 'postgres';
    my $command = $line =~ s{/var/backups/tollgate}{$t->{dir}/backups}gr;
    my $out = `$command 2>&1`;
    my $got = $? >> 8;
    chdir $here;
    is $got, $status, "$name: $line" or diag $out;
    like $out, $says, 'says what it should';

    return;
}

sub pay {
    my ($n, @who) = @_;

    gate($t, $_->{account}, { key => $_->{key}, cost => 1_000_000 }) for map { ($_) x $n } @who;
    $t->settled;

    return;
}

sub balances { return join ' ', map { $t->balance($_) } @customers }

pay(5, @customers);
$t->psql($admin, 'alter role tollgate createdb');
line('Backups', 0, qr/^\Q$t->{dir}\E\/backups\/nightly: \d+ bytes/);
line('Backups', 0, qr/the ledger adds up\nthe audit log is whole/);

# Postgres is lost, with what was settled since.
pay(7, $customers[0]);
$t->worker_stop;
$t->psql($admin, "drop database tollgate;\ndrop owned by tollgate_worker;\ndrop role tollgate_worker;\ndrop role tollgate;\n");
line('Restoring Postgres', 0, qr/^$/) for 1 .. 2;
line('Restoring Postgres', 0, qr/the ledger adds up\n.*1 streams wait for tollgate ledger catchup/s);
$t->worker_start;
line('Restoring Postgres', 6, qr/^$customers[0]{account} .* -7 +88\n.*nothing was changed; --yes does it/ms);
line('Restoring Postgres', 0, qr/^$customers[0]{account} .* -7 +88\n/m);
line('Restoring Postgres', 0, qr/Redis and the ledger agree/);
$t->wait_for(sub { !$t->sql('select count(*) from stream_behind where ended_at is null') }, 'the end of it');
$t->wait_for(sub { $t->must('GET', '/api/doctor')->{ok} }, 'the doctor to find nothing', 20);
line('Restoring Postgres', 0, qr/^ok +postgres age: it has all/m);
is balances(), '88 95 95', 'what was lost is posted';

# Redis is lost.
$t->r('FLUSHALL');
$t->wait_for(sub { $t->sql(q{select count(*) from recovery where done_at is not null}) == 3 }, 'wallets to be made again');
$t->wait_for(sub { $t->verified->{ok} }, 'the proof to hold');
line('Loss of Redis', 6, qr/^FAILED +alerts: 1 open alerts: redis_lost$/m);
line('Loss of Redis', 0, qr/Redis and the ledger agree/);
line('Loss of Redis', 0, qr/"accounts": 3.*\n\(1 row\)/);
line('Loss of Redis', 0, qr/$customers[0]{account} .* 88000000 .*\(3 rows\)/s);
line('Loss of Redis', 0, qr/\(0 rows\)/);

# A drill, beside all that.
$t->psql($admin, "create database drill owner tollgate;\n");
$t->spew('drill.ini', $t->slurp('worker.ini') =~ s/dbname=tollgate/dbname=drill/r =~ s{unix:\S+redis\.sock}{unix:$t->{dir}/other.sock}r);
$t->start('other', 0, {}, 'redis-server', '--port', 0, '--unixsocket', "$t->{dir}/other.sock", '--save', '');
$t->wait_for(sub { -S "$t->{dir}/other.sock" }, 'a second Redis');
line('Drills', 0, qr/^drill\.backup: \d+ bytes/);
line('Drills', 0, qr/the ledger adds up/);
line('Drills', 0, qr/redis knows of nothing later/);
is balances(), '88 95 95', 'which changes nothing';

is_deeply { map { @{ $shell{$_} } ? ($_ => $shell{$_}) : () } keys %shell }, {}, 'the page has no other commands';

done_testing;
