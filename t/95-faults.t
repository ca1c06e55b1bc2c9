#!/usr/bin/perl
# A short run of the fault suite with a fixed seed: nothing is lost or doubled
# whatever dies; `make test-faults` does it for longer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/faults";
use Test::More;
use Faults;
use Oracle;
use Plan;
use Random;

# --- a seed says what happens

sub round {
    my ($seed) = @_;

    return [Plan::round(Random->new($seed), steps => 200,
                        faults => Faults::for_store('one'))];
}

my $round = round(4711);
is_deeply round(4711), $round, 'a seed makes the same round again';
isnt join(' ', map { $_->{fault} // '' } @{ round(4712) }),
    join(' ', map { $_->{fault} // '' } @$round), 'another seed makes another';
my %open;
for my $step (@$round) {
    $open{ $step->{fault} }++ if $step->{fault};
    $open{ $step->{heal} }-- if $step->{heal};
}
is_deeply [grep { $open{$_} } keys %open], [], 'every fault is mended in its round';
my %does = map { $_->{does} // '' => 1 } map { @{ round($_) } } 1 .. 3;
is_deeply [grep { !$does{$_} } map { keys %{ $_->{does} } } values %Plan::customers],
    [], 'customers do all that they may';

# --- the oracle

sub answered {
    my ($status, $verdict, %headers) = @_;

    return (fate => 'answered', answer => { status => $status, headers => {
        'tollgate-verdict' => $verdict, 'x-request-id' => 'r', %headers } });
}

my %tokens = (does => 'meter', held => 8_000_000, tokens => [1, 1, 0], how => 'fine');
my @rows = (
    ['what passed is paid', '2500000 0', { price => 2_500_000, answered(200, 'pass', 'tollgate-cost' => '2.5') }],
    ['what failed is not', '0 0', { price => 2_500_000, answered(500, 'pass', 'tollgate-cost' => '0') }],
    ['what was refused is not', '0 0', { price => 7, answered(402, 'credits_exhausted') }],
    ['what nobody took is not', '0 0', { price => 7, fate => 'refused' }],
    ['what was lost may be', '0 0 or 7 0', { price => 7, fate => 'lost' }],
    ['or a unit of quota', '0 0 or 7 0 or 0 1', { price => 7, counted => 1, fate => 'lost' }],
    ['a feature has its price', '10000000 0', { feature => 'image.generate', answered(200, 'pass', 'tollgate-cost' => '10') }],
    ['what is held is not what it comes to', '3 0', { held => 9, actual => 3, answered(200, 'pass', 'tollgate-hold' => '0.000009') }],
    ['tokens are rounded up, of 43.750001', '44 0', { %tokens, answered(200, 'pass', 'tollgate-hold' => '8') }],
);
for my $row (@rows) {
    my ($name, $want, $request) = @$row;
    is join(' ', Oracle::judge($request, 0)) . Oracle::words($request->{may}), $want, $name;
}
my $failed = { price => 7, answered(500, 'pass', 'tollgate-cost' => '0') };
Oracle::judge($failed, 1);
is Oracle::words($failed->{may}), '0 0 or 7 0', 'what a killed nginx had to give back may be lost';
like join('', Oracle::judge({ price => 7, answered(200, 'pass', 'tollgate-cost' => '0.000008') }, 0)),
    qr/costs 7 and was told 8/, 'a wrong price is seen';

# what the books have: [their rows, complaint, balance]
for my $case ([{ r => [7, 0] }, qr/^$/, 93], [{ r => [7, 0], x => [5, 0] }, qr/^$/, 88],
              [{}, qr/costs 7 0, and the books have 0 0/, 100],
              [{ r => [14, 0] }, qr/costs 7 0, and the books have 14 0/, 86],
              [{ r => [7, 0], x => [6, 0] }, qr/nobody sent it/, 87])
{
    my ($books, $complaint, $balance) = @$case;
    my $oracle = Oracle->new;
    $oracle->granted(a => 100);
    for my $request ({ price => 7, answered(200, 'pass', 'tollgate-cost' => '0.000007') },
                     { price => 5, fate => 'lost' })
    {
        Oracle::judge($request, 0);
        $oracle->sent(a => { does => 'cost', %$request });
    }
    like join(' ', $oracle->resolve(a => $books)), $complaint, 'books are compared';
    is $oracle->balance('a'), $balance, 'and the balance follows';
}

# --- all of it

my $out = `$^X $FindBin::Bin/faults/run.pl SEED=1 ROUNDS=4 SECONDS=60 2>&1`;
is $? >> 8, 0, 'the run finds nothing' or diag $out;
like $out, qr/^faults injected [1-9]\d+, requests sent \d{3,}, differences found 0$/m,
    'and had something to find';

done_testing;
