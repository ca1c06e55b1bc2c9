#!/usr/bin/perl
# Redis loses charges that nobody had settled yet: customers don't pay for them,
# and the books say to the credit what was used and lost.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(conf => <<'CONF');
    tollgate on;
    tollgate_feature image.generate;
    location / { proxy_pass http://backend; }
CONF
my ($c, $d) = map { $t->customer(credits => '1000') } 1 .. 2;

sub pay {
    my ($customer, $n) = @_;

    my @ids;
    $t->wait_for(sub {
        my $answer = $t->call($customer, 'POST', '/a');
        push @ids, $answer->{headers}{'x-request-id'} if $answer->{status} == 200;
        @ids == $n
    }, 'requests to pass');

    return @ids;
}

pay($c, 3);
pay($d, 1);
$t->settled;
$t->r('SAVE');
$t->worker_stop('TERM');

my @lost = (pay($c, 2), pay($d, 1));
$t->redis_stop('KILL');
$t->redis_start;
$t->worker_start;
my @kept = pay($c, 1);

$t->settled;
ok $t->wait_for(sub {
    $t->sql('select count(*) from usage_event where request_id = any ($1)', '{' . join(',', @lost, @kept) . '}') == 4
}, 'usage records', 20), 'nginx sends the records of its last seconds again';
is $t->balance($c), '960', 'who used what was lost does not pay for it';
is $t->balance($d), '990', 'nor does who came no more';

$t->sql(q{select lib.clock_freeze(now() + interval '6 minutes')});
$t->must('POST', '/api/jobs/losses.find/run');
ok $t->wait_for(sub { $t->sql('select count(*) from recovery_writeoff') }, 'the write-off'), 'the job finds them';
is $t->sql(q{select string_agg(request_id, ' ' order by request_id) from recovery_writeoff}), join(' ', sort @lost),
    'exactly those';
is $t->sql(q{select detail ->> 'credits' from alert where kind = 'charges_lost'}), '30', 'the alert says how much';
is $t->sql(q{select -sum(e.amount) / 1000000 from ledger_entry e join ledger_account a on a.id = e.ledger_account
    where a.kind = 'writeoff'})+0, 30, 'it is written off';
my $proof = $t->verified;
ok $proof->{ok}, 'edge and ledger agree' or diag explain $proof;

done_testing;
