#!/usr/bin/perl
# A batch that Postgres can't post in time is posted in smaller parts.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Gate;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('settle.idle_ms' => 20, 'postgres.timeout' => '1s');
$t->load_demo;
my $c = $t->customer(credits => '100');
$t->settled;
$t->worker_stop;

# So all of them need a second and a half, and none more than a part of it.
$t->psql($t->{dsn}, q{
    create function slow() returns trigger language plpgsql as
        'begin perform pg_sleep(0.05); return new; end';
    create trigger slow before insert on charge for each row execute function slow();
});
gate($t, $c->{account}, { key => $c->{key}, cost => 1_000_000 }) for 1 .. 30;
$t->worker_start;
$t->settled;

like $t->slurp('worker.log'), qr/settle \S+ from \S+ to \S+ failed: .*timeout/,
    'the whole batch takes too long';
is $t->balance($c), '70', 'its parts are posted, once each';
is $t->must('GET', "/api/accounts/$c->{account}")->{state}, 'active',
    'which is nobody\'s fault';
ok $t->verified->{ok}, 'and the proof agrees';

done_testing;
