#!/usr/bin/perl
# Which grants a charge burns, where a refund goes, and what both do to quotas.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $account = $b->account(0);
my $seq = 0;

# Credits from a source, settled as the command that they are at the edge.
sub give {
    my ($credits, $source) = @_;

    $b->call('credit_grant', { account => $account, credits => $credits,
                               source => $source });
    $b->applied($account);
    my $cmd = $b->sql('select max(no) from command where account = $1',
                      $account);
    is $b->settle([command => $account, ++$seq, $credits, cmd => $cmd]), 1,
        "$credits credits of $source are settled";

    return;
}

sub grants {
    return join ' ', map { "$_->[0]:$_->[1]" } $b->sql(
        'select source, remaining / 1000000 from credit_grant
         where account = $1 order by id', $account);
}

give(100, 'purchase');
give(30, 'promo');
give(50, 'purchase');

is $b->settle([charge => $account, ++$seq, 20]), 1, 'a charge posts';
is grants(), 'purchase:100 promo:10 purchase:50', 'promotional credits go first';
$b->settle([charge => $account, ++$seq, 60]);
is grants(), 'purchase:50 promo:0 purchase:50', 'then the older purchase';
$b->settle([charge => $account, ++$seq, 70, id => 'long']);
is grants(), 'purchase:0 promo:0 purchase:30', 'then the newer one';

is $b->sql(q{select count(*) from ledger_entry e join ledger_txn t on t.id = e.txn
    where t.key like 'settle:%' and e.credit_grant is not null
    and t.id = (select max(id) from ledger_txn)}), 2,
    'with an entry for each grant that was burnt';

$b->settle([refund => $account, ++$seq, 70, id => 'long']);
is grants(), 'purchase:50 promo:0 purchase:50',
    'a refund fills them up in the reverse order';
$b->settle([refund => $account, ++$seq, 80]);
is grants(), 'purchase:100 promo:30 purchase:50', 'down to the first';
is $b->balance($account), 180, 'and the balance is what it was';

is $b->settle([refund => $account, ++$seq, 1]), 0,
    'a refund of more than was ever spent is not posted';
is $b->state($account), 'frozen', 'and freezes the account';
is $b->sql(q{select ledger.verify_totals() ->> 'ok'}), 'true',
    'grants, balances and entries agree';

# One batch folds charges and refunds of an account.
$account = $b->account(100);
is $b->settle([charge => $account, 2, 10], [refund => $account, 3, 10],
              [charge => $account, 4, 10, feature => 'video.view'],
              [refund => $account, 5, 10]), 4, 'a batch of both posts';
is $b->balance($account), 100, 'and may come to nothing';
is_deeply [$b->sql(q{select feature, amount / 1000000 from ledger_entry
    where txn = (select max(id) from ledger_txn) order by feature})],
    [['image.generate', -10], ['video.view', 10]],
    'while each feature keeps its sum';

# Units: the last noon and second of January 2027, and the first of February.
my ($january, $evening, $february) = (1801396800, 1801439999, 1801440000);
$account = $b->account(100);
$b->settle([charge => $account, 2, 0, units => 5, at => $january, id => 'a'],
           [charge => $account, 3, 0, units => 2, at => $evening, id => 'b']);
my $used = q{select string_agg("window" || '=' || used, ' ' order by "window", start)
    from quota_usage where account = $1};
is $b->sql($used, $account), 'day=7 month=7', 'units count in day and month';
$b->settle([refund => $account, 4, 0, units => 5, at => $evening, id => 'a']);
is $b->sql($used, $account), 'day=2 month=2', 'and return within the windows';
$b->settle([refund => $account, 5, 0, units => 2, at => $february, id => 'b']);
is $b->sql($used, $account), 'day=2 month=2',
    'but not to windows that are over by then';

# A store that lost the charge and was asked to give it back.
$account = $b->account(100);
$b->settle([charge => $account, 2, 10, id => 'known']);
$b->sql(q{select ledger.store_lost(shard, 'restarted') from account where id = $1}, $account);
is $b->settle([refund => $account, 3, 10, id => 'known'], [refund => $account, 4, 30, id => 'lost']), 1,
    'where a store lost data, what it did not charge is not given back';
is $b->state($account) . ' ' . $b->balance($account), 'active 100', 'and nobody is frozen';
is $b->sql(q{select s.reason from suspense_event s join recovery r on r.id = s.recovery
             where r.account = $1}, $account), 'nothing was charged', 'but the wallet is made again';

done_testing;
