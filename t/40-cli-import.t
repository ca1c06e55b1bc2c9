# tollgate keys import: CSV and lines of JSON, a preview, and nothing of a key
# in what the tool says.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Cli;
use Digest::SHA qw(sha256_hex);
use Test::More;
use Tollgate;

my $t = Tollgate->new;
$t->redis;
$t->postgres;
$t->worker;
my $cli = Cli->new($t, "$t->{dir}/admin.sock");

my $account = $cli->run(qw(accounts create Acme -o name))->{out} =~ s/\n//r;
my $app = $cli->run('apps', 'create', $account, qw(Web -o name))->{out} =~ s/\n//r;

sub keys_import {
    my ($text, @options) = @_;
    my $file = $t->spew('keys.txt', $text);
    return $cli->run('keys', 'import', '--app', $app, $file, @options);
}

sub count { return scalar $t->sql('select count(*) from api_key') }

my $csv = "\xef\xbb\xbfkey,name,expires_at,scopes,ips\r\n"
    . "sk-customer-key-0000000001,first,,images:* video:read,\r\n"
    . "\"with,comma and space\",second,2100-01-01,,10.0.0.0/8 2001:db8::/32\r\n"
    . 'sha256:' . sha256_hex('hashed elsewhere') . ",third,,,\r\n";
my $run = keys_import($csv, '--dry-run');
is $run->{status}, 0, 'a dry run succeeds' or diag $run->{err};
like $run->{out}, qr/^ *2 +imported +- +first +sk-c +0001/m, 'it shows each line';
like $run->{out}, qr/^3 to import, 0 there before$/m, 'and how many there are';
is count(), 0, 'and imports nothing';

$run = keys_import($csv, qw(-o json));
is "$run->{status} $run->{json}{imported}", '0 3', 'the import succeeds' or diag $run->{err};
my %key = map { $_->{name} => $_ }
    @{ $cli->run(qw(keys list --app), $app, qw(-o json))->{json}{data} };
is join(' ', sort keys %key), 'first second third', 'all lines are keys';
is_deeply [$key{first}{scopes}, $key{second}{ips}, $key{second}{expires_at}],
    [['images:*', 'video:read'], ['10.0.0.0/8', '2001:db8::/32'], '2100-01-01T00:00:00Z'],
    'with their rules and expiry';
$t->wait_for(sub {
    $t->r('HEXISTS', Tollgate::wallet_key($account), 'k:' . sha256_hex('with,comma and space'))
}, 'the record of a key');
my $hash = sha256_hex('sk-customer-key-0000000001');
is $t->r('GET', sprintf 'tg:{%u}:x:%s', Tollgate::shard($hash), $hash), $account,
    'and an alias is at the edge ahead of it';

my $jsonl = qq({"key": "sk-customer-key-0000000001"}\n\n{"sha256": ")
    . sha256_hex('json') . qq(", "name": "json", "methods": ["GET"], "paths": "/a /b"}\n);
{
    local $cli->{stdin} = $t->spew('keys.jsonl', $jsonl);
    $run = $cli->run('keys', 'import', '--app', $app, '-');
}
like $run->{out}, qr/^1 imported, 1 there before$/m, 'lines of JSON work too, and a key that is there is fine';
like $run->{out}, qr/^ *3 +imported +key_\w{10} +json/m, 'by the lines of the file';

# Faults: everything that is wrong, by line, and nothing is imported.
my $before = count();
$run = keys_import("key,name\nshort,one\nsk-good-key,two\nsk-good-key,three\ntg_live_secret,four\n");
is $run->{status}, 5, 'a list with wrong lines is refused';
like $run->{err}, qr/$_/, "it says: $_"
    for 'line 2 is too short', 'line 4 is the key of line 3 again', 'line 5 has the form of a key of Tollgate',
        'nothing was imported';
unlike $run->{err}, qr/sk-good|secret/, 'without a key';
is keys_import("key\nsk-good-key\nbad\n", qw(-o json))->{json}{refused}, 1, 'with -o json the report is there';
is count(), $before, 'nothing of it was imported';

# What is no list: the first line of one without a header is a key.
for my $row (["sk-secret-one\nsk-secret-two\n", qr/line 2: a column is none of key/],
             ["", qr/header/], ["key\n", qr/holds no keys/],
             ["{\"key\": \"sk-secret-one\"\n}\n", qr/line 1: is not a JSON object/],
             ["{\"key\": \"sk-good-key\"}\n{\"sk-secret\": \"x\"}\n", qr/line 2: a column is none/],
             ["key,name\nsk-secret-one\n", qr/line 2: has not as many fields/]) {
    $run = keys_import($row->[0]);
    is $run->{status}, 2, 'it is no list of keys';
    like $run->{err}, $row->[1], 'and the tool says why';
    unlike $run->{err} . $run->{out}, qr/sk-secret/, 'without a key';
}
like $cli->run(qw(keys import x.csv))->{err}, qr/--app is missing/, 'the app has to be said';
is $cli->run(qw(keys import --app app_0000000000), $t->spew('k.csv', $csv))->{status}, 3,
    'and has to be one';
unlike $t->slurp('worker.log'), qr/sk-customer|sk-good|comma and/, 'no key is in the log';

done_testing;
