#!/usr/bin/perl
# What becomes of a grant at its end: what rolls over, for how long, once; and
# what use before the end that is charged after it takes back.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $END = 1801440000; # 2027-02-01T00:00:00Z
my $POCKET = "50/${END}000/*";
my ($account, $seq);

sub settle {
    return $b->settle(map { [$_->[0], $account, ++$seq, @$_[1 .. $#$_]] } @_);
}

# Settles what the account was given since the last time, as the edge tells it.
sub commands {
    my $last = $b->sql('select last_cmd from account_cursor where account = $1', $account);
    my @all = $b->sql('select no, delta / 1000000, set_fields from command where account = $1
                       and no > $2 order by no', $account, $last);
    my @moves = grep { $_->[1] } @all;
    settle(map { [command => $_->[1], cmd => $_->[0]] } @moves) if @moves;

    return @all;
}

# An account with a grant that ends; what the grant's terms and credits are.
sub fresh {
    my ($credits, %terms) = @_;
    $b->sql(q{select lib.clock_freeze('2027-01-31T12:00:00Z')});
    ($account, $seq) = ($b->account(0), 0);
    my $id = $b->call('credit_grant', { account => $account, credits => $credits,
        source => 'promo', expires_at => '2027-02-01T00:00:00Z', %terms })->{id};
    commands();
    $b->sql(q{select lib.clock_freeze('2027-02-01T00:00:05Z')});

    return $id;
}

sub grants {
    return join ' ', map { "$_->[0]:$_->[1]/$_->[2]/$_->[3]" } $b->sql(
        'select source, remaining / 1000000, lapsed / 1000000, pocket from credit_grant
         where account = $1 order by id', $account);
}

sub sums {
    return join ' ', map { "$_->[0]:$_->[1]" } $b->sql(
        'select a.kind, (sum(e.amount) / 1000000)::bigint from ledger_entry e
         join ledger_txn t on t.id = e.txn join ledger_account a on a.id = e.ledger_account
         where t.account = $1 group by a.kind having sum(e.amount) <> 0 order by a.kind',
        $account);
}

my %bounds = (rollover => { max => '50', min => '10' });
for my $case ([80, 50, 'breakage:30 issued:-80 wallet:50'],
              [5, 10, 'issued:-10 wallet:10'],
              [30, 30, 'issued:-30 wallet:30']) {
    my ($ending, $rolled, $books) = @$case;
    fresh('100', %bounds);
    settle([charge => 100 - $ending, pockets => $POCKET]) if $ending < 100;
    my $used = 100 - $ending;
    is settle([lapse => $ending, at => $END, pockets => $POCKET]), 1, "$ending lapse";
    is grants(), "promo:0/$ending/$POCKET rollover:$rolled/0/-", "and $rolled roll over";
    my $issued = $books =~ /issued:-(\d+)/ ? $1 : 0;
    is sums(), $books =~ s/issued:-\d+/'issued:-' . ($issued + $used)/er
        =~ s/ wallet/ usage_revenue:$used wallet/r, 'which breakage does not have';
    is_deeply [commands()], [[3, $rolled, '{}']], 'the edge gets them';
}

# P4: with 25 owed.
fresh('50', %bounds);
settle([owed => 25, id => 'beyond'], [lapse => 50, at => $END, pockets => $POCKET]);
my @given = commands();
is_deeply [map { $_->[1] } @given], [50, 0], 'what rolls over pays what is owed';
my ($take) = $given[1][2] =~ /"take": "(\w+) 25000000"/;
is settle([charge => 25, id => $take]), 1, 'the wallet has paid';
is $b->balance($account), 25, 'and has the rest';

# What lasts, and what comes back after the end.
fresh('60', priority => 7, features => ['video.*'],
      rollover => { max => '50', for => '30d' });
my $pocket = "7/${END}000/video.*";
settle([charge => 40, pockets => $pocket, id => 'r'],
       [lapse => 20, at => $END, pockets => $pocket]);
my $anew = '7/' . ($END + 30 * 86400) . '000/video.*';
is grants(), "promo:0/20/$pocket rollover:20/0/$anew", 'it lasts from the end on';
is_deeply [commands()], [[3, 20, qq({"pockets": "$anew"})]], 'in a pocket of its own';
settle([refund => 40, id => 'r', at => $END + 9, pockets => $pocket],
       [lapse => 40, at => $END + 9, pockets => $pocket]);
is grants(), "promo:0/60/$pocket rollover:20/0/$anew rollover:30/0/$anew",
    'a refund after the end rolls over as far as the bounds allow';
is sums(), 'breakage:10 issued:-60 wallet:50', 'in all';
commands();
settle([lapse => 50, at => $END + 30 * 86400, pockets => $anew]);
is_deeply [commands()], [], 'what rolled over does not roll over again';
is sums(), 'breakage:60 issued:-60', 'but lapses';

# Use of an outage before the end, charged after it.
sub owe {
    my ($credits, $feature, $before_s) = @_;
    $b->sql(q{insert into unpaid_use (request_id, at, account, feature, verdict, credits,
        units, state) values ($1, to_timestamp($2), $3, $4, 'pass_open', $5, 0, 'open')},
        "u$seq$account", $END - $before_s, $account, $feature, $credits * 1e6);
    $b->sql(q{select ledger.post_unpaid($1, jsonb_build_array(jsonb_build_object('account',
        $2, 'credits', $3, 'at', lib.now())), 'used')}, "t$seq$account", $account, $credits * 1e6);

    return;
}

for my $case ([0.5, 'video.view', 10, 'breakage:10 issued:-20 usage_revenue:20',
               'use before the end takes back what lapsed'],
              [0, 'video.view', 0, '', 'use at the end does not'],
              [0.5, 'image', 0, '', 'nor does use of another feature'],
              [43201, 'video.view', 0, '', 'or ahead of the start']) {
    my ($before_s, $feature, $back, $books, $name) = @$case;
    my $id = fresh('30', features => ['video.*'],
        rollover => { max => '10', min => '0' }, credits => '30');
    settle([lapse => 30, at => $END, pockets => "50/${END}000/video.*"]);
    commands();
    owe(20, $feature, $before_s);
    if (!$back) {
        is $b->call_error('unpaid_charge', { account => $account }),
            'PT409 credits_insufficient', $name;
        is sums(), 'breakage:20 issued:-30 unpaid:-20 usage_revenue:20 wallet:10',
            'and nothing is changed';
        next;
    }
    my $asked = $b->call('unpaid_charge', { account => $account });
    is "$asked->{credits} $asked->{state}", '20 charging', $name;
    is $b->sql('select lapsed / 1000000 from credit_grant where id = $1', $id), 10,
        'but for what rolled over';
    my @told = commands();
    is_deeply [map { $_->[1] } @told], [20, 0], 'the edge gets it, and is asked to pay';
    my ($reopened) = $told[0][2] =~ m{"pockets": "(0/\d+/\*)"};
    is settle([charge => 20, id => $asked->{charge}, pockets => $reopened]), 1, 'it pays';
    is sums(), 'breakage:0 issued:-30 usage_revenue:20 wallet:10' =~ s/breakage:0 //r,
        'breakage is what was not used';
}
is $b->sql(q{select ledger.verify_totals() ->> 'ok'}), 'true', 'the books balance';

done_testing;
