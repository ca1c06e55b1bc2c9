#!/usr/bin/perl
# Credits with terms through nginx, Redis, worker and ledger: which burn, what is
# left at their end, where a refund goes, and a level that loses no use.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(workers => 1, conf => <<'CONF',
        tollgate on;
        add_header X-Verdict $tollgate_verdict always;
        location /image { tollgate_feature image.generate; proxy_pass http://backend; }
        location /video { tollgate_feature video.generate; proxy_pass http://backend; }
        location /verify { tollgate_cost 1; proxy_pass http://backend; }
CONF
    backend => 'if ($arg_status = 500) { return 500; } return 200 "ok\n";');

sub said {
    my ($c, $path, $times) = @_;
    return join ' ', map { $t->call($c, 'GET', $path)->{headers}{'x-verdict'} }
        1 .. $times // 1;
}

sub give {
    my ($c, $credits, %terms) = @_;
    return $t->must('POST', "/api/accounts/$c->{account}/credits",
                    { credits => $credits, source => 'promo', %terms });
}

sub avail {
    my ($c) = @_;
    return $t->r('HGET', Tollgate::wallet_key($c->{account}), 'avail') / 1_000_000;
}

# remaining/lapsed of the grants, oldest first, when everything is settled
sub grants {
    my ($c) = @_;
    $t->mirrored;
    $t->settled;
    return join ' ', map { "$_->{source}:$_->{remaining}/$_->{lapsed}" }
        @{ $t->must('GET', "/api/accounts/$c->{account}/grants")->{data} };
}

sub rfc3339 {
    my ($ms) = @_;
    my @utc = gmtime int($ms / 1000);
    return sprintf '%d-%02d-%02dT%02d:%02d:%02d.%03dZ', $utc[5] + 1900, $utc[4] + 1,
        @utc[3, 2, 1, 0], $ms % 1000;
}

my ($c, $scoped, $rolls, $set) = map { $t->customer } 1 .. 4;

# P4: burn by priority and end, and no more of what has ended.
my $end = int(Time::HiRes::time() * 1000) + 15_000;
my %ends = (expires_at => rfc3339($end));
give($c, '100', source => 'purchase');
give($c, '50', %ends);
give($c, '30', %ends, priority => 10);
give($rolls, '20', %ends, rollover => { max => '8', min => '1' });
give($rolls, '5', effective_at => rfc3339($end));
$t->mirrored;
is said($c, '/image', 6), 'pass pass pass pass pass pass', 'before the end 60 pass';
is grants($c), 'purchase:100/0 promo:20/0 promo:0/0', 'the first by priority, then by end';
is_deeply $t->must('GET', "/api/accounts/$c->{account}")->{next_expiry},
    { at => rfc3339($end) =~ s/Z/000Z/r, credits => '20' }, 'the account tells what ends next';
cmp_ok Time::HiRes::time() * 1000, '<', $end, 'all of it ahead of the end';
is avail($c), 120, 'when nothing has lapsed';

# Meanwhile: what is for some features is not for others.
give($scoped, '60', features => ['video.*']);
give($scoped, '4');
$t->mirrored;
is said($scoped, '/image'), 'credits_exhausted', 'credits of another feature do not pay';
is said($scoped, '/video'), 'pass', 'those of this one do';
is said($scoped, '/video'), 'credits_exhausted', 'while they last';
is grants($scoped), 'promo:10/0 promo:4/0', 'and others were left alone';
is $t->sql('select pockets from charge where account = $1 and kind = $2',
           $scoped->{account}, 'charge'), '50/0/video.*', 'the charge says of which';

# The end: nobody has to come by.
$t->wait_for(sub { avail($c) == 100 }, 'the end', 20);
cmp_ok Time::HiRes::time() * 1000, '>=', $end, 'the rest lapses at the end, by itself';
is said($c, '/image', 6), 'pass pass pass pass pass pass', 'then 60 pass';
is grants($c), 'purchase:40/0 promo:0/20 promo:0/0', 'of what never ends';
is $t->sql(q{select sum(e.amount) / 1000000 = 20 from ledger_entry e
    join ledger_txn t on t.id = e.txn join ledger_account a on a.id = e.ledger_account
    where t.account = $1 and a.kind = 'breakage'}, $c->{account}), 't', 'breakage is 20';
is_deeply [map { "$_->{type} $_->{used}" } @{ $t->must('GET',
    "/api/events?account=$c->{account}")->{data} }], ['credits.expired 20'],
    'and the account has an event';
$t->wait_for(sub { avail($rolls) == 13 }, 'what rolls over and what starts');
is grants($rolls), 'promo:0/20 promo:5/0 rollover:8/0',
    'elsewhere a part rolled over, and a later grant began';

# Refund by outcome: each gets back what it gave.
give($c, '15', priority => 10, expires_in => '1h');
$t->mirrored;
is said($c, '/video'), 'pass', 'a request burns two grants';
is said($c, '/image?status=500'), 'credits_exhausted', 'of which little is left';
give($c, '48', priority => 20, expires_in => '1h');
$t->mirrored;
is said($c, '/video?status=500'), 'pass', 'one that fails burns two as well';
$t->wait_for(sub { avail($c) == 53 }, 'the refund');
is grants($c), 'purchase:5/0 promo:0/20 promo:0/0 promo:0/0 promo:48/0',
    'and gives each its own back';
is said($c, '/video'), 'pass', 'which can be used';
is grants($c), 'purchase:3/0 promo:0/20 promo:0/0 promo:0/0 promo:0/0', 'in its order';

# P7: a level while use is under way.
give($set, '100');
$t->mirrored;
$t->settled;
my ($settle) = grep { $t->slurp("/proc/$_/comm") =~ /^settle/ } $t->children('worker');
kill 'STOP', $settle;
is said($set, '/verify'), 'pass', 'one credit is used, and not settled yet';
$t->must('PUT', "/api/accounts/$set->{account}/credits", { credits => '50' });
$t->mirrored;
is avail($set) . ' ' . $t->balance($set), '50 100', 'the edge is at the level at once';
kill 'CONT', $settle;
is said($set, '/verify'), 'pass', 'another is used';
is grants($set), 'promo:49/49', 'what was used is not lost';
is avail($set) . ' ' . $t->balance($set), '49 49', 'on neither side';
my $revoked = $t->must('GET', "/api/accounts/$set->{account}/grants")->{data}[0]{id};
$t->must('DELETE', "/api/grants/$revoked");
$t->wait_for(sub { avail($set) == 0 }, 'the end of a grant');
is grants($set), 'promo:0/98', 'a grant is revoked';

# What the customer sees, and the proof.
for my $asked ($set, $c) {
    my $r = Tollgate::Http::request("$t->{dir}/api.sock", 'GET',
        "/api/accounts/$asked->{account}/grants", { 'X-API-Key' => $set->{key} });
    is $r->{status}, $asked == $set ? 200 : 403, 'a key shows the grants of its account';
}
for my $customer ($c, $scoped, $rolls, $set) {
    my $s = $t->must('GET', "/api/accounts/$customer->{account}/statement?limit=100");
    my $sum = 0;
    $sum += $_->{amount} for @{ $s->{data} };
    is $s->{opening} + $sum, $s->{closing}, 'opening and movements make the closing';
    is $s->{closing}, avail($customer), 'which is what the edge has';
}
my $proof = $t->verified;
ok $proof->{ok}, 'edge and ledger agree' or diag explain $proof;

done_testing;
