# What the command line tool prints: tables, JSON, names, CSV, reports.

use strict;
use warnings;
use utf8;

use Encode ();
use FindBin;
use lib "$FindBin::Bin/lib";
use Cli;
use FakeApi;
use JSON::PP;
use Test::More;
use Tollgate;

my @accounts = (
    { id => 'AAAAAAAAAA', name => 'สยามวิดีโอ', email => undef,
      state => 'active', plan => 'pro', mode => 'hybrid', balance => '12.5',
      created_at => '2026-11-01T00:00:00Z' },
    { id => 'BBBBBBBBBB', name => "Two,\"lines\"\n\e[31m", state => 'frozen',
      email => 'b@example.com', plan => 'payg', mode => 'payg',
      balance => '1000', created_at => '2026-11-02T00:00:00Z' });

my %statement = (
    account => 'AAAAAAAAAA', currency => 'CREDIT', opening => '10',
    closing => '7.5', from => '2026-11-01T00:00:00Z',
    to => '2026-12-01T00:00:00Z', has_more => JSON::PP::false,
    next_cursor => undef,
    data => [{ id => 't1', at => '2026-11-03T10:00:00Z', kind => 'charge',
               description => 'video.generate', amount => '-2.5',
               balance => '7.5' }]);

my $t = Tollgate->new;
my $api = FakeApi->new($t,
    'GET /api/accounts?limit=50' => [200, { data => \@accounts,
        has_more => JSON::PP::false, next_cursor => undef }],
    'GET /api/accounts/AAAAAAAAAA' => [200, $accounts[0]],
    'GET /api/accounts/AAAAAAAAAA/statement?limit=50' => [200, \%statement],
    'GET /api/catalog' => [200, { features => [
            { code => 'video.generate', name => 'Video', credits => '50',
              units => 1 }],
        apps => [{ code => 'video-generator', name => 'Generator', models => [
            { code => 'veo-3', name => 'Veo 3', feature => 'video.generate',
              tier => 'pro', credits => '80', units => undef }] }] }],
    'GET /api/ledger/verify' => [200, { ok => JSON::PP::false, accounts => 2,
        differences => [{ account => 'BBBBBBBBBB', redis => '1000',
                          ledger => '990', reason => 'balance',
                          hint => 'repair it' }],
        moving => 1, totals => { available => '1500', held => '2' },
        assets => [{ asset => 'CREDIT', sum => '0' }] }],
    'GET /api/ledger/verify?account=AAAAAAAAAA' => [200, {
        ok => JSON::PP::true, accounts => 1, differences => [],
        assets => [{ asset => 'CREDIT', sum => '0' }] }],
    'GET /api/doctor' => [200, { ok => JSON::PP::false, checks => [
        { name => 'postgres', ok => JSON::PP::true, detail => '15.9',
          hint => undef },
        { name => 'redis persistence', ok => JSON::PP::false,
          detail => 'appendonly is off', hint => 'set appendonly yes' }] }],
    'POST /api/keys' => [201, { id => 'key_0000000001', app => 'app_1',
        key => 'tg_live_secret', state => 'active', expires_at => undef }]);
my $cli = Cli->new($t, $api->{socket});

# The columns on the terminal where a text begins in each line of a table.
sub at {
    my ($text, $line) = @_;
    my $head = (split /\Q$text\E/, $line, 2)[0];
    $head =~ s/\p{Mn}//g;
    return length $head;
}

my $out = $cli->run(qw(accounts list))->{out};
my @lines = split /\n/, Encode::decode('UTF-8', $out);
is(scalar @lines, 3, 'a table is a title and a line for each row');
is(at('active', $lines[1]), at('STATE', $lines[0]),
   'a column stays aligned after Thai text');
is(at('12.5', $lines[1]) + 2, at('1000', $lines[2]) + 4,
   'amounts stand with their decimal points under each other');
