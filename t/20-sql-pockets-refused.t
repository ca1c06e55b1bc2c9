#!/usr/bin/perl
# What the register can't say of grants with terms freezes the account, from that
# event on, and holds nobody else up.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $bystander = $b->account(100);
my $turn = 1;
my $END = int(time) + 86400;
my $POCKET = "50/${END}000/*";

# An account with 100 credits of no terms, 50 that end, and 10 that start later.
sub account {
    my $account = $b->account(100);
    my %later;

    for my $give ([50, 0], [10, 3600]) {
        my ($credits, $in) = @$give;
        $later{id} = $b->sql(q{select ledger.grant_credits($1, $2, 'promo', $3, '',
            jsonb_populate_record(null::credit_grant, jsonb_build_object(
                'expires_at', to_timestamp($4), 'effective_at',
                lib.now() + make_interval(secs => $5))))}, $account,
            $credits * 1e6, "test:$account:$credits", $END, $in);
    }
    $b->applied($account);
    my $cmd = $b->sql('select max(no) from command where account = $1 and delta > 0',
                      $account);
    $b->settle([command => $account, 2, 50, cmd => $cmd]);

    return ($account, $later{id}, $cmd);
}

# The first event is sound, the second broken, and the third comes after.
sub refused {
    my ($why, $what, $kind, $credits, %opt) = @_;

    my ($account, $later, $cmd) = account();
    $opt{id} = $later if ($opt{id} // '') eq 'later';
    $opt{cmd} = $cmd + 1 if $opt{cmd}; # that of the later grant
    is $b->settle([charge => $account, 3, 1, pockets => $POCKET],
                  [$kind => $account, 4, $credits, %opt],
                  [charge => $account, 5, 1], [charge => $bystander, ++$turn, 1]), 2,
        "$what is not posted, and holds nobody else up" or diag $b->{answer};
    is_deeply [$b->sql('select reason from suspense_event where account = $1
                        order by id', $account)], [[$why], ['after a fault']],
        'with the reason';
    is $b->state($account) . ' ' . $b->balance($account), 'frozen 149',
        'and its account is frozen as it was';

    return;
}

my $more = 'more than the pocket has';
refused($more, 'a charge of more than its pocket', charge => 50, pockets => $POCKET);
refused($more, 'a charge of more than there is without terms', charge => 101);
refused($more, 'a charge of a pocket that nobody has', charge => 1, pockets => '1/0/*');
refused($more, 'a charge of two pockets', charge => 60,
    pockets => "$POCKET=50000000,-=10000000");
refused($more, 'a lapse of more than there was', lapse => 60, at => $END,
    pockets => $POCKET);
refused('more than was used of the pocket', 'a refund to another pocket',
    refund => 1);
refused('the pockets do not add up', 'a charge of less than its pockets say',
    charge => 2, pockets => "$POCKET=1000000,-=2000000");
refused('a pocket that has not ended', 'a lapse ahead of the end', lapse => 49,
    at => $END - 0.001, pockets => $POCKET);
refused('a pocket that has not ended', 'a lapse of what never ends', lapse => 9);
refused('no such command', 'a lapse by a command that revokes nothing', lapse => 9,
    cmd => 1, id => 'later', pockets => $POCKET);
refused('no such grant', 'a start of a grant that is nowhere', start => 10,
    id => '999999', pockets => $POCKET);
refused('no such grant', 'a start of another amount', start => 9, id => 'later',
    pockets => $POCKET);
refused('no such grant', 'a start of another pocket', start => 10, id => 'later');
refused('no such command', 'a level that nobody asked for', adjust => -9, cmd => 1);
refused('the items do not add up', 'a start whose item is another', start => 10,
    items => 9, id => 'later', pockets => $POCKET);

my ($account, $later) = account();
is $b->settle([start => $account, 3, 10, id => $later, pockets => $POCKET],
              [start => $account, 4, 10, id => $later, pockets => $POCKET]), 1,
    'a grant starts once';
is $b->state($account), 'frozen', 'in one batch';
($account, $later) = account();
$b->settle([start => $account, 3, 10, id => $later, pockets => $POCKET]);
is $b->settle([start => $account, 4, 10, id => $later, pockets => $POCKET]), 0,
    'and in two';
is $b->sql(q{select ledger.verify_totals() ->> 'ok'}), 'true',
    'and the books balance';

done_testing;
