#!/usr/bin/perl
# Grants by the API: their terms, the list, the end of one before its time, and
# what a void gives back.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $account = $b->account(0);
my $seq = 0;
$b->sql(q{select lib.clock_freeze('2027-01-01T00:00:00.1234Z')});

sub grant {
    my ($credits, %terms) = @_;

    return $b->call('credit_grant', { account => $account, credits => $credits,
                                      %terms });
}

sub command {
    return $b->sql('select no, delta / 1000000, set_fields from command
        where account = $1 order by no desc limit 1', $account);
}

sub settle {
    return $b->settle(map { [$_->[0], $account, ++$seq, @$_[1 .. $#$_]] } @_);
}

sub state { return $b->call('grant_get', { grant => $_[0] })->{state} }

for my $bad ([priority => 101], [priority => -1], [expires_at => '2027-01-01'],
             [expires_in => '0s'], [expires_in => 'soon'],
             [expires_in => '1d', expires_at => '2028-01-01'],
             [expires_at => '2028-01-01', effective_at => '2028-01-01'],
             [features => ['Video']], [features => ['a b']], [features => ['*']],
             [features => [map { "f$_" } 1 .. 9]],
             [features => [map { "f$_" . 'x' x 60 } 1 .. 4]],
             [rollover => { max => '5' }], [rollover => '5', expires_in => '1d'],
             [rollover => { max => '5', min => '6' }, expires_in => '1d'],
             [rollover => { min => '1' }, expires_in => '1d'],
             [rollover => { max => '5', till => '1d' }, expires_in => '1d'],
             [rollover => { max => '5', for => '0s' }, expires_in => '1d'],
             [rollover => { max => '-5' }, expires_in => '1d']) {
    is $b->call_error('credit_grant', { account => $account, credits => '1', @$bad }),
        'PT422 invalid_argument', JSON::PP->new->canonical->encode($bad) . ' is refused';
}
is $b->sql('select count(*) from credit_grant'), 0, 'nothing was granted';

my %terms = (priority => 10, expires_in => '30d', features => ['video.*', 'image'],
             rollover => { max => '50', for => '7d' }, source => 'promo',
             _idempotency_key => 'a');
my $given = grant('80', %terms);
is_deeply [@$given{qw(credits balance priority effective_at expires_at)}],
    ['80', '80', 10, '2027-01-01T00:00:00.123000Z', '2027-01-31T00:00:00.123000Z'],
    'a grant has its terms';
is_deeply [@$given{qw(features rollover)}],
    [['image', 'video.*'], { max => '50', min => '0', for => '604800s' }], 'all of them';
my $pocket = '10/1801353600123/image+video.*';
is_deeply [command()], [[2, 80, qq({"pockets": "$pocket"})]],
    'the edge hears into which pocket it goes';
is settle([command => 80, cmd => 2], [charge => 5, id => 'lost', pockets => $pocket]), 2,
    'both are settled';
$b->sql(q{select lib.clock_freeze('2027-01-02T00:00:00Z')});
is_deeply grant('80', %terms), $given, 'the same again gets the same answer';
is $b->call_error('credit_grant', { account => $account, credits => '80', %terms,
                                    expires_in => '31d' }),
    'PT422 idempotency_mismatch', 'with other terms it is refused';
is_deeply $b->call('account_get', { account => $account })->{next_expiry},
    { at => '2027-01-31T00:00:00.123000Z', credits => '75' },
    'the account tells what ends next';

# A void gives back what the charge took.
settle([void => 0, id => 'lost']);
is_deeply [command()], [[3, 5, qq({"pockets": "$pocket"})]],
    'a void returns to the pocket of the charge';
is $b->call('grant_get', { grant => $given->{id} })->{remaining}, '80', 'and its grant';
settle([command => 5, cmd => 3]);

# Later ones.
my $later = grant('7', effective_at => '2027-01-02T00:00:01Z');
is $later->{balance}, undef, 'what is to come is in no balance';
is_deeply [command()], [[4, 0, qq({"later": "1798848001000 $later->{id} 7000000 -"})]],
    'the edge is told when it comes';
is state($later->{id}), 'later', 'it is to come';
is state($given->{id}), 'active', 'the other is active';

# Revoked: while some is held, and when that returns.
settle([hold => 30, id => 'h']);
my $back = $b->call('grant_revoke', { grant => $given->{id} });
is "$back->{state} $back->{remaining}", 'revoked 80', 'a grant is revoked';
my $lapse = qq({"lapse": "$given->{id} 80000000 $pocket"});
is_deeply [command()], [[5, 0, $lapse]], 'the edge is to take it back';
$b->call('grant_revoke', { grant => $given->{id} });
is_deeply [command()], [[5, 0, $lapse]], 'once';
settle([lapse => 50, cmd => 5, id => $given->{id}, pockets => $pocket]);
is_deeply [command()], [[5, 0, $lapse]], 'what is held stays';
settle([commit => 10, id => 'h', hold => 30, pockets => $pocket]);
is_deeply [command()], [[6, 0, qq({"lapse": "$given->{id} 20000000 $pocket"})]],
    'until it returns';
settle([lapse => 20, cmd => 6, id => $given->{id}, pockets => $pocket]);
is_deeply [@{ $b->call('grant_get', { grant => $given->{id} }) }{qw(remaining lapsed)}],
    ['0', '70'], 'then all of it is gone';
is $b->sql('select count(*) from account_event'), 0, 'which is no expiry';
is $b->sql(q{select string_agg(distinct description, ',') from ledger_txn
    where kind = 'lapse'}), 'revoked', 'as the statement says';
is $b->sql(q{select count(*) from credit_grant where source = 'rollover'}), 0,
    'and rolls over to nobody';
is $b->call_error('grant_revoke', { grant => grant('1')->{id} }), 'none',
    'what is active can be revoked';
$b->call('grant_revoke', { grant => $later->{id} });
is_deeply [command()], [[9, 0, qq({"lapse": "$later->{id} 7000000 -"})]],
    'and what is to come';

# Lists and limits.
my $other = $b->account(1);
is $b->call_error('grant_get', { grant => $given->{id}, _account => $other }),
    'PT404 grant_not_found', "another account's key finds no grant";
is_deeply [map { $_->{id} } @{ $b->call('grant_list', { account => $account,
    state => 'revoked', limit => 2 })->{data} }], [$given->{id}, $later->{id}],
    'grants are listed';
is $b->call_error('grant_list', { account => $account, state => 'old' }),
    'PT422 invalid_argument', 'by states that there are';
$account = $b->account(0);
grant('1', priority => $_) for 0 .. 49;
is $b->call_error('credit_grant', { account => $account, credits => '1', priority => 51 }),
    'PT422 grants_too_many', 'fifty different terms are enough';
grant('1');
is $b->call_error('credit_grant', { account => $account, credits => '1', %terms,
    effective_at => '2027-02-01' }), 'PT422 grants_too_many', 'those to come count';
is $b->call_error('credit_set', { account => $account, credits => '-1' }),
    'PT422 invalid_argument', 'no level is below 0';
$b->call('credit_set', { account => $account, credits => '12.5' });
like +(command())[0][2], qr/^\{"level": "12500000"\}$/, 'a level is a command';
is $b->sql(q{select ledger.verify_totals() ->> 'ok'}), 'true', 'the books balance';

done_testing;
