#!/usr/bin/perl
# A batch of usage records that nginx sends again counts once, whoever settles it
# and however often.

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

# A batch with the records of these requests, as nginx writes it.
sub add {
    my ($batch, @ids) = @_;

    my $records = join "\n", map {
        join "\t", $ms, $_, $c->{account}, $c->{app}, $c->{key_id}, '-', 'video.view', '-',
            'pass', 200, 5_000_000, 0, 0, 12, 100, 2000, 0
    } @ids;
    $t->r('XADD', 'tg:{usage}:one', '*', (defined $batch ? (s => $batch) : ()), b => $records);
    $t->r('SADD', 'tg:{usage}', 'one');

    return;
}

# How often the records of each request were kept, in the order of their ids.
sub kept {
    $t->settled;
    return $t->sql(q{select string_agg(request_id || '=' || n, ' ' order by request_id)
        from (select request_id, count(*) as n from usage_event group by request_id) u});
}

add('a-1-1:1', 'r1', 'r2');
add('a-1-1:1', 'r1', 'r2');
add('a-1-1:2', 'r3');
is kept(), 'r1=1 r2=1 r3=1', 'a batch that came twice in a row counts once';

add('a-1-1:1', 'r1', 'r2');
add('a-1-1:2', 'r3');
add('a-1-1:3', 'r4');
is kept(), 'r1=1 r2=1 r3=1 r4=1', 'also after others were settled';

add('b-2-2:1', 'r5');
add('a-1-1:7', 'r6');
is kept(), 'r1=1 r2=1 r3=1 r4=1 r5=1 r6=1',
    'each process counts for itself, and may leave numbers out';

$t->stop('worker', 'KILL');
add('b-2-2:1', 'r5');
add('a-1-1:7', 'r6');
add('b-2-2:2', 'r7');
$t->worker_start;
is kept(), 'r1=1 r2=1 r3=1 r4=1 r5=1 r6=1 r7=1', 'another worker knows what was taken';

add(undef, 'r8');
add('nonsense', 'r9');
add('c-3-3:0', 'ra');
is kept(), 'r1=1 r2=1 r3=1 r4=1 r5=1 r6=1 r7=1 r8=1 r9=1 ra=1',
    'records without a number are kept';

# a batch that Postgres refuses is divided; what it held before counts once
add('a-1-1:8', 'rb');
add('a-1-1:9', "rc\tx");
add('a-1-1:8', 'rb');
add('a-1-1:10', 'rd');
like kept(), qr/ rb=1 rd=1$/, 'beside a batch that is malformed';
is $t->sql(q{select string_agg(source || ':' || no, ' ' order by source) from usage_source}),
    'a-1-1:10 b-2-2:2', 'the last numbers are in Postgres';

$t->sql(q{update usage_source set at = now() - interval '8 days' where source = 'b-2-2'});
$t->stop('worker', 'TERM');
$t->worker_start;
$t->settled;
ok $t->wait_for(sub { $t->sql('select count(*) from usage_source') == 1 }, 'sources to be forgotten'),
    'a process that is gone for a week is forgotten';

done_testing;
