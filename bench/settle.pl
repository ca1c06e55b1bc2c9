#!/usr/bin/perl
# settle.pl: how fast one settle role posts streams that are full, beside plain
# COPY of the same rows into tables like charge and usage_event.  The figures of
# a machine mean little; the ratios of one run are what counts.
#
# Environment: ROUNDS (3), ROWS (400000) of each row, ACCOUNTS (1000).

use strict;
use warnings;

use Digest::MD5 ();
use FindBin ();
use POSIX ();
use Test::More ();
use Time::HiRes ();

use Tollgate;

my %opt = (ROUNDS => 3, ROWS => 400_000, ACCOUNTS => 1000);
$opt{$_} = $ENV{$_} // $opt{$_} for keys %opt;

# What the rows post, and what the copy goes into. A batch of usage records is
# what nginx sends at a time.
my %rows = (
    'settle 1 item'  => { items => 1, table => 'charge' },
    'settle 8 items' => { items => 8, table => 'charge' },
    'settle usage'   => { records => 50, table => 'usage_event' },
);
my @order = ('settle 1 item', 'settle 8 items', 'settle usage');

my $t = Tollgate->new;
my (%shards, %results);

setup();
for my $round (1 .. $opt{ROUNDS}) {
    push @{ $results{$_} }, measure($rows{$_}) for @order;
}
proved();
report();

# --- what is measured -----------------------------------------------------------

sub setup {
    $t->redis;
    $t->postgres;
    $t->worker('settle.idle_ms' => 20, 'postgres.timeout' => '1m',
               'worker.roles' => 'settle mirror api');

    my @accounts = map { $_->[0] } $t->sql(q{
        select account from (
            select api.account_create('{"name": "Bench"}') ->> 'id' as account
            from generate_series(1, $1)) made
        where ledger.grant_credits(account, 1000000000000, 'purchase',
                                   'bench:' || account) is not null},
        $opt{ACCOUNTS});
    push @{ $shards{ Tollgate::shard($_) } }, $_ for @accounts;

    $t->wait_for(sub {
        $t->sql('select count(*) from account_cursor where last_cmd >= 2')
            == @accounts && !left('charge')
    }, 'the accounts to be known', 120) or die $t->slurp('worker.log');
}

