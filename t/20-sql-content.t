#!/usr/bin/perl
# Content and entitlements in the books: what the catalog tells the gate, what
# a wallet is told, and a purchase that the wallet has or has not paid.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;

sub lines {
    return join '; ', sort grep { /^content/ }
        split /\n/, scalar($b->sql('select body from mirror.catalog()')) =~ s/\t/ /gr;
}
sub version { return scalar $b->sql('select version from catalog_version') }
sub command {
    return scalar $b->sql(q{select (set_fields - 'take')::text || ' ' || del_fields::text from command
        where account = $1 order by no desc limit 1}, $_[0]);
}
# What a call is refused with, to the detail.
sub refusal {
    my ($function, $args) = @_;
    return eval { $b->psql($b->{dsn}, "select api.$function('"
        . JSON::PP::encode_json($args) . "')"); 1 } ? 'none' : $@;
}
sub state_of {
    return scalar $b->sql('select state from entitlement where id = $1', $_[0]);
}

# The catalog.
my $answer = $b->call('content_load', { content => [
    { code => 'pack', kind => 'bundle', credits => '50', views => 2, span => 'month', days => 30 },
    { code => 'film', title => 'A film', credits => '5', bundles => ['pack'] },
    { code => 'gold', kind => 'lifetime', credits => '20', tier => 'pro' },
    { code => 'news', kind => 'free' },
    { code => 'once', kind => 'one_time', credits => '3', view_window => 60 } ] });
is "$answer->{content} $answer->{changed}", '5 5', 'a list is loaded';
is lines(), 'content film 5000000 view 21600 - pack; content gold 20000000 locked 21600 2 -; '
    . 'content news 0 locked 21600 0 -; content once 3000000 locked 60 - -',
    'the gate gets what can be viewed';
my $version = version();
$b->call('content_put', { content => 'film', title => 'A film', credits => '5', bundles => ['pack'] });
is version(), $version, 'the same again changes nothing';
is $b->call('content_put', { content => 'film', credits => '6' })->{credits}, '6', 'a price changes';
is version(), $version + 1, 'and the catalog has another version';
is $b->call('content_remove', { content => 'news' })->{code}, 'news', 'content is taken away';
unlike lines(), qr/news/, 'from the gate too';

for my $row ([{ code => 'x', bundles => ['none'] }, 'bundles'], [{ code => 'X' }, 'code'],
             [{ code => 'x', credits => '-1' }, 'credits'], [{ code => 'x', kind => 'other' }, 'kind'],
             [{ code => 'x', kind => 'subscription' }, 'tier'], [{ code => 'x', view_window => 5 }, 'view_window'],
             [{ code => 'x', bundles => [qw(pack a b c d)] }, 'bundles'],
             [{ code => 'x', kind => 'lifetime', days => 3 }, 'views']) {
    like refusal('content_load', { content => [$row->[0], { code => 'y' }] }),
        qr/"$row->[1]" must be/, "$row->[1] is checked";
}
is $b->call_error('content_get', { content => 'y' }) =~ /content_not_found/, 1, 'and then nothing is taken';

# Granted.
my $account = $b->account(100);
my $granted = $b->call('entitlement_create', { account => $account, content => 'film', views => 3 });
is "$granted->{state} $granted->{credits}", 'active 0', 'an entitlement is granted';
is command($account), qq({"e:film": "$granted->{id} 0 3 life"} []), 'the wallet is told';
my $second = $b->call('entitlement_create', { account => $account, content => 'film',
                                              until => '2999-01-01', span => 'month', views => 1 });
is scalar(my @both = command($account) =~ /ent\w{10}/g), 2, 'of all of them';
is $b->call('entitlement_revoke', { account => $account, entitlement => $granted->{id} })->{state}, 'revoked', 'one ends';
is command($account), qq({"e:film": "$second->{id} 32472144000 1 month"} ["n:$granted->{id}"]),
    'its line and its count go';
my $other = $b->account(1);
like $b->call_error('entitlement_revoke', { account => $other, entitlement => $second->{id} }),
    qr/entitlement_not_found/, 'not by another account';
like $b->call_error('entitlement_create', { account => $account, content => 'none' }), qr/content_not_found/, 'of nothing';
like refusal('entitlement_create', { account => $account, content => 'film', until => '2001-01-01' }),
    qr/"until" must be/, 'nor of the past';

# Over.
$b->sql('update entitlement set until = lib.now() where id = $1', $second->{id});
like $b->sql('select job.content_sweep(lib.now())'), qr/"ended": 1/, 'what is over is swept';
is command($account), qq({} ["n:$second->{id}", "e:film"]), 'out of the wallet';
like $b->sql('select job.content_sweep(lib.now())'), qr/"ended": 0/, 'once';

# Bought.
my $bought = $b->call('entitlement_create', { account => $account, content => 'pack', charge => \1 });
is $bought->{state}, 'pending', 'a purchase waits for the wallet';
like command($account), qr/^\{"e:pack": "$bought->{id} \d+ 2 month"\} \[\]$/, 'which gets it as the content says';
my $taking = $b->sql(q{select set_fields ->> 'take' from command where account = $1 order by no desc limit 1}, $account);
like $taking, qr/^\w{32} 50000000$/, 'in the command that takes the price';
like $b->call_error('entitlement_create', { account => $account, content => 'pack' }), qr/entitlement_pending/,
    'another waits for it';
$b->settle([charge => $account, 2, 50, id => (split ' ', $taking)[0]]);
is state_of($bought->{id}), 'active', 'when it has paid it is active';
is $b->balance($account), 50, 'for its price';
is $b->sql(q{select description from ledger_txn where account = $1 order by id desc limit 1}, $account),
    'content:pack', 'the statement says for what';

$bought = $b->call('entitlement_create', { account => $account, content => 'once', charge => \1 });
$taking = $b->sql('select taking from entitlement where id = $1', $bought->{id});
$b->settle([charge => $account, 3, 0, id => $taking]);
is state_of($bought->{id}), 'declined', 'where the wallet had too little it is declined';
is $b->balance($account), 50, 'and costs nothing';
like $b->call_error('entitlement_create', { account => $other, content => 'gold', charge => \1 }),
    qr/credits_exhausted/, 'who has too little is told at once';
$b->call('content_put', { content => 'plus', kind => 'subscription', tier => 'pro' });
like $b->call_error('entitlement_create', { account => $account, content => 'plus', charge => \1 }),
    qr/content_not_sold/, 'what only plans have is not for sale';
is scalar @{ $b->call('entitlement_list', { account => $account })->{data} }, 4, 'all are listed';

done_testing;
