# The scripts use the verdicts, keys and event fields of the tables in redis/,
# and what the tables leave to the scripts is there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;
use Tollgate::Hold;
use Tollgate::Lease;

my $t = Tollgate->new;
$t->redis;

# The texts that are the first string of a table's rows.
sub rows {
    my ($file, $row) = @_;

    return $t->slurp("$t->{root}/redis/$file") =~ /^$row\(\w+,\s*"(\w+)"/mg;
}

my @verdicts = rows('verdict_table.h', 'VERDICT');
my @fields = rows('event_fields.h', 'EVENT_FIELD');
my @columns = rows('event_fields.h', 'ITEM_FIELD');
my @more = rows('event_fields.h', 'ITEM_LATER');
ok @verdicts && @fields && @columns, 'the tables can be read';

# Verdicts that the gate's module finds by itself, before Redis is asked.
my %of_module = map { ($_, 1) } qw(off pass_open pass_stale key_missing key_malformed
    body_invalid feature_unknown model_unknown idempotency_invalid
    content_unknown client_gone link_invalid);

my $gate = $t->script_text('gate');
my %in_gate = map { ($_, 1) } $gate =~ /
    (?: return | and | or | answer_blank\( )
    \s* '([a-z_]{4,})'/gx;
delete @in_gate{qw(payg rules)};
my %known = map { ($_, 1) } @verdicts;

is join(' ', grep { !$known{$_} } sort keys %in_gate), '',
    'every verdict of gate.lua is in the table';
is join(' ', grep { !$in_gate{$_} && !$of_module{$_} } @verdicts), '',
    'every verdict that Redis decides is in gate.lua';

# Within the function that decides they stand in the order of the table.
my ($decide) = $gate =~ /^local function decide(.*?)^end$/ms;
my %place = map { ($verdicts[$_], $_) } 0 .. $#verdicts;
my @order = grep { defined && $_ > $place{deadline_passed} }
    map { $place{$_} } $decide =~ /'(\w+)'/g;
is "@order", join(' ', sort { $a <=> $b } @order),
    'verdicts are decided in the order of the table';
cmp_ok scalar @order, '>=', 9, 'which are nine at least';

# One event of each kind.
my $account = 'Tables0001';
my @keys = (Tollgate::wallet_key($account), Tollgate::ledger_key($account));
$t->wallet($account, avail => 10,
           l => "1 a credits 5 life - account * refuse 100\n2 r running 9 6000 - account * refuse -");
my $key = $t->key($account);
my $answer = gate($t, $account, { key => $key, cost => 5,
    extras => 'idem=9000:a1:b2:60:1 content=1,60,-,film' });
$t->script('refund', [@keys, 'tg:{' . Tollgate::shard($account) . '}:r:x'],
    [$account, 'x', 1, @{$answer}{qw(key app)}, '-', '-', 5, 0,
     @{$answer}{qw(day_end month_end)}, '-']);
$t->script('void', \@keys, [$account, 'x']);
$t->script('apply', \@keys, [$account, 1, 5, 1, 'link', 'x 0', 0]);

$t->r('HDEL', $keys[0], 'l');
hold($t, $account, $key, "h$_", 2, ttl_ms => $_ > 2 ? 0 : 60_000) for 1 .. 4;
commit($t, $account, 'h1', 20);
commit($t, $account, 'h2', '-');
expire($t, $account);
commit($t, $account, 'h3', 50);

my $no = 1;
$t->script('apply', \@keys, [$account, ++$no, $_->[0], 1, @$_[1, 2], 0])
    for [5, pockets => '9/4000000000000/*'], [0, later => '1 g1 5 -'], [0, lapse => 'g2 3 9/4000000000000/*'],
        [0, level => 1];

$t->r('HSET', $keys[0], avail => 100);
$t->r('HDEL', $keys[0], qw(owed pocket pockets later));
lease($t, { account => $account, key => $key, credits => 8 });

my (%kinds, %parts);
for my $entry (@{ $t->r('XRANGE', $keys[1], '-', '+') }) {
    my @pairs = @{ $entry->[1] };
    my %event = @pairs;
    my @names = @pairs[grep { $_ % 2 == 0 } 0 .. $#pairs];

    $kinds{ $event{k} } = 1;
    is "@names", "@fields",
        "an event of kind $event{k} has the fields of the table, in order";
    my @parts = split / /, $event{i};
    $parts{ @parts - @columns } = 1;
    ok $event{k} =~ /^(?:command|lease)\z/ ? !@parts : @parts >= @columns && @parts <= @columns + @more,
        'and its items the columns';
}
is join(' ', sort keys %kinds), 'adjust charge command commit expired hold lapse late lease owed '
    . 'refund release start threshold void waived', 'each kind of event was seen';
ok $parts{0} && $parts{1}, 'with and without the last column';

# Keys of the shard, all of which these scripts made or were given.
my $formats = $t->slurp("$t->{root}/redis/key_names.h");
my $tag = 'tg:{' . Tollgate::shard($account) . '}:';
$t->r('DEL', marker_key($account, $_)) for qw(h3 h4);
$t->wallet($account, avail => 1, owed => 0);
hold($t, $account, $key, 'h5', 1);
lease($t, { account => $account, records => [1, item('x', '-', 1)] });
$t->script('apply', \@keys, [$account, 1, 5, 1, 'pockets', '9/4000000000000/*', 0]);
my %name = (WALLET => $account, LAPSES => '', PLAN => 'payg', REFUND => 'x', LEDGER => '',
            HOLDS => '', LEASES => '', RING => "$Tollgate::Lease::HOST:1",
            IDEM => "$account:a1", RUNNING => "$account:2",
            VIEW => "$account:film", DOWNLOAD => "$account:x");
my @expected = map {
    my ($format) = $formats =~ /TG_KEY_${_}_FMT\s+"tg:\{%u\}:([^"]+)"/;
    $tag . $format =~ s/%s(?::%s)?/$name{$_}/r
} sort keys %name;
is join(' ', sort grep { /^\Q$tag\E/ } @{ $t->r('KEYS', '*') }),
    join(' ', sort @expected), 'every key is named as in the table';

done_testing;
