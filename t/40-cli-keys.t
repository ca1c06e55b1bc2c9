# tollgate keys: rules, pauses and rerolls, from the command line to Redis.

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

# The decoded answer of a command that must succeed.
sub done {
    my $run = $cli->run('keys', @_, '-o', 'json');
    is($run->{status}, 0, "it runs: keys @_") or diag $run->{err};
    return $run->{json} // {};
}

# What the wallet says of a key and its rules, once the mirror has carried it.
sub at_edge {
    my ($key, $record, $rules, $what) = @_;

    my @fields = ('k:' . sha256_hex($key->{key}), "r:$key->{id}");
    my $got;
    $t->wait_for(sub {
        $got = $t->r('HMGET', Tollgate::wallet_key($key->{account}), @fields);
        ($got->[0] // '') eq "$key->{id} $key->{app} $record"
    }, "the record \"$record\"");
    is $got->[1], $rules, $what;
    return;
}

my $account = $cli->run(qw(accounts create Acme -o name))->{out};
chomp $account;
my $app = $cli->run('apps', 'create', $account, qw(Web -o name))->{out};
chomp $app;

my $key = done('create', $app, qw(--scope images:* --scope video:read --ip 10.0.0.0/8
    --ip=2001:db8::/32 --method GET --path /v1 --model app:pro --expires-at 2100-01-01));
is_deeply [@{$key}{qw(scopes ips methods paths models)}],
    [['images:*', 'video:read'], ['10.0.0.0/8', '2001:db8::/32'], ['GET'], ['/v1'], ['app:pro']],
    'an option that is given twice is a list of two';
at_edge($key, 'active 4102444800000 rules', "ip 0a000000/8\n"
    . "ip 20010db8000000000000000000000000/32\nmethod GET\nmodel app:pro\n"
    . "path /v1\nscope images:*\nscope video:read", 'the rules are at the edge');

my $table = $cli->run('keys', 'list', '--app', $app)->{out};
like $table, qr/images:\* video:read +10\.0\.0\.0\/8 2001:db8::\/32 +GET +\/v1 +app:pro /,
    'the list shows them';

done('update', $key->{id}, qw(--expires-at none --path none --model none --method POST --scope none));
at_edge($key, 'active 0 rules', "ip 0a000000/8\nip 20010db8000000000000000000000000/32\nmethod POST",
    'none ends rules and expiry, another takes their place, the others stay');
is done('pause', $key->{id})->{state}, 'paused', 'a key is paused';
at_edge($key, 'paused 0 rules', "ip 0a000000/8\nip 20010db8000000000000000000000000/32\nmethod POST",
    'and keeps its rules');
is done('resume', $key->{id})->{state}, 'active', 'and resumed';
done('update', $key->{id}, qw(--ip none --method none));
at_edge($key, 'active 0', undef, 'without rules there is no field of them');

# A reroll.
my $run = $cli->run('keys', 'reroll', $key->{id}, qw(--overlap 7d -o json));
my $next = $run->{json};
is "$next->{replaces} $next->{state}", "$key->{id} active", 'a reroll answers with the next key';
like $next->{replaces_until}, qr/^\d{4}-\d\d-\d\dT/, 'and with the time that the old one has';
like $run->{err}, qr/keep the key now/, 'and tells to keep it';
at_edge($next, 'active 0', undef, 'the next key is at the edge');
like $cli->run('keys', 'reroll', $next->{id}, qw(-o name))->{out}, qr/^tg_live_\w{48}\n\z/,
    'with -o name it is the key alone';
my ($list) = done('list', '--account', $account)->{data};
is scalar(grep { $_->{replaced_by} } @$list), 2, 'the list says which keys were replaced';
unlike join(' ', map { grep { defined } values %$_ } @$list), qr/$next->{key}/, 'and shows none';

# Refusals, with what is wrong.
for my $row (
    [[update => $key->{id}, '--ip', '10.0.0.1/8'], qr{did you mean 10\.0\.0\.0/8\? \(invalid_argument\)}],
    [[update => $key->{id}, '--ip', 'home'], qr/addresses or networks such as/],
    [[update => $key->{id}, '--method', 'get'], qr/methods in capitals/],
    [[create => $app, '--scope', 'Images'], qr/codes of a-z/],
    [[create => $app, '--expires-at', '2020-01-01'], qr/a time to come/],
    [[reroll => $key->{id}], qr/\(key_replaced\)/],
    [[reroll => $key->{id}, '--overlap', 'long'], qr/a duration such as/])
{
    my ($words, $error) = @$row;
    $run = $cli->run('keys', @$words);
    is $run->{status}, 5, "keys @$words is refused";
    like $run->{err}, $error, 'and says why';
}
is $cli->run('keys', $_, 'key_nobody')->{status}, 3, "keys $_ of no key is not found"
    for qw(pause resume reroll update);
unlike $t->slurp('worker.log'), qr/tg_live_/, 'no key is in the log';

done_testing;
