#!/usr/bin/perl
# What passed without a decision is owed: booked once, whichever of its usage
# record and its charge comes first, and ended by a charge or forgiven.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
$b->call('catalog_put', JSON::PP::decode_json(
    $b->slurp("$b->{root}/demo/catalog.json")));
$b->call('plan_put', { %$_, plan => $_->{code} })
    for @{ JSON::PP::decode_json($b->slurp("$b->{root}/demo/plans.json")) };

# An account with a key and so many credits.
sub customer {
    my ($credits) = @_;

    my $account = $b->account($credits);
    my $app = $b->call('app_create', { account => $account, name => 'Web',
                                       kind => 'web' })->{id};
    my $key = $b->call('key_create', { app => $app });

    return { account => $account, key => $key->{id},
             hash => Digest::SHA::sha256_hex($key->{key}) };
}

my $place = 0;

# Settles usage records [customer, request, credits, fields].
sub usage {
    my (@records) = @_;

    my $rows = join ",\n", map {
        my ($c, $id, $credits, %with) = @$_;
        my %f = (hash => $c->{hash}, verdict => 'pass_open', refunded => 0,
                 dry_run => 0, units => 1, feature => 'image.generate', %with);
        sprintf "(%d, '%s', null, null, 'sha256:%s', null, '%s', null, '%s', 200,"
            . " 0, 0, %d, 5, 10, 20, %d, %s, %d)", time * 1000, $id, $f{hash},
            @f{qw(feature verdict refunded dry_run)},
            defined $credits ? $credits * 1_000_000 : 'null', $f{units};
    } @records;
    my ($from, $to) = ("$place-0", ++$place . '-0');

    return $b->psql($b->{dsn}, join "\n", 'set role tollgate_worker;', 'begin;',
        'select ledger.settle_begin() \gset',
        "insert into settle_usage values $rows;",
        "select ledger.settle_usage('tg:{usage}:web1', '$from', '$to', 0);",
        'commit;');
}

sub owed {
    my ($c) = @_;

    return $b->sql('select lib.credits(ledger.unpaid($1)) || $2 ||
        coalesce((select string_agg(request_id || $3 || state, $2 order by id)
                  from unpaid_use where account = $1), $2)',
        $c->{account}, ' ', '=');
}

sub sound { return $b->sql(q{select ledger.verify_totals() ->> 'ok'}) }

my ($c, $d) = (customer(100), customer(5));
usage([$c, 'a', 10], [$c, 'b', 20, feature => 'video.generate'], [$d, 'c', 30],
      [$c, 'no', 10, verdict => 'pass'], [$c, 'no', 10, refunded => 1],
      [$c, 'no', 10, dry_run => 1], [$c, 'no', 0, units => 0],
      [$c, 'no', 10, verdict => 'store_unreachable'],
      [{ hash => 'f' x 64 }, 'who', 40]);
is owed($c), '30 a=open b=open', 'what passed without a decision is owed';
is owed($d), '30 c=open', 'by each account for itself';
is $b->balance($c->{account}), 100, 'and the wallet is left alone';
is $b->sql('select count(*) from unpaid_use where account is null and state = $1
            and key = $2', 'unknown', 'sha256:' . 'f' x 64), 1,
    'what an unknown key got is counted without an account';
is $b->sql('select account || key from usage_event where request_id = $1', 'a'),
    "$c->{account}$c->{key}", 'the usage record has the account and the key';
is_deeply [$b->sql('select a.kind, e.feature, e.amount / 1000000 from ledger_entry e
    join ledger_txn t on t.id = e.txn join ledger_account a on a.id = e.ledger_account
    where t.kind = $1 and t.account = $2 order by e.n', 'unpaid', $c->{account})],
    [['unpaid', undef, -30], ['usage_revenue', 'image.generate', 10],
     ['usage_revenue', 'video.generate', 20]], 'in one transaction by features';
usage([$c, 'a', 10]);
is owed($c), '30 a=open b=open', 'a record that comes twice counts once';
is sound(), 'true', 'the ledger is sound';

# charged after all
$b->settle([charge => $c->{account}, 2, 10, id => 'a']);
is owed($c) . ' ' . $b->balance($c->{account}), '20 a=paid b=open 90',
    'a charge that comes later ends what is owed';
$b->settle([charge => $c->{account}, 3, 10, id => 'early']);
usage([$c, 'early', 10]);
is owed($c) . ' ' . $b->balance($c->{account}), '20 a=paid b=open early=paid 80',
    'and one that came before lets nothing be owed';
is sound(), 'true', 'the ledger is sound';

# plans and prices
usage([$c, 'listed', undef, feature => 'image.generate']);
is $b->sql('select credits / 1000000 from unpaid_use where request_id = $1', 'listed'),
    10, 'a price that the gate could not know is that of the catalog';
my $subscriber = customer(50);
$b->sql(q{update account set plan = (select plan from plan_version
    where mode = 'subscription' limit 1) where id = $1}, $subscriber->{account});
usage([$subscriber, 'units', 10, units => 2]);
is owed($subscriber), '0 units=counted', 'units of a subscription are counted alone';

# charged by an operator: the wallet decides
is $b->call_error('unpaid_charge', { account => $d->{account} }),
    'PT409 credits_insufficient', 'who has too little can not be charged';
my $asked = $b->call('unpaid_charge', { account => $c->{account} });
is "$asked->{credits} $asked->{state}", '30 charging', 'who has it is';
like $b->sql('select set_fields from command where account = $1 order by no desc limit 1',
    $c->{account}), qr/"take": "$asked->{charge} 30000000"/, 'by a command';
is $b->balance($c->{account}), 80, 'which the wallet has yet to answer';
is $b->call('unpaid_charge', { account => $c->{account} })->{requests}, 0,
    'a second time there is nothing to charge';
$b->settle([charge => $c->{account}, 4, 0, id => $asked->{charge}]);
like owed($c), qr/^30 .*b=open.* listed=open$/, 'where it had too little it is owed still';
$asked = $b->call('unpaid_charge', { account => $c->{account} });
$b->settle([charge => $c->{account}, 5, 30, id => $asked->{charge}]);
like owed($c) . ' ' . $b->balance($c->{account}),
    qr/^0 .*b=charged.* listed=charged 50$/, 'where it had enough it is paid';
is sound(), 'true', 'the ledger is sound';
$b->settle([charge => $c->{account}, 6, 20, id => 'b']);
is $b->balance($c->{account}), 50, 'a late charge of what was paid so is given back';

# forgiven
my $forgiven = $b->call('unpaid_forgive', { account => $d->{account}, note => 'sorry' });
is "$forgiven->{requests} $forgiven->{credits}", '1 30', 'an operator can forgive';
is owed($d) . ' ' . $b->balance($d->{account}), '0 c=forgiven 5', 'and nothing is owed';
is $b->sql('select count(*) from audit_log where action like $1', 'unpaid.%'), 3,
    'each of these is in the audit log';
is sound(), 'true', 'the ledger is sound';
$b->sql(q{update unpaid_use set state = 'open', taking = null where request_id = 'b'});
is sound(), 'false', 'and tells when it is not';

done_testing;
