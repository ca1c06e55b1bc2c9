#!/usr/bin/perl
# A customer subscribes, uses up the quota, the subscription runs out, and the
# account pays by credit again; a revoked key is refused at once.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin;
my $c = $t->customer(credits => '100');
$t->must('PUT', '/api/plans/tiny', { name => 'Tiny', tier => 'basic',
    mode => 'subscription', price => '10.00', currency => 'THB',
    interval => 'month', day_units => 3, month_units => 30, key_rate => undef,
    key_burst => 1, app_rate => undef, app_burst => 1, public => \1 });

my $account = $t->must('PUT', "/api/accounts/$c->{account}/plan",
                       { plan => 'tiny', auto_renew => \0 });
is $account->{plan}, 'tiny', 'the plan is set';
ok $account->{period_end} gt $account->{period_start}, 'for a period';
$t->mirrored;

my @status = map { $t->call($c, 'POST', '/poster-editor/quick-edit') } 1 .. 4;
is_deeply [map { $_->{status} } @status], [200, 200, 200, 429],
    'three a day pass, the fourth has no quota';
is $status[3]{json}{code}, 'quota_exceeded', 'with its code';
like $status[3]{json}{resets_at}, qr/^\d{4}-\d\d-\d\dT00:00:00/,
    'and says when the day ends';
$t->settled;
is $t->balance($c), '100', 'quota costs no credits';
is scalar $t->sql(q{select used from quota_usage where account = $1
    and "window" = 'day'}, $c->{account}), 3, 'the ledger side counts units';

# The clock is set after the end of the period; the job is due.
$t->sql('select lib.clock_freeze($1::timestamptz + interval \'1 hour\')',
        $account->{period_end});
$t->must('POST', '/api/jobs/subscriptions.renew/run');
$t->wait_for(sub {
    $t->must('GET', "/api/accounts/$c->{account}")->{plan} eq 'payg'
}, 'the subscription to expire');
$t->mirrored;

is $t->call($c, 'POST', '/poster-editor/quick-edit')->{status}, 200,
    'after expiry the account pays by credit';
$t->settled;
is $t->balance($c), '90', 'and is charged';

$t->must('DELETE', "/api/keys/$c->{key_id}");
$t->mirrored;
my $r = $t->call($c, 'POST', '/poster-editor/quick-edit');
is "$r->{status} $r->{json}{code}", '401 key_revoked', 'a revoked key is dead';
ok $t->verified->{ok}, 'edge and ledger agree';

done_testing;
