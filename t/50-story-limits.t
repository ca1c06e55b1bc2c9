#!/usr/bin/perl
# Limits from the operator to the edge and back: budgets of an account, its apps
# and keys are debited together, thresholds and low balances are events once,
# though the worker dies, and both sides count in the same windows.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(conf => <<'CONF');
        location / {
            tollgate on;
            tollgate_cost 1;
            proxy_pass http://backend;
        }
        location = /api/quota/status { tollgate_self quota; }
CONF

sub limits { return $t->must('PUT', "/api/$_[0]", { limits => [@_[1 .. $#_]] }) }
sub events {
    my ($c, $type) = @_;
    return @{ $t->must('GET', "/api/events?account=$c->{account}" . ($type ? "&type=$type" : ''))->{data} };
}
sub told { return join ', ', map { ($_->{limit} // 'balance') . " $_->{percent}" } grep { defined $_->{percent} } events(@_) }
sub codes { my %n; $n{ $_->{status} == 200 ? 200 : join(' ', grep { defined } @{ $_->{json} }{qw(code limit)}) }++ for @_; return \%n }

# Two keys of an app and one of another: 3 each, 5 an app, 7 in all.
my $c = $t->customer(credits => 100);
my $other = $t->must('POST', "/api/accounts/$c->{account}/apps", { name => 'Other' })->{id};
my @keys = ({ id => $c->{key_id}, key => $c->{key} }, map { $t->must('POST', '/api/keys', { app => $_ }) } $c->{app}, $other);
my %budget = (meter => 'credits', window => 'life');
limits("accounts/$c->{account}/limits", { %budget, name => 'company', max => '7' });
limits("apps/$_", { %budget, name => 'team', max => '5', thresholds => [] }) for $c->{app}, $other;
limits("keys/$_->{id}", { %budget, name => 'person', max => '3', thresholds => [100] }) for @keys;
$t->mirrored;

my @answers = $t->parallel(map { my $k = $_; map { ['GET', '/', { 'X-API-Key' => $k->{key} }] } 1 .. 16 } @keys);
my $codes = codes(@answers);
is $codes->{200}, 7, 'of 48 requests at once 7 pass: no budget is overshot, and none keeps room that it has';
is_deeply [grep { $_ ne 200 && !/^cap_reached (company|team|person)$/ } keys %$codes], [],
    'the others are told which budget is spent' or diag explain $codes;
for my $app ([@keys[0, 1]], [$keys[2]]) {
    my @passed = map { my $key = $_; scalar grep { $keys[$_ / 16]{id} eq $key->{id} && $answers[$_]{status} == 200 } 0 .. 47 } @$app;
    ok !(grep { $_ > 3 } @passed), "no key had more than 3: @passed";
    cmp_ok eval(join '+', @passed), '<=', 5, 'and no app more than 5';
}

# The worker dies while it may be settling that, and comes back.
my $master = delete $t->{processes}{worker};
kill 'KILL', $master;
waitpid $master, 0;
$t->worker_start;
$t->settled;
is told($c, 'limit.threshold') =~ s/person 100(, )?//gr =~ s/, $//r, 'company 80, company 100',
    'what the account came to is told once each';
is scalar(grep { $_->{limit} eq 'person' } events($c)),
    scalar(grep { my $k = $_; 3 == grep { $keys[$_ / 16]{id} eq $k->{id} && $answers[$_]{status} == 200 } 0 .. 47 } @keys),
    'and of each key that came to its own';
is $t->balance($c), 93, 'the ledger has 7 charges';

# A larger budget lets on at once and is told of anew; one that is removed is gone.
$t->must('PUT', '/api/limits/company', { account => $c->{account}, max => '8' });
$t->must('DELETE', "/api/limits/person?key=$keys[2]{id}");
$t->must('DELETE', "/api/limits/team?app=$other");
$t->mirrored;
is_deeply codes(map { $t->request('GET', '/', { 'X-API-Key' => $keys[2]{key} }) } 1 .. 3), { 200 => 1, 'cap_reached company' => 2 },
    'one more passes';
$t->settled;
like told($c, 'limit.threshold'), qr/company 100$/, 'the changed maximum is told of';

# A balance that falls, and falls again after a top-up.
my $poor = $t->customer(credits => 10);
$t->must('PUT', "/api/accounts/$poor->{account}", { low_balance => [80, 100] });
$t->mirrored;
$t->call($poor, 'GET', '/') for 1 .. 9;
$t->settled;
is told($poor), 'balance 80', 'a balance is told of at 80 %';
$t->must('POST', "/api/accounts/$poor->{account}/credits", { credits => '9' });
$t->mirrored;
is_deeply codes(map { $t->call($poor, 'GET', '/') } 1 .. 12), { 200 => 10, credits_exhausted => 2 }, 'a top-up is spent';
$t->settled;
is told($poor), 'balance 80, balance 80, balance 100', 'and told of again, to its end';
is_deeply [map { $_->{type} } events($poor)], [qw(balance.low balance.low balance.exhausted)], 'by its type';

# Zones: the edge's windows and use are the ledger's.
for my $align (qw(calendar anniversary)) {
    $t->must('PUT', "/api/plans/$align", { name => $align, tier => 'basic', mode => 'subscription', price => '1', day_units => 4,
        month_units => 50, align => $align, limits => [{ name => 'first', meter => 'units', max => 2, window => 'day' }] });
}
sub worker {
    return Tollgate::Http::request("$t->{dir}/api.sock", 'GET', '/api/quota/status', { Authorization => "Bearer $_[0]{key}" })->{json};
}
my @zones = qw(UTC Asia/Bangkok America/New_York Australia/Lord_Howe Africa/Casablanca Asia/Kathmandu);
for my $align (qw(calendar anniversary)) {
    my %reset;
    for my $zone (@zones) {
        my $z = $t->customer(plan => $align);
        $t->must('PUT', "/api/accounts/$z->{account}", { time_zone => $zone });
        $t->mirrored;
        is_deeply codes(map { $t->call($z, 'GET', '/') } 1 .. 4), { 200 => 2, 'quota_exceeded first' => 2 }, "$align, $zone: two units";
        $t->settled;
        my ($edge, $worker);
        $t->wait_for(sub {
            ($edge, $worker) = ($t->call($z, 'GET', '/api/quota/status')->{json}, worker($z));
            ($edge->{plan_name} // '') eq $align
        }, 'the catalog with the plan');
        my ($limit) = @{ delete $edge->{limits} };
        delete @$edge{qw(held rates)};
        is_deeply $edge, $worker, 'edge and ledger agree on use and resets';
        is "$limit->{name} $limit->{remaining}", 'first 0', 'the limit is counted beside it';
        $reset{ $worker->{windows}[1]{resets_at} }++;
        $t->wait_for(sub { events($z, 'quota.exceeded') }, 'the event of the refusal');
        is scalar(events($z, 'quota.exceeded')), 1, 'the quota is told of once, though it was used up and refused';
    }
    cmp_ok scalar(keys %reset), '>', 1, 'not all zones are alike';
}

$t->settled;
ok $t->verified->{ok}, 'and the proof agrees';

done_testing;
