#!/usr/bin/perl
# Seals of the ledger: each transaction is in one, those in flight too, nobody who
# posts waits for it, and whatever is changed behind the rules is found.

use strict;
use warnings;

use lib 't/lib';
use IO::Handle;
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my ($one, $two) = map { $b->account(100) } 1, 2;

sub seal { return scalar $b->sql("select ledger.seal('$_[0]') is not null", ) }
sub state_of { my $e = $b->sql_error($_[0]); return $e ? $e->{state} : 'none' }
sub unsealed {
    return scalar $b->sql(q{select count(*) from ledger_txn t where not exists
        (select from ledger_seal s where t.id between s.first_txn and s.last_txn)});
}

# --- what a seal has ------------------------------------------------------------

is seal('5 s'), 't', 'the ledger is sealed';
is unsealed(), 0, 'all of it';
is_deeply [$b->sql('select no, txns, entries, turnover, prev_hash from ledger_seal')],
    [[1, 2, 4, '{"CREDIT": "200000000"}', '']], 'in a seal with its counts and sum';
is seal('5 s'), 't', 'where nothing is new';
is $b->sql('select count(*) from ledger_seal'), 1, 'there is no other seal';
$b->settle([charge => $one, 2, 3], [charge => $two, 2, 4, feature => 'video.generate']);
like $b->sql(q{set role tollgate_worker; select job.ledger_seal(lib.now())}),
    qr/^\{"txns": 2, "seals": 1, "sealed_to": "20/, 'the job seals what is';
is $b->sql(q{select s.prev_hash = p.hash from ledger_seal s, ledger_seal p
             where s.no = 2 and p.no = 1}), 't', 'by a seal that follows the first';
is $b->sql('select count(*) from ledger.seals_broken()'), 0, 'and all are whole';

# --- in flight ------------------------------------------------------------------

# An id is taken and not yet committed while one after it is.
open my $writer, '|-', "psql -X -q -A -t -d '$b->{dsn}' >$b->{dir}/writer.log 2>&1"
    or die "psql: $!\n";
$writer->autoflush(1);
print {$writer} "begin; select ledger.grant_credits('$one', 7000000, 'promo', 'open');\n"
    . "\\echo open\n";
$b->wait_for(sub { $b->slurp('writer.log') =~ /^open$/m }, 'the writer');
$b->sql(q{select ledger.grant_credits($1, 8000000, 'promo', 'done')}, $two);
is $b->sql(q{select sum(t.id) filter (where t.key = 'grant:done')
             > (select max(id) from ledger_txn where key <> 'grant:done') from ledger_txn t}),
    't', 'a later id is committed first';
is seal('200 ms'), 'f', 'nothing is sealed past who still writes';
is $b->sql('select max(no) from ledger_seal'), 2, 'so there is no seal';
is unsealed(), 1, 'though one was committed';

# While a seal waits for that writer others go on.
my $sealer = fork // die "fork: $!\n";
if ($sealer == 0) {
    exec 'psql', '-X', '-q', '-A', '-t', '-d', $b->{dsn}, '-o', "$b->{dir}/sealer.log",
        '-c', q{select ledger.seal('60 s') is not null};
}
$b->{processes}{sealer} = $sealer;
$b->wait_for(sub { $b->sql(q{select count(*) from pg_stat_activity where query like
    '%ledger.seal(''60 s'')%' and pid <> pg_backend_pid()}) }, 'the seal to wait');
is $b->sql(q{select ledger.grant_credits($1, 9000000, 'promo', 'meanwhile') is not null}, $two),
    't', 'who posts meanwhile does not wait';
print {$writer} "commit;\n\\q\n";
close $writer;
$b->wait_for(sub { $b->slurp('sealer.log') eq "t\n" }, 'the seal');
waitpid delete $b->{processes}{sealer}, 0;
is $b->sql(q{select s.no from ledger_seal s join ledger_txn t on t.id between s.first_txn and s.last_txn
             where t.key = 'grant:open'}), 3, 'what was in flight is in that seal';
seal('5 s');
is unsealed(), 0, 'and the rest in one after it';
is $b->sql('select count(*) from ledger.seals_broken()'), 0, 'and all are whole';
is $b->sql(q{select count(*) from ledger_tally y where y.balance <> ledger.balance(y.account)}), 0,
    'tallies are the balances';

# --- the doctor -----------------------------------------------------------------

sub doctor { return (grep { $_->{name} eq 'seals' } @{ $b->call('doctor', {})->{checks} })[0] }
$b->sql(q{select ledger.grant_credits($1, 1000000, 'promo', 'last')}, $one);
ok doctor()->{ok}, 'what came just now may wait for its seal';
$b->sql(q{insert into ledger_txn (key, kind, account, at, recorded_at) values ('old', 'usage', $1, now(), now() - interval '11 minutes')}, $one);
like doctor()->{detail}, qr/^1 transactions/, 'not what came long ago';
ok !doctor()->{ok}, 'the doctor tells';
seal('5 s');
ok doctor()->{ok}, 'until it is sealed';

# --- tampering ------------------------------------------------------------------

my ($from, $to) = map { scalar $b->sql("select ledger.wallet('$_')") } $one, $two;
my $second = $b->sql('select last_txn from ledger_seal where no = 2');
my $root = "host=$b->{dir}/pg dbname=tollgate user=postgres";
my $behind = "begin; set local session_replication_role = replica;";
for my $case (
    ['an amount', "update ledger_entry set amount = amount + 1 where txn = $second and n = 1", 2, 'another sum|not as it was'],
    ['two amounts that still sum to zero', "update ledger_entry set amount = amount * 2 where txn = $second", 2, 'another sum'],
    ['whose wallet it was', "update ledger_entry set ledger_account = $from + $to - ledger_account where ledger_account in ($from, $to) and txn = $second", 2, 'not as it was'],
    ['a feature', "update ledger_entry set feature = 'x' where txn = $second and feature is not null", 2, 'not as it was'],
    ['a time', "update ledger_txn set recorded_at = recorded_at + interval '1 us' where id = 1", 1, 'not as it was'],
    ['a key', "update ledger_txn set key = 'x' where id = 1", 1, 'not as it was'],
    ['a description', "update ledger_txn set description = 'x' where id = 1", 1, 'not as it was'],
    ['a transaction that is gone', "delete from ledger_entry where txn = $second; delete from ledger_txn where id = $second", 2, 'had 2 transactions, now there are 1'],
    ['one of which the entries are left', "delete from ledger_txn where id = $second", 2, 'now there are 1'],
    ['one without its entries', "delete from ledger_entry where txn = $second", 2, 'entries'],
    ['one that was put in', "insert into ledger_txn (id, key, kind, account, at) overriding system value values (-1, 'x', 'grant', '$one', now())", 1, 'now there are 3'],
    ['a seal that is gone', 'delete from ledger_seal where no = 2', 3, 'seal 2 is missing'],
    ['a seal that was changed', "update ledger_seal set hash = repeat('0', 64) where no = 2", 2, 'not as it was'],
    ['two accounts that changed places', "update ledger_account set account = '$two', kind = 'unpaid' where id = $from", 1, 'not as it was'],
) {
    my ($what, $tamper, $no, $reason) = @$case;
    local $b->{sql_dsn} = $root;
    my @found = grep { @$_ == 2 } $b->sql("$behind $tamper;
        select seal, reason from ledger.seals_broken() limit 1; rollback");
    is $found[0][0], $no, "$what is found in seal $no";
    like $found[0][1], qr/$reason/, 'and why';
}
is $b->sql('select count(*) from ledger.seals_broken()'), 0, 'all of which was undone';
$b->{sql_dsn} = $root;
is_deeply [$b->sql("$behind update ledger_txn set key = 'x' where id = 1;
    select seal from ledger.seals_broken(1); rollback")], [], 'it can begin behind a seal';
delete $b->{sql_dsn};

is state_of("set role tollgate_worker; update ledger_seal set hash = ''"), '42501',
    'no role of the worker changes a seal';
for my $table (qw(ledger_seal ledger_checkpoint statement audit_root)) {
    is state_of("delete from $table"), '42501', "the owner removes nothing from $table";
}
is state_of('begin isolation level repeatable read; select ledger.seal()'), 'P0001',
    'no seal is made with a view of the past';

done_testing;
