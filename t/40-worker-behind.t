#!/usr/bin/perl
# A Postgres that is older than what was settled is found out: it settles again
# what Redis has kept, and never goes on where events are gone.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Gate;
use Tollgate::Metrics;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('settle.batch' => 5, 'settle.idle_ms' => 20, 'settle.keep' => '1h');
$t->load_demo;
my @customers = map { $t->customer(credits => '100') } 1 .. 2;
my %store = map { $_ => Tollgate::ledger_key($customers[$_]{account}) =~ s/ledger$/s/r } 0, 1;

sub pay {
    my ($n, @who) = @_;

    for my $c (@who) {
        gate($t, $c->{account}, { key => $c->{key}, cost => 1_000_000, feature => 'video.view' })
            for 1 .. $n;
    }

    return;
}

# All cursors are where the streams end.
sub caught_up {
    return $t->wait_for(sub {
        my %cursor = map { @$_ } $t->sql('select stream, last_id from stream_cursor');
        !grep { ($cursor{$_} // '0-0') ne $t->r('XREVRANGE', $_, '+', '-', 'COUNT', 1)->[0][0] }
            grep { /:ledger$/ } @{ $t->r('KEYS', 'tg:*:ledger') };
    }, 'the streams to be settled');
}

sub samples { return Tollgate::Metrics::samples(($t->api('GET', '/api/metrics'))[2]{body}) }

sub check {
    my (undef, $doctor) = $t->api('GET', '/api/doctor');

    return (grep { $_->{name} eq 'postgres age' } @{ $doctor->{checks} })[0];
}

# What the database was is put in the place of what it is; the worker is stopped.
sub copy { return template('tollgate', 'copy') }

sub restore {
    $t->worker_stop;
    template('copy', 'tollgate');

    return;
}

sub template {
    my ($from, $to) = @_;

    $t->worker_stop if $t->{processes}{worker};
    $t->psql($t->{dsn} =~ s/dbname=\S+ user=\S+/dbname=postgres user=postgres/r,
        "drop database if exists $to with (force);\n"
        . "create database $to template $from owner tollgate;\n");

    return;
}

pay(7, @customers);
caught_up();
my $kept = samples();
cmp_ok $kept->{tollgate_ledger_stream_kept_entries}, '>=', 16, 'settled events are kept';
is $kept->{tollgate_ledger_stream_lag_entries}, 0, 'and do not wait';
cmp_ok $kept->{tollgate_ledger_oldest_pending_seconds}, '==', 0, 'nor is one of them old';
ok check()->{ok}, 'all is well';
ok $t->verified->{ok}, 'the proof agrees';

# with all events since the copy
copy();
$t->worker_start;
pay(8, @customers);
caught_up();
restore();
is $t->sql('select sum(-amount) from ledger_entry e join ledger_account a on a.id = e.ledger_account
    where a.kind = $1 and amount < 0', 'wallet') / 1_000_000, 14, 'the copy has not what came later';
$t->worker_start;
caught_up();
is join(' ', map { $t->balance($_) } @customers), '85 85', 'it is settled again from Redis';
is scalar $t->sql(q{select count(*) from charge where kind = 'charge'}), 30, 'each request once';
is scalar $t->sql('select count(*) from stream_behind where not is_gap'), 2, 'of which the table tells';
$t->wait_for(sub { !$t->sql('select count(*) from stream_behind where ended_at is null') },
             'the end to be noted');
ok $t->verified->{ok}, 'the proof agrees';
is scalar $t->sql('select count(*) from alert'), 0, 'and nobody has to do anything';
ok check()->{ok}, 'as the doctor says';

# events of one shard since the copy are gone
copy();
$t->worker_start;
pay(5, @customers);
caught_up();
my $gone = Tollgate::ledger_key($customers[0]{account});
my $end = $t->r('XREVRANGE', $gone, '+', '-', 'COUNT', 1)->[0][0];
is $t->script('trim', [$gone, $store{0}], [$end, $end, 0, 0]) > 0, 1, 'events are gone';
restore();
my $cursor = $t->sql('select last_id from stream_cursor where stream = $1', $gone);
$t->worker_start;
$t->wait_for(sub { $t->balance($customers[1]) eq '80' }, 'the other shard to be settled again');
$t->wait_for(sub { $t->slurp('worker.log') =~ /events of \Q$gone\E from \Q$cursor\E to \Q$end\E are gone/ },
             'the log to tell');
like $t->slurp('worker.log'), qr/hint: .*tollgate ledger catchup/, 'and what to do';
is scalar $t->sql(q{select detail ->> 'stream' || ' ' || (detail ->> 'from') || ' ' || (detail ->> 'to')
    from alert where kind = 'postgres_behind'}), "$gone $cursor $end", 'an alert says which events';
pay(3, @customers);
$t->wait_for(sub { $t->balance($customers[1]) eq '77' }, 'the other shard to go on');
is $t->balance($customers[0]), '85', 'nothing is posted behind the gap';
is scalar $t->sql('select last_id from stream_cursor where stream = $1', $gone), $cursor, 'the cursor stays';
is $t->r('XLEN', $gone), 3, 'and so do the events';
is scalar $t->sql(q{select count(*) from account where state = 'frozen'}), 0, 'nobody is frozen for it';
is samples()->{'tollgate_streams_behind{events="gone"}'}, 1, 'a metric tells';
my $age = check();
ok !$age->{ok}, 'and the doctor';
like $age->{hint}, qr/tollgate ledger catchup/, 'who says what to do';

$t->worker_stop;
$t->worker_start;
pay(1, $customers[1]);
$t->wait_for(sub { $t->balance($customers[1]) eq '76' }, 'a worker to start again');
is scalar $t->sql(q{select count(*) from alert where kind = 'postgres_behind'}), 1, 'it is told once';

# a Redis that lost its marks is no sign of an old Postgres
$t->r('DEL', $store{1});
$t->worker_stop;
$t->worker_start;
pay(1, $customers[1]);
$t->wait_for(sub { $t->balance($customers[1]) eq '75' }, 'a shard without marks to be settled');

done_testing;
