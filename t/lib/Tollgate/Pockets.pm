package Tollgate::Pockets;

# Scripts under a clock of the test's own, and the pockets of a wallet as it
# tells of them, which have to fit each other.

use strict;
use warnings;

use parent 'Tollgate';

use Exporter 'import';
use List::Util qw(min sum0);
use Tollgate::Gate;

our @EXPORT = qw(in_order pockets events_since fits);

# Every script that follows is run at this time, unix ms.
sub at {
    my ($t, $ms) = @_;

    $t->{clock} = sprintf "({ '%d', '%d' })", $ms / 1000, $ms % 1000 * 1000 + 999;

    return $t;
}

sub script_text {
    my ($t, $name) = @_;

    my $text = $t->SUPER::script_text($name);
    $text =~ s/(?:redis\.)?call\('TIME'\)/$t->{clock}/g if $t->{clock};

    return $text;
}

# A command of the worker; the answer, or "raised".
sub apply {
    my ($t, $account, $no, $delta, @pairs) = @_;

    return eval { $t->script('apply',
        [Tollgate::wallet_key($account), Tollgate::ledger_key($account)],
        [$account, $no, $delta, @pairs / 2, @pairs, 0]) } // 'raised';
}

sub refund {
    my ($t, $account, $id, $answer, %opt) = @_;

    return $t->script('refund',
        [Tollgate::wallet_key($account), Tollgate::ledger_key($account), marker($account, $id)],
        [$account, $id, 1, @$answer{qw(key app)}, $opt{feature} // '-', '-',
         @$answer{qw(credits units day_end month_end)}, $answer->{ticket} || '-']);
}

sub marker { return 'tg:{' . Tollgate::shard($_[0]) . "}:r:$_[1]" }

sub lapses { return 'tg:{' . Tollgate::shard($_[0]) . '}:g' }

# The sweep: how many were looked at, in how many of them something was due.
sub sweep {
    my ($t, $account, $max) = @_;

    my $prefix = 'tg:{' . Tollgate::shard($account) . '}:w:';

    return join ' ', @{ $t->script('lapse',
        [lapses($account), Tollgate::ledger_key($account)], [$prefix, $max // 100]) };
}

# The events of an account from a number on, each as "kind d v h n items".
sub events_since {
    my ($t, $account, $seq) = @_;

    return map { "$_->{k} $_->{d} $_->{v} $_->{h} $_->{n} $_->{i}" }
        grep { $_->{s} > $seq } events($t, $account);
}

sub before {
    my ($one, $other) = map { $_ eq '-' ? '50/0/*' : $_ } @_;
    my ($p, $e, $s) = split m{/}, $one;
    my ($q, $f, $u) = split m{/}, $other;

    return $p <=> $q || ($e || 9e15) <=> ($f || 9e15) || ($s eq '*') <=> ($u eq '*') || $s cmp $u;
}

# Names of pockets in the order in which they burn.
sub in_order { return sort { before($a, $b) } @_ }

# Whether a pocket is for a feature, "*" for any.
sub fits {
    my ($name, $feature) = @_;

    my $scope = (split m{/}, $name)[2] // '*';
    return 1 if $scope eq '*' || $feature eq '*';
    for my $code (split /\+/, $scope) {
        return 1 if $code eq $feature
            || $code =~ /^(.*)\*\z/ && $feature ne '-' && index($feature, $1) == 0;
    }

    return 0;
}

# What a wallet says of its pockets, as "name amount, ..." and the grants to come;
# where its fields don't fit each other, what doesn't.
sub pockets {
    my ($t, $account) = @_;

    my ($avail, $head, $tail, $later) = @{ $t->r('HMGET', Tollgate::wallet_key($account),
        qw(avail pocket pockets later)) };
    my $score = $t->r('ZSCORE', lapses($account), $account);
    return "- $avail" . (grep({ defined } $tail, $later, $score) ? ' and fields left over' : '')
        unless defined $head;

    my ($next, $sum, $name, $amount, $scoped) =
        $head =~ /^(\d+) (\d+) (\S+) (\d+) (\d+)\z/ or return "malformed: $head";
    my %has = map { split / / } split /\n/, $tail // '';
    my @tail = map { (split / /)[0] } split /\n/, $tail // '';
    my @later = split /\n/, $later // '';
    $has{$name} = $amount unless $name eq '-';
    my @due = grep { $_ } map({ (split m{/})[1] } keys %has), map { (split / /)[0] } @later;
    my $plain = $avail - sum0(values %has);
    my @all = in_order($plain ? '-' : (), keys %has);

    return join ', ', "wrong: $head", @all
        if $sum != sum0(values %has) || $next != (min(@due) // 0)
           || $name ne ($all[0] // '-') || "@tail" ne join(' ', in_order(@tail))
           || $scoped != sum0(map { $has{$_} } grep { !m{/\*\z} } keys %has)
           || $plain < 0 || grep({ !$_ } values %has) || !%has && !@later
           || ($score // 0) != $next || @tail + ($name ne '-') != keys %has;

    return join ', ', map({ "$_ " . ($_ eq '-' ? $plain : $has{$_}) } @all), sort @later;
}

1;
