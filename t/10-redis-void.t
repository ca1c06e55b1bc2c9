# void.lua marks a request of unknown outcome in the register.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;

my $account = 'Void000001';
my $wallet = Tollgate::wallet_key($account);

sub void {
    return $t->script('void', [$wallet, Tollgate::ledger_key($account)],
                      [$account, $_[0]]);
}

is void('a' x 32), 0, 'there is nothing to say without a wallet';
is $t->r('EXISTS', $wallet, Tollgate::ledger_key($account)), 0,
    'and nothing is made';

$t->wallet($account, epoch => 3, seq => 9, avail => '9007199254740991',
           held => 4, state => 'suspended');
my %before = @{ $t->r('HGETALL', $wallet) };
is void('a' x 32), 1, 'a request of any account is voided';

my ($event) = events($t, $account);
ok delete $event->{t} > 1e15, 'the event tells its time in us';
is_deeply $event, { a => $account, e => 3, s => 10, k => 'void', d => 0,
    v => '9007199254740991', h => 4, n => 0, i => 'a' x 32 . ' - - - - 0 0' },
    'it names the request and moves nothing';
is_deeply { @{ $t->r('HGETALL', $wallet) } }, { %before, seq => 10 },
    'the wallet has one number more';

is void('a' x 32), 1, 'a second void of a request is an event too';
is join(' ', map { $_->{s} } events($t, $account)), '10 11', 'without a gap';

for my $field (qw(epoch seq avail held)) {
    $t->wallet($account, $field => 'x');
    my $snapshot = snapshot($t, $account);
    is void('b' x 32), 0, "a wallet whose $field is no number is left alone";
    is snapshot($t, $account), $snapshot, 'and nothing is written';
}

done_testing;
