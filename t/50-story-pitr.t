#!/usr/bin/perl
# Postgres is recovered from a base backup and its archive, as docs/operations.md
# says, and settles again what the archive had not.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Gate;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
my ($pg, $wal) = ("$t->{dir}/pg", "$t->{dir}/pg/wal");
my $page = $t->slurp("$t->{root}/docs/operations.md");
my $bin = (sort glob '/usr/lib/postgresql/*/bin')[-1];

# What the page tells to set, with its directory.
sub settings {
    my ($names) = @_;

    my %set = $page =~ /\b($names) = ('[^']*'|\w+)/g;

    return join '', map { "$_ = $set{$_}\n" =~ s{/var/backups/wal}{$wal}gr } sort keys %set;
}

sub as_postgres {
    my ($name, @command) = @_;

    my $pid = $t->start($name, 1, {}, @command);
    waitpid $pid, 0;
    delete $t->{processes}{$name};
    is $?, 0, "$name goes well" or diag $t->slurp("$name.log");

    return;
}

sub configure {
    my ($dir, $text) = @_;

    open my $file, '>>', "$dir/postgresql.conf" or die "$dir: $!\n";
    print {$file} $text;
    close $file or die;

    return;
}

my $archive = settings('archive_mode|archive_command|archive_timeout');
is scalar(() = $archive =~ /^archive_\w+ = /mg), 3, 'the page has the settings of an archive';
as_postgres('mkdir', 'mkdir', $wal);
$t->postgres_stop;
configure("$pg/data", $archive);
$t->postgres_start;

$t->worker('settle.idle_ms' => 20, 'settle.keep' => '5m');
$t->load_demo;
my $c = $t->customer(credits => '100');
sub pay {
    gate($t, $c->{account}, { key => $c->{key}, cost => 1_000_000 }) for 1 .. $_[0];
    return;
}
sub balance_becomes {
    my ($want) = @_;

    return $t->wait_for(sub { $t->balance($c) eq $want }, "a balance of $want");
}

pay(5);
balance_becomes('95');
my ($options) = $page =~ m{`pg_basebackup -D \S+\$\(date \+%F\) (.*?)`};
as_postgres('pg_basebackup', "$bin/pg_basebackup", '-h', $pg, '-U', 'postgres', '-D', "$pg/base", split ' ', $options);
pay(10);
balance_becomes('85');
my $segment = $t->psql($t->{dsn} =~ s/dbname=\S+ user=\S+/dbname=postgres user=postgres/r,
                       'select pg_walfile_name(pg_switch_wal())') =~ s/\s+//gr;
$t->wait_for(sub { -e "$wal/$segment" }, 'the archive to have it');

# what comes now is not in the archive when the host is lost
pay(20);
balance_becomes('65');
$t->worker_stop;
$t->postgres_stop('QUIT');
unlink grep { m{/([0-9A-F]{24})$} && $1 gt $segment } glob "$wal/*";
rename "$pg/data", "$pg/lost" or die "$!\n";
rename "$pg/base", "$pg/data" or die "$!\n";
configure("$pg/data", settings('restore_command'));
as_postgres('touch', 'touch', "$pg/data/recovery.signal");
$t->postgres_start;
$t->wait_for(sub { !-e "$pg/data/recovery.signal" }, 'the recovery to end');
is $t->sql('select lib.credits(ledger.balance($1))', $c->{account}), '85', 'the archive has all but the last';
$t->worker_start;
balance_becomes('65');
$t->wait_for(sub { $t->verified->{ok} }, 'the proof to agree');
is scalar $t->sql('select count(*) from alert'), 0, 'and nobody has to do anything';
is scalar $t->sql('select count(*) from stream_behind where not is_gap'), 1, 'of which the table tells';

done_testing;
