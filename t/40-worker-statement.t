#!/usr/bin/perl
# Statements over the API and by the tool: who may read whose, pages and CSV of
# many thousand lines, and an issued one that stays as it is.

use strict;
use warnings;

use lib 't/lib';
use Cli;
use Test::More;
use Tollgate::Http;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('worker.roles' => 'settle mirror jobs api');
$t->load_demo;
my ($c, $other) = map { $t->customer(credits => '10') } 1, 2;
my $cli = Cli->new($t, "$t->{dir}/admin.sock");
my $root = "host=$t->{dir}/pg dbname=tollgate user=postgres";

# A request of a customer, at the socket that nginx uses.
sub ask {
    my ($customer, $method, $path, $body) = @_;

    return Tollgate::Http::request("$t->{dir}/api.sock", $method, $path, { 'X-API-Key' => $customer->{key},
        'Content-Type' => 'application/json' }, $body);
}
sub verdict { return "$_[0]{status} " . ($_[0]{json}{code} // '') }

# So many movements of last May, one credit each; what a spreadsheet would run is among them.
sub post {
    my ($from, $to) = @_;

    $t->sql(qq{insert into ledger_txn (key, kind, account, description, at, recorded_at)
        select 'test:' || n, 'grant', '$c->{account}', case n when 7 then '=1+1' when 8 then 'a "b", c' else '-' || n end, at, at
        from (select n, '2026-05-01Z'::timestamptz + n * interval '1 s' as at from generate_series($from, $to) n) m order by n;
        insert into ledger_entry (txn, n, ledger_account, amount)
        select t.id, side, case side when 1 then ledger.wallet(t.account) else ledger.system_account('issued') end,
               case side when 1 then 1000000 else -1000000 end
        from ledger_txn t, generate_series(1, 2) side
        where t.key like 'test:%' and split_part(t.key, ':', 2)::int between $from and $to});
    return;
}
my $path = "/api/accounts/$c->{account}/statement";
$t->wait_for(sub { $t->sql('select count(*) from ledger_txn where account = $1', $c->{account}) == 1 }, 'the grant');
# what came before has a time before
$t->psql($root, q{set session_replication_role = replica; update ledger_txn set recorded_at = '2026-04-01Z'});
post(1, 2500);

# --- who ------------------------------------------------------------------------

is verdict(ask($c, 'GET', $path)), '200 ', 'a customer reads the statement of the own account';
is verdict(ask($other, 'GET', $path)), '403 account_forbidden', 'and no other';
is verdict(ask($c, 'POST', "${path}s", '{"from":"2026-05-01","to":"2026-06-01"}')), '403 operator_only', 'who issues is the operator';
my $issued = $t->must('POST', "${path}s", { from => '2026-05-01', to => '2026-06-01' });
is "$issued->{no} $issued->{movements} $issued->{opening} $issued->{closing}", '1 2500 10 2510', 'the operator issues one';
is verdict(ask($c, 'GET', "/api/statements/$issued->{id}")), '200 ', 'which its customer reads';
is verdict(ask($other, 'GET', "/api/statements/$issued->{id}")), '404 statement_not_found', 'and no other sees';
is scalar @{ ask($c, 'GET', "${path}s")->{json}{data} }, 1, 'a list has it';
is verdict(ask($other, 'GET', "${path}s")), '403 account_forbidden', 'for the own account';

# --- CSV ------------------------------------------------------------------------

my $csv = ask($c, 'GET', "$path?from=2026-05-01&to=2026-06-01&format=csv");
is $csv->{headers}{'content-type'}, 'text/csv; charset=utf-8; header=present', 'it comes as CSV';
my @lines = split /\r\n/, $csv->{body}, -1;
is pop @lines, '', 'each line ends as RFC 4180 has it';
is scalar @lines, 2503, 'all of it, whatever a page holds';
is $lines[0], 'id,at,recorded_at,kind,description,amount,balance,unpaid', 'behind a header';
is $lines[1], ',2026-05-01T00:00:00Z,,opening,,,10,', 'and the opening';
is $lines[-1], ',2026-06-01T00:00:00Z,,closing,,,2510,', 'ahead of the closing';
ok join(' ', map { (split /,/, s/".*"/x/r)[6] } @lines[2 .. 2501]) eq join(' ', 11 .. 2510), 'with each balance';
like $lines[8], qr/,'=1\+1,1,/, 'what a spreadsheet would take for a formula is a text';
like $lines[9], qr/,"a ""b"", c",/, 'what needs quotes has them';
is verdict(ask($c, 'GET', "$path?format=csv&details=true")), '422 invalid_argument', 'details are not for CSV';
is verdict(ask($c, 'GET', "$path?format=xml")), '422 invalid_argument', 'nor is there another format';
is verdict(ask($other, 'GET', "$path?format=csv")), '403 account_forbidden', 'nor is it for others';

my $run = $cli->run('statement', $c->{account}, qw(--from 2026-05-01 --to 2026-06-01 --csv));
is $run->{status}, 0, 'the tool prints it';
ok $run->{out} eq $csv->{body}, 'as it is';
is $cli->run('statement', $c->{account}, qw(--csv -o json))->{status}, 2, 'in no other format';
is $cli->run('statement', 'nobody', '--csv')->{status}, 3, 'of an account that is';

# --- details --------------------------------------------------------------------

my ($first) = @{ $t->must('GET', "$path?to=2026-05-01&details=1")->{data} };
is_deeply [@$first{qw(features grants)}], [[], [{ grant => $first->{grants}[0]{grant}, source => 'purchase', credits => '10' }]],
    'details tell the grants';

# --- issued ---------------------------------------------------------------------

$run = $cli->run('statements', 'show', $issued->{id}, '--csv');
ok $run->{out} eq $csv->{body}, 'an issued statement is the same';
post(2501, 2502);
ok $cli->run('statements', 'show', $issued->{id}, '--csv')->{out} eq $csv->{body},
    'and stays so when its period gets another movement';
is_deeply $cli->run(qw(statements issue), $c->{account}, qw(--from 2026-05-01 --to 2026-06-01 -o json))->{json}, $issued,
    'nor is it issued twice';
like $cli->run('statements', 'list', $c->{account})->{out}, qr/^\Q$issued->{id}\E +1 /m, 'the tool lists it';
@lines = split /\n/, $cli->run('statements', 'show', $issued->{id}, '--all')->{out};
is scalar(@lines) . join(' ', map { (split ' ', $lines[$_])[1] } 1, -1), '2503opening closing', 'and shows it';
is $cli->run('statements', 'show', 'st_0')->{status}, 3, 'and no other';

$t->sql(q{insert into ledger_txn (key, kind, account, at, recorded_at)
    select 'many:' || n, 'usage', $1, '2026-05-02Z', '2026-05-02Z' from generate_series(1, 100001) n}, $other->{account});
$t->sql(q{select ledger.seal('10 s')});
is +($t->api('POST', "/api/accounts/$other->{account}/statements", { from => '2026-05-01', to => '2026-06-01' }))[1]{code},
    'period_too_long', 'one of more than 100 000 movements is issued in parts';

# --- cut off --------------------------------------------------------------------

$t->psql($root, q{alter function lib.csv_text(text) rename to csv_text_whole;
    create function lib.csv_text(value text) returns text language sql as
    $$ select case when value = '-1500' then (1 / (length(value) - 5))::text else lib.csv_text_whole(value) end $$;
    grant execute on function lib.csv_text to public});
$run = $cli->run('statement', $c->{account}, '--csv');
is $run->{status}, 7, 'an export that breaks off is no success';
like $run->{err}, qr/no_answer/, 'and the tool says so';
unlike $run->{out}, qr/closing/, 'nor has it a closing';
like $t->slurp('worker.log'), qr/ledger_statement failed in the midst of an export/, 'the log tells why';

done_testing;
