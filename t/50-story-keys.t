#!/usr/bin/perl
# The life of keys from the operator to the edge: a revocation takes effect
# within a second, a rerolled key passes until its overlap is over, to the
# moment, and rules reach the gate.

use strict;
use warnings;

use lib 't/lib';
use POSIX ();
use Test::More;
use Time::HiRes qw(time);
use Time::Local qw(timegm);
use Tollgate::Story;

my $t = Tollgate::Story->begin(conf => <<'CONF');
        location / {
            tollgate on;
            tollgate_cost 1;
            proxy_pass http://backend;
        }
CONF
my $c = $t->customer(credits => 100_000);

sub key {
    my (%rules) = @_;
    return $t->must('POST', '/api/keys', { app => $c->{app}, %rules });
}

sub code {
    my ($key, $method, $path) = @_;
    my $r = $t->request($method // 'GET', $path // '/', { 'X-API-Key' => $key->{key} });
    return $r->{status} == 200 ? 200 : $r->{json}{code};
}

# Others use the account meanwhile.
my $load = fork // die "fork: $!\n";
if (!$load) {
    while (getppid == $t->{owner}) {
        $t->parallel(map { ['GET', '/', { 'X-API-Key' => $c->{key} }] } 1 .. 8);
    }
    POSIX::_exit(0);
}

# How long a key is still served after the API has said that it is revoked.
my @late;
my @keys = map { key() } 1 .. 10;
$t->mirrored;
for my $key (@keys) {
    is code($key), 200, 'a key passes' if $key == $keys[0];
    $t->must('DELETE', "/api/keys/$key->{id}");
    my $from = time;
    my $until = $from;
    while (time < $from + 10) {
        my $sent = time;
        last if code($key) ne '200';
        $until = $sent;
    }
    push @late, $until - $from;
    is code($key), 'key_revoked', 'and is refused once it is revoked';
}
my ($worst) = sort { $b <=> $a } @late;
cmp_ok $worst, '<', 1, 'within a second';
diag sprintf 'the slowest of %d revocations took %.0f ms', scalar @late, $worst * 1000;

# Pause, resume, and rules.
my $key = key(methods => ['GET'], paths => ['/v1']);
$t->mirrored;
is code($key, @$_[0, 1]), $_->[2], "@$_" for ['GET', '/v1/x', 200],
    ['POST', '/v1/x', 'method_forbidden'], ['GET', '/v2', 'path_forbidden'];
$t->must('POST', "/api/keys/$key->{id}/pause");
$t->mirrored;
is code($key, 'GET', '/v1'), 'key_paused', 'a paused key rests';
$t->must('POST', "/api/keys/$key->{id}/resume");
$t->must('PUT', "/api/keys/$key->{id}", { methods => undef, paths => ['/v2'] });
$t->mirrored;
is code($key, 'POST', '/v2'), 200, 'a resumed one passes, by its new rules';

# A reroll with an overlap, over the end of it.
my $next = $t->must('POST', "/api/keys/$key->{id}/reroll", { overlap => '3s' });
$t->mirrored;
my ($y, $mon, $d, $h, $m, $s) = $next->{replaces_until} =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):([\d.]+)Z$/;
my $end = timegm(0, $m, $h, $d, $mon - 1, $y) + $s;
my (%before, %after, $between);
while (time < $end + 1) {
    my $sent = time;
    my @codes = (code($key, 'GET', '/v2'), code($next, 'GET', '/v2'));
    my $answered = time;
    $answered < $end ? $before{"@codes"}++ : $sent >= $end ? $after{"@codes"}++ : $between++;
}
is join(',', keys %before), '200 200', 'both keys pass within the overlap';
is join(',', keys %after), 'key_expired 200', 'and from its end on the new one alone';
cmp_ok $between // 0, '<=', 1, 'to the moment';
is code($next, 'GET', '/v1'), 'path_forbidden', 'with the rules of the old one';

# A revocation while the worker is down is a command that waits.
kill 'TERM', $load;
waitpid $load, 0;
$t->worker_stop;
$t->sql(q{select api.key_revoke(jsonb_build_object('key', $1))}, $next->{id});
is code($next, 'GET', '/v2'), 200, 'without a worker the edge does not hear of it';
$t->worker_start;
my $from = time;
$t->wait_for(sub { code($next, 'GET', '/v2') eq 'key_revoked' }, 'the revocation');
cmp_ok time - $from, '<', 5, 'it does as soon as there is one';

$t->settled;
ok $t->verified->{ok}, 'edge and ledger agree';

done_testing;
