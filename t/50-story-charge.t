#!/usr/bin/perl
# A customer is created, pays for a request, and finds it in the statement.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin;
my $c = $t->customer(credits => '100');

is $t->balance($c), '100', 'a purchase is in the balance';

my $r = $t->call($c, 'POST', '/poster-editor/quick-edit');
is $r->{status}, 200, 'a paid request passes';
is $r->{json}{path} // ($r->{body} =~ /quick-edit/ ? '/poster-editor/quick-edit'
   : ''), '/poster-editor/quick-edit', 'and is answered by the backend';

is $t->call($c, 'GET', '/download/file')->{status}, 200,
    'another action passes';
is $t->call($c, 'POST', '/video-generator/generate?modelId=standard')->{status},
    200, 'a dearer one too';

$r = $t->call($c, 'POST', '/video-generator/generate?modelId=standard');
is $r->{status}, 402, 'refused when the balance is too small';
is $r->{json}{code}, 'credits_exhausted', 'with its code';
is $r->{headers}{'x-should-retry'}, 'false', 'and no reason to try again';

$r = $t->call($c, 'POST', '/video-generator/generate?modelId=veo-3');
is $r->{status}, 403, 'a model of a higher tier is refused';
is $r->{json}{code}, 'tier_required', 'with its code';

$t->settled;
is $t->balance($c), '20', 'the ledger has charged 10, 20 and 50';

my $statement = $t->must('GET', "/api/accounts/$c->{account}/statement");
is $statement->{closing}, '20', 'the statement closes with the balance';
my $sum = 0;
$sum += $_->{amount} for @{ $statement->{data} };
is $sum, $statement->{closing} - $statement->{opening},
    'opening and movements make the closing';

my $proof = $t->verified;
ok $proof->{ok}, 'edge and ledger agree' or diag explain $proof;

is scalar $t->sql('select sum(credits) from charge where account = $1',
                  $c->{account}), 80_000_000,
    'each request is kept with what it was charged';
ok $t->wait_for(sub {
    2 == $t->sql(q{select count(distinct verdict) from usage_event
        where account = $1 and verdict in ('credits_exhausted',
        'tier_required')}, $c->{account})
}, 'usage records'), 'refused requests are usage too';

done_testing;
