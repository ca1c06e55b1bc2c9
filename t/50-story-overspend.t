#!/usr/bin/perl
# With balance B and price p exactly floor(B/p) of parallel requests pass, over two
# nginx workers, and the ledger says so.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(workers => 2);
my $c = $t->customer(credits => '1000');

my %headers = (Authorization => "Bearer $c->{key}");
my %count;
$count{ $_->{status} }++ for $t->parallel(
    map { ['POST', '/poster-editor/quick-edit', \%headers] } 1 .. 200);

is_deeply \%count, { 200 => 100, 402 => 100 },
    'exactly 100 of 200 parallel requests of 10 credits pass on 1 000';

$t->settled;
is $t->balance($c), '0', 'the ledger says that all credits are used';
is scalar $t->sql('select count(*) from charge where account = $1',
                  $c->{account}), 100, 'and lists 100 charges';

my ($spent) = $t->sql(q{select -sum(e.amount) from ledger_entry e
    join ledger_account a on a.id = e.ledger_account
    where a.account = $1 and a.kind = 'wallet' and e.amount < 0},
    $c->{account});
is $spent->[0], 1_000_000_000, 'entries of the wallet sum to 1 000 credits';
ok $t->verified->{ok}, 'edge and ledger agree';

done_testing;