# Streams are filled under another name, so that they are there all at once.
sub fill_ledger {
    my ($items) = @_;

    my $events = POSIX::ceil($opt{ROWS} / $items / $opt{ACCOUNTS});
    my $script = $t->slurp("$FindBin::Bin/fill.lua");
    for my $shard (keys %shards) {
        my @accounts = @{ $shards{$shard} };
        $t->r('EVAL', $script, 1 + @accounts, "fill:{$shard}",
              (map { Tollgate::wallet_key($_) } @accounts), $events, $items,
              @accounts);
    }
    $t->r('EVAL', q{
        for i = 1, #KEYS, 2 do redis.call('RENAME', KEYS[i], KEYS[i + 1]) end},
        2 * keys %shards, map { ("fill:{$_}", "tg:{$_}:ledger") } keys %shards);

    return $events * $items * $opt{ACCOUNTS};
}

sub fill_usage {
    my ($records) = @_;

    my $batches = POSIX::ceil($opt{ROWS} / $records);
    my @accounts = map { @$_ } values %shards;
    my $now = int(Time::HiRes::time() * 1000);
    for my $batch (1 .. $batches) {
        my $text = join '', map {
            join("\t", $now + $batch, Digest::MD5::md5_hex("$now $batch $_"),
                 $accounts[rand @accounts],
                 'app_0000000001', 'key_0000000001', "user$_",
                 'image.generate', '-', 'pass', 200, 1000, 0, 0, 12, 345, 6789,
                 0, 1000, 0, 900_000_000, '-', -1, -1, 0, 'payg', 0, 120, '-',
                 -1, -1, -1, 0) . "\n"
        } 1 .. $records;
        $t->r('XADD', 'fill:{usage}', '*', 'b', $text);
    }
    $t->r('SADD', 'tg:{usage}', 'bench');
    $t->r('RENAME', 'fill:{usage}', 'tg:{usage}:bench');

    return $batches * $records;
}

# Whether any stream still holds something.
sub left {
    my ($table) = @_;

    my @streams = $table eq 'charge' ? map { "tg:{$_}:ledger" } keys %shards
                                     : 'tg:{usage}:bench';
    for my $stream (@streams) {
        return 1 if $t->r('XLEN', $stream);
    }
    return 0;
}

# CPU of processes, and of children of theirs that ended, so far, in seconds.
sub cpu {
    my $ticks = 0;
    for my $pid (@_) {
        my $stat = eval { $t->slurp("/proc/$pid/stat") } or next;
        my @stat = split ' ', $stat =~ s/^.*\) //r;
        $ticks += $stat[11] + $stat[12] + $stat[13] + $stat[14];
    }
    return $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

sub cpu_all {
    return (worker => cpu($t->children('worker')),
            postgres => cpu($t->{postgres_pid}, $t->children('postgres')),
            redis => cpu($t->{redis_pid}));
}

sub measure {
    my ($row) = @_;

    superuser("truncate $row->{table}");
    my $rows = $row->{items} ? fill_ledger($row->{items})
                             : fill_usage($row->{records});
    my %before = cpu_all();
    my $start = Time::HiRes::time();
    Time::HiRes::sleep(0.005) while left($row->{table});
    my $took = Time::HiRes::time() - $start;
    my %after = cpu_all();

    my $posted = $t->sql("select count(*) from $row->{table}");
    die "$posted of $rows rows were posted\n" . $t->slurp('worker.log')
        if $posted != $rows;

    return { rate => $rows / $took, events => $rows / $took / ($row->{items} // 1),
             (map { $_ => ($after{$_} - $before{$_}) * 1e6 / $rows } keys %after),
             copy => $rows / copy($row->{table}, 1),
             bare => $rows / copy($row->{table}, 0) };
}

sub superuser { return $t->psql("$t->{dsn} user=postgres", "$_[0];\n") }

# Seconds of COPY of what a table holds into one like it.
sub copy {
    my ($table, $indexed) = @_;

    my $file = "$t->{dir}/rows";
    my $like = $indexed ? 'including all' : '';
    my $out = superuser(<<"SQL");
set client_min_messages = warning;
\\copy (select * from $table) to '$file'
drop table if exists copied;
create table copied (like $table $like) partition by range (at);
create table copied_default partition of copied default;
\\timing on
\\copy copied from '$file'
\\timing off
drop table copied
SQL
    my ($ms) = $out =~ /Time: ([\d.]+) ms/ or die "no time in: $out\n";

    return $ms / 1000;
}

# Nothing was lost for speed.
sub proved {
    my ($status, $answer) = $t->api('GET', '/api/ledger/verify');
    die "the ledger and Redis differ\n" if $status != 200 || !$answer->{ok};
}

# --- what is told ---------------------------------------------------------------

sub median {
    my ($name, $figure) = @_;
    my @sorted = sort { $a <=> $b } map { $_->{$figure} } @{ $results{$name} };
    return $sorted[$#sorted / 2];
}

# Of each round, since rounds differ more than what is compared.
sub ratio {
    my (@names) = @_;
    my @ratios = sort { $a <=> $b } map {
        my $round = $_;
        my ($settle, $copy) = (0, 0);
        $settle += 1 / $results{$_}[$round]{rate} for @names;
        $copy += 1 / $results{$_}[$round]{copy} for @names;
        $copy / $settle;
    } 0 .. $opt{ROUNDS} - 1;
    return $ratios[$#ratios / 2];
}

sub report {
    printf "one settle role, %d shards, %d accounts, medians of %d rounds of "
        . "%d rows\n\n", scalar keys %shards, @opt{qw(ACCOUNTS ROUNDS ROWS)};
    printf "%-15s %9s %9s %9s %9s %9s %9s %12s\n", '', 'rows/s', 'events/s',
        'worker', 'postgres', 'redis', 'COPY', 'no indexes';
    printf "%-15s %9s %9s %9s %9s %9s %9s %12s\n", '', '', '', 'us/row',
        'us/row', 'us/row', 'rows/s', 'rows/s';
    for my $name (@order) {
        printf "%-15s %9.0f %9.0f %9.2f %9.2f %9.2f %9.0f %12.0f\n", $name,
            map { median($name, $_) } qw(rate events worker postgres redis copy
                                         bare);
    }

    print "\n";
    printf "ratio %s/copy %.3f\n", s/\W/_/gr, ratio($_) for @order[0, 1];
    printf "ratio settle/copy %.3f\n", ratio(@order[0, 1]);
    printf "ratio settle_usage/copy %.3f\n", ratio('settle usage');
}
