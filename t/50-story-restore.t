#!/usr/bin/perl
# Postgres is lost and comes back from a backup: what was settled since is caught
# up with exactly where Redis kept it, and to the credit where it did not.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Gate;
use Tollgate::Hold;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('settle.idle_ms' => 20, 'settle.keep' => '1h');
$t->load_demo;
my @customers = map { $t->customer(credits => '100') } 1 .. 3;

sub pay {
    my ($n, @who) = @_;

    gate($t, $_->{account}, { key => $_->{key}, cost => 1_000_000 }) for map { ($_) x $n } @who;

    return;
}

# The tool, as an operator calls it; its exit status and what it said.
sub tollgate {
    my ($words) = @_;

    my $out = `TOLLGATE_SOCKET=$t->{dir}/admin.sock $Tollgate::build/tollgate $words 2>&1`;

    return ($? >> 8, $out);
}

sub balances { return join ' ', map { $t->balance($_) } @customers }

sub avail {
    return join ' ', map { $t->r('HGET', Tollgate::wallet_key($_->{account}), 'avail') / 1_000_000 }
        @customers;
}

sub caught_up {
    my ($balances) = @_;

    $t->wait_for(sub { balances() eq $balances }, "balances of $balances") or diag balances();
    my ($status, $out) = tollgate('ledger verify');
    is $status, 0, 'the proof agrees' or diag $out;

    return;
}

# All of Postgres is gone, its roles too.
sub lose_postgres {
    $t->worker_stop;
    $t->postgres_stop;
    File::Path::remove_tree("$t->{dir}/pg");
    $t->postgres;

    return;
}

my $conf = "--conf $t->{dir}/worker.ini";

# with the events kept
pay(5, @customers);
caught_up('95 95 95');
my ($status, $out) = tollgate("backup $t->{dir}/one $conf");
is $status, 0, 'a backup is written' or diag $out;
like $out, qr/^\Q$t->{dir}\E\/one: \d+ bytes in [\d.]+ s\n\d+ streams, settled up to \d+-\d+ of /,
    'its size, time and place are told';
pay(10, @customers);
$t->must('POST', "/api/accounts/$customers[0]{account}/credits", { credits => '50', source => 'purchase' });
$t->must('PUT', "/api/accounts/$customers[1]{account}", { time_zone => 'Asia/Bangkok' });
$t->mirrored;
pay(1, $customers[0]);
gate($t, $customers[2]{account}, { key => $customers[2]{key}, cost => 1_000_000, id => 'lost' });
void_hold($t, $customers[2]{account}, 'lost');
$t->wait_for(sub { $t->sql(q{select credits from void_request where request_id = 'lost'}) }, 'it to be given back');
$t->mirrored;
caught_up('134 85 85');

lose_postgres();
($status, $out) = tollgate("restore $t->{dir}/one $conf");
is $status, 0, 'it is restored into a cluster that is new' or diag $out;
like $out, qr/its sum is right\n.*the ledger adds up\n/s, 'and is what it was';
like $out, qr/redis has what is missing\n.*the worker will settle all of it again, by itself\n/s,
    'the tool says how it stands to Redis';
like $out, qr/^account $customers[0]{account}: commands \d+ to \d+ are in redis alone$/m,
    'and which changes Postgres forgot';
is scalar(() = $out =~ /are in redis alone/g), 3, 'of all three accounts';
$t->worker_start;
caught_up('134 85 85');
is avail(), '134 85 85', 'nobody at the edge noticed';
is scalar $t->sql(q{select count(*) from charge where kind = 'charge'}), 47, 'each request is there, once';
is scalar $t->sql(q{select sum(amount)::bigint / 1000000 from ledger_txn x join ledger_entry e on e.txn = x.id
    where x.kind = 'recovery' and amount > 0}), 51, 'what was given after the backup is posted';
$t->wait_for(sub { !$t->sql('select count(*) from stream_behind where ended_at is null') }, 'the end of it');
$t->must('POST', '/api/jobs/voids.resolve/run');
$t->wait_for(sub { defined $t->sql(q{select credits from void_request where request_id = 'lost'}) },
             'the request that was voided to be looked for');
is scalar $t->sql(q{select credits from void_request where request_id = 'lost'}), 0,
    'and a refund that was among it is not made again';
$t->must('POST', "/api/accounts/$_->{account}/credits", { credits => '1' }) for @customers;
$t->mirrored;
is avail(), '135 86 86', 'commands since are carried';
caught_up('135 86 86');
is scalar $t->sql(q{select count(*) from account where state = 'frozen'}), 0, 'nobody was frozen';

# without
$t->worker_stop;
$t->worker('settle.idle_ms' => 20);
($status, $out) = tollgate("backup $t->{dir}/two $conf");
is $status, 0, 'another backup' or diag $out;
pay(7, @customers[0, 1]);
$t->must('POST', "/api/accounts/$customers[1]{account}/credits", { credits => '30' });
$t->mirrored;
caught_up('128 109 86');
lose_postgres();
($status, $out) = tollgate("restore $t->{dir}/two $conf");
is $status, 0, 'is restored' or diag $out;
like $out, qr/^2 streams wait for tollgate ledger catchup, once the worker runs$/m, 'to what Redis has not';
$t->worker_start;
pay(2, @customers);
$t->wait_for(sub { $t->balance($customers[2]) eq '84' }, 'what is not concerned to go on');
is balances(), '135 86 84', 'nothing is posted behind a gap';

my $log = $t->sql('select count(*) from ledger_txn');
($status, $out) = tollgate('ledger catchup');
is $status, 6, 'the look finds something';
like $out, qr/^$customers[0]{account} .* -7 +128$/m, 'by account: what it used';
like $out, qr/^$customers[1]{account} .* 23 +109$/m, 'and what it got';
is scalar $t->sql('select count(*) from ledger_txn'), $log, 'and changes nothing';
($status, $out) = tollgate('ledger catchup --yes');
is $status, 0, 'it is done' or diag $out;
caught_up('126 107 84');
is avail(), '126 107 84', 'the edge was right all the time';
is scalar $t->sql(q{select count(*) from catchup c join ledger_txn x on x.id = c.txn}), 2,
    'a table tells which accounts';
is scalar $t->sql(q{select count(*) from audit_log where action = 'ledger.catchup'}), 2, 'and the audit log';
is scalar $t->sql(q{select count(*) from alert where kind = 'postgres_behind' and closed_at is null}), 0,
    'the alert is closed';
is join(' ', tollgate('ledger catchup --yes')), "0 nothing to catch up with: no events are gone\n", 'a second time nothing is left to do';
pay(1, @customers);
caught_up('125 106 83');
is scalar $t->sql(q{select count(*) from account where state = 'frozen'}), 0, 'nobody was frozen';

done_testing;
