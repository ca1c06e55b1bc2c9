#!/usr/bin/perl
# Usage events of nginx hosts reach their table; malformed records are counted.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('settle.idle_ms' => 20);
$t->load_demo;
my $c = $t->customer;

my $ms = int(1000 * Time::HiRes::time());

# A record of a request, with fields changed by their name.
sub record {
    my (%with) = @_;

    my %fields = (at_ms => $ms, request_id => 'r1', account => $c->{account},
        app => $c->{app}, key => $c->{key_id}, user => '-',
        feature => 'video.view', model => '-', verdict => 'pass', status => 200,
        credits => 5_000_000, units => 0, refunded => 0, latency_ms => 12,
        bytes_in => 100, bytes_out => 2000, dry_run => 0, %with);

    return join("\t", @fields{qw(at_ms request_id account app key user feature
        model verdict status credits units refunded latency_ms bytes_in
        bytes_out dry_run)}) . "\n";
}

sub add {
    my ($host, @records) = @_;

    $t->r('XADD', "tg:{usage}:$host", '*', 'b', join '', @records);
    $t->r('SADD', 'tg:{usage}', $host);

    return;
}

add('one', map { record(request_id => "a$_") } 1 .. 50);
add('two', map { record(request_id => "b$_", user => 'mali%40example.com') } 1 .. 3);
$t->settled;
is scalar $t->sql('select count(*) from usage_event'), 53,
    'records of every host arrive';
is scalar $t->sql('select count(distinct request_id) from usage_event'), 53,
    'each once';
is scalar $t->sql(q{select count(*) from usage_event where "user" is null}), 50,
    'what is unknown is null';

add('one', record(request_id => 'good1'),
    "too few\tfields\n",
    record(request_id => 'x', status => 'two hundred'),
    record(request_id => 'x', credits => -1),
    record(request_id => 'x', at_ms => '99999999999999999999'),
    record(request_id => "a\x{1}b"),
    record(request_id => 'x', feature => ''),
    record(request_id => 'x', refunded => 2),
    record(request_id => 'x') =~ s/\n/\tmore\n/r,
    record(request_id => 'x' x 300),
    record(request_id => "caf\x{e9}"),
    record(request_id => 'good2'));
$t->settled;
is scalar $t->sql(q{select string_agg(request_id, ' ' order by request_id)
    from usage_event where request_id !~ '^[ab]'}), 'good1 good2',
    'records beside malformed ones arrive';
like $t->slurp('worker.log'), qr/10 usage records of tg:\{usage\}:one are malformed/,
    'and the malformed ones are counted';
like $t->slurp('worker.log'), qr/hint: is nginx's module newer than the worker/,
    'with what may be the matter';

# what later gates say besides; those above were of an earlier one
sub later {
    my ($id, @more) = @_;

    return record(request_id => $id) =~ s/\n/join("\t", '', @more) . "\n"/er;
}

add('one', later(later1 => 50, 2, 7, 'day', 3, -1, 2, 'pro', 1500, 420, 'a%20b', 12, 3, 45, 1),
    later(later2 => 0, 0, -1, '-', -1, -1, 0, '-', 0, -1, '-', -1, -1, -1, 0),
    later(bad => 0, 0, -2, '-', -1, -1, 0, '-', 0, -1, '-', -1, -1, -1, 0),
    later(bad => 0, 0, 0, '-', -1, -1, 0, '-', 0, 0, '-', 0, 0, 0),
    later(bad => 0, 0, 0, '-', -1, -1, 0, '-', 0, 0, '-', 0, 0, 0, 0, 0));
$t->settled;
is_deeply [$t->sql(q{select request_id, cost, cost_units, avail, "limit",
    day_left, month_left, tier_needed, plan, wait_ms, store_us, label,
    tokens_input, tokens_cached, tokens_output, download from usage_event
    where request_id ~ '^(later|bad|good1)' order by 1})],
    [['good1', (undef) x 15],
     [qw(later1 50 2 7 day 3), undef, qw(2 pro 1500 420 a%20b 12 3 45 t)],
     ['later2', 0, 0, (undef) x 4, 0, undef, 0, (undef) x 5, 'f']],
    'records of an earlier and a later gate arrive, with nulls for the unknown';

$t->r('XADD', 'tg:{usage}:one', '*', 'c', 'no records');
add('one', record(request_id => 'good3'));
$t->settled;
is scalar $t->sql(q{select count(*) from usage_event where request_id = 'good3'}), 1,
    'an entry without records stops nothing';

my $master = delete $t->{processes}{worker};
add('one', record(request_id => 'before'));
kill 'KILL', $master;
waitpid $master, 0;
add('one', record(request_id => 'after'));
$t->worker_start;
$t->settled;
is scalar $t->sql(q{select count(*) from usage_event
    where request_id in ('before', 'after')}), 2,
    'records around a kill -9 arrive once';

done_testing;
