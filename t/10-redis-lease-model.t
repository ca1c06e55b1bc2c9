# Two hosts lease of three accounts at random, while replies are lost, calls come
# twice, wallets are closed and made again, and leases are reclaimed: what there
# was is always avail, held or spent once, and what was spent beyond it is owed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use List::Util qw(sum0);
use Test::More;
use Tollgate;
use Tollgate::Gate;
use Tollgate::Hold;
use Tollgate::Lease;
use Tollgate::LeaseHosts;

my $t = Tollgate->new;
$t->redis;
srand(my $seed = $ENV{SEED} // time);

my (@accounts, %key, %id, %total, %disturbed);
for (my $i = 0; @accounts < 3; $i++) {
    my $name = sprintf 'LeaseM%04d', $i;
    push @accounts, $name if Tollgate::shard($name) == 7;
}
for my $account (@accounts) {
    $t->wallet($account, avail => $total{$account} = 4000);
    $key{$account} = $t->key($account);
    $id{$account} = sprintf 'key_%010d', scalar keys %key;
}
my $m = Tollgate::LeaseHosts->new($t, \%key, \%id);

sub account { return $accounts[rand @accounts] }

sub wallet { return @{ $t->r('HGETALL', Tollgate::wallet_key($_[0])) } }

sub untold { my $host; return sum0(map { $host = $_; map { $m->untold($host, $_) } @accounts } @{ $m->{hosts} }) }

sub calls { $m->call($m->host, 1 + int rand 2, 0); return }

sub spends { $m->spend(account()); return }

sub comes_late { $m->comes_late; return }

sub charges { my $account = account(); gate($t, $account, { key => $key{$account}, cost => int rand 40 }); return }

sub closes { $t->r('HSET', Tollgate::wallet_key(account()), plan => rand > 0.6 ? '-' : 'payg'); return }

sub tops_up {
    my ($account, $more) = (account(), 1 + int rand 300);
    my %w = wallet($account);
    $t->script('apply', [Tollgate::wallet_key($account), Tollgate::ledger_key($account)],
        [$account, $w{cmd} + 1, $more, $w{owed} ? (1, 'owed', $w{owed}) : 0, 0]);

    return;
}

sub reclaims {
    my ($host, $account) = ($m->host, account());
    $m->dies($host, $account);
    $disturbed{$account} = 1 if reclaim($t, $account, $id{$account}, host => $host);

    return;
}

sub begins_anew {
    my $account = account();
    my %w = wallet($account);
    my $hash = key_hash($key{$account});
    $m->dies($_, $account) for @{ $m->{hosts} };
    $disturbed{$account} = $t->script('reseat',
        [Tollgate::wallet_key($account), Tollgate::ledger_key($account), 'tg:{7}:h'],
        [$account, 'x', $w{epoch} + 1, $w{cmd}, $w{avail} + $w{held}, @w{qw(epoch seq avail held cmd)},
         qq({"plan":"payg","state":"active","k:$hash":"$w{"k:$hash"}","a:app_0000000001":"active"}), '{}', 0]);

    return;
}

# What the register says of requests and accounts, as it grows.
my ($last, %charged, %balance, %owed, @wrong) = ('-');

sub read_register {
    for my $entry (@{ $t->r('XRANGE', 'tg:{7}:ledger', $last, '+') }) {
        my %e = @{ $entry->[1] };
        my @items = map { [split] } split /;/, $e{i};
        my $balance = $balance{ $e{a} } += $e{d};
        $last = "($entry->[0]";
        push @wrong, "event $entry->[0] does not add up"
            if $e{k} eq 'lease' && $e{d} != -sum0(map { $_->[5] } @items)
               || $e{v} + $e{h} != $total{ $e{a} } + $balance;
        next if $e{k} !~ /^(?:lease|owed)\z/;
        $charged{ $_->[0] } += $_->[5] for @items;
        $owed{ $e{a} } += sum0(map { $_->[5] } @items) if $e{k} eq 'owed';
    }

    return;
}

sub check {
    my ($step) = @_;

    read_register();
    push @wrong, "$_ was charged $charged{$_}, not $m->{cost}{$_}"
        for grep { $charged{$_} > $m->{cost}{$_} } keys %charged;

    for my $account (@accounts) {
        my %w = wallet($account);
        my %has = map { /^o:\w+:(\w+)$/ ? ($1, (split ' ', $w{$_})[1]) : () } keys %w;
        my $lent = (split ' ', $w{lent} // '0 0')[0];
        push @wrong, "$account holds $w{held}, lent $lent, has leases of " . sum0(values %has)
            if $w{held} != sum0(values %has) || $w{held} != $lent;
        push @wrong, "$account owes though nothing was reclaimed" if $owed{$account} && !$disturbed{$account};
        for my $host ($disturbed{$account} ? () : @{ $m->{hosts} }) {
            my $pool = $m->has($host, $account, \%charged);
            push @wrong, "$host has $pool of $account, and a lease of " . ($has{$host} // 0)
                if $pool > ($has{$host} // 0);
        }
    }
    BAIL_OUT("step $step: @wrong (SEED=$seed)") if @wrong;

    return;
}

my @calm = ((\&spends) x 12, (\&calls) x 10, \&charges, \&tops_up, \&closes, \&comes_late);
for my $step (1 .. 3000) {
    my @may = (@calm, $step > 1800 ? (\&reclaims, \&begins_anew) : ());
    $may[rand @may]->();
    check($step);
}
ok scalar keys %charged > 200, scalar(keys %charged) . " requests were charged as they should (SEED=$seed)";

$t->r('HSET', Tollgate::wallet_key($_), plan => 'payg') for @accounts;
for my $try (1 .. 1000) {
    $m->call($_->[0], $_->[1], $try > 100) for map { ([$_, 1], [$_, 2]) } @{ $m->{hosts} };
    last if $try > 200 && !untold();
}
check('last');
is untold(), 0, 'hosts have told everything';
is_deeply \%charged, $m->{cost}, 'and each request was charged what it cost, once';
is wallet_fields($t, $_, 'held') . ' ' . wallet_fields($t, $_, 'lent'), '0 -', 'nothing is left on lease' for @accounts;

done_testing;
