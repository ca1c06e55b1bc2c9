#!/usr/bin/perl
# The pockets of an item reach the ledger as they stand in the stream; an item
# whose pockets can't be read freezes its account.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('worker.roles' => 'settle mirror jobs api', 'settle.idle_ms' => 20);
$t->wait_for(sub { $t->sql(q{select count(*) from store where state = 'sound'}) == 64 },
             'the stores to be looked through');

# An account of nothing whose first event charges it nothing, with these pockets;
# it has no wallet, which the proof would have made again.
sub told {
    my ($pockets) = @_;

    my $account = $t->must('POST', '/api/accounts', { name => 'Test' })->{id};
    $t->r('XADD', Tollgate::ledger_key($account), '*', a => $account, e => 1,
          s => 1, t => time . '000000', k => 'charge', d => 0, v => 0, h => 0,
          n => 0, i => 'r' . ('a' x 31) . ' - - - - 0 0' . $pockets);

    return $account;
}

my $long = '10/1801440000000/' . join '+', map { $_ x 45 } 'a' .. 'd';
my %sound = ('' => undef, ' -' => undef,
    map { (" $_" => $_) } '50/1801440000000/*', $long, "$long=0",
    '10/0/image.generate+video.*=0,-=0', '-=0');
my @broken = ('  ', ' a b', ' 10/0/*=', ' 10/0/*=x', ' 10/0/*=-1', ' =5',
    ' 10/0/*=1,', ' ,10/0/*=1', ' 10/0/*,20/0/*', ' 10/0/*=1=2', ' 10/0/*,-=0',
    " 10/0/\x01", ' ' . 'x' x 201, ' ' . 'x' x 201 . '=1',
    ' 10/0/*=9007199254740993', ' - -');

my %account = map { ($_, told($_)) } keys %sound, @broken;
$t->settled;

for my $pockets (sort keys %sound) {
    is_deeply [$t->sql('select pockets from charge where account = $1',
                       $account{$pockets})], [[$sound{$pockets}]],
        "\"$pockets\" is kept";
}
for my $pockets (@broken) {
    is $t->sql(q{select string_agg(reason, ' ') from suspense_event
                 where account = $1}, $account{$pockets}), 'malformed',
        "\"$pockets\" freezes its account" =~ s/[^ -~]/?/gr;
}
is $t->sql(q{select count(*) from account where state = 'frozen'}), @broken,
    'and no other is';

done_testing;