unlike($out, qr/\e/, 'no color and no text of a customer steers a terminal');
like($lines[1], qr/สยามวิดีโอ +-  /, 'what is null is shown as a dash');

my $run = $cli->run(qw(accounts get AAAAAAAAAA));
like($run->{out}, qr/^BALANCE  12\.5$/m, 'one object is shown line by line');

$run = $cli->run(qw(accounts get AAAAAAAAAA -o json));
is_deeply($run->{json}, $accounts[0], 'JSON is what the API answered');
like($run->{out}, qr/"balance".*"created_at".*"email".*"state"/s,
     'with its members sorted');

is($cli->run(qw(accounts list -o name))->{out}, "AAAAAAAAAA\nBBBBBBBBBB\n",
   'names are one id a line');
$out = Encode::decode('UTF-8', $cli->run(qw(accounts list --output=csv))->{out});
like($out, qr/^id,name,email,state,plan,mode,balance,unpaid,time_zone,created_at\n/,
     'CSV starts with the names of members');
like($out, qr/^AAAAAAAAAA,สยามวิดีโอ,,active/m, 'null is empty in CSV');
like($out, qr/^BBBBBBBBBB,"Two,""lines""\n/m, 'CSV quotes what must be');

@lines = split /\n/, $cli->run(qw(statement AAAAAAAAAA))->{out};
like($lines[1], qr/opening +- +- +10/, 'a statement starts with the opening');
like($lines[2], qr/charge +video\.generate +-2\.5 +7\.5 +- +t1/,
     'shows each line with the balance after it');
like($lines[3], qr/^2026-12-01T00:00:00Z +closing +- +- +7\.5/,
     'and ends with the closing');

$out = $cli->run(qw(catalog get))->{out};
like($out, qr/^feature +video\.generate +Video +- +- +50 +1$/m,
     'the catalog lists features');
like($out, qr/^model +video-generator:veo-3 +Veo 3 +video\.generate +pro +80/m,
     'and models under their full keys');

$run = $cli->run(qw(ledger verify));
is($run->{status}, 6, 'a difference in the ledger ends with 6');
like($run->{out}, qr{differences: 1\n.*^BBBBBBBBBB +1000 +990 +balance +repair it$}ms,
     'and is shown with both sides and what to do');
like($run->{out}, qr{^in Redis, available: 1500\nin Redis, held: 2$}m,
     'and so are the totals that were compared');
like($run->{out}, qr{^1 accounts moved}m, 'and what could not be proved');
$run = $cli->run(qw(ledger verify AAAAAAAAAA));
is($run->{status}, 0, 'a ledger that agrees ends with 0');
like($run->{out}, qr/^Redis and the ledger agree$/m, 'and says so');
is($cli->run(qw(ledger verify -o json))->{status}, 6,
   'the exit code does not depend on the format');

$run = $cli->run('doctor');
is($run->{status}, 6, 'a failed check of the doctor ends with 6');
is($run->{out}, "ok     postgres: 15.9\n"
    . "FAILED redis persistence: appendonly is off\n"
    . "       hint: set appendonly yes\n", 'the doctor says what to do');

$run = $cli->run(qw(keys create app_1));
like($run->{out}, qr/^KEY +tg_live_secret$/m, 'a new key is shown');
like($run->{err}, qr/not shown again/, 'with a warning on stderr');
is($cli->run(qw(keys create app_1 -o name))->{out}, "tg_live_secret\n",
   'a script gets the key alone');

# `script` of util-linux plays a terminal.
my $shown = "TERM=xterm script -qec '$Tollgate::build/tollgate accounts get"
    . " AAAAAAAAAA --socket $api->{socket}' /dev/null";
like(`env -u NO_COLOR $shown`, qr/\e\[32mactive\e\[0m/,
     'a terminal gets colors');
unlike(`NO_COLOR=1 $shown`, qr/\e/, 'unless NO_COLOR refuses them');

done_testing;
