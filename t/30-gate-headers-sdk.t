#!/usr/bin/perl
# tollgate_headers openai and anthropic: the limit that is nearest to its end,
# by the names and in the forms of time that clients of those APIs read.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::Local ();
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        tollgate_headers openai anthropic;
        location / { proxy_pass http://backend; }
        location /openai {
            tollgate_headers openai;
            proxy_pass http://backend;
        }
        location /anthropic {
            tollgate_headers anthropic;
            proxy_pass http://backend;
        }
        location /default { tollgate_headers ietf; proxy_pass http://backend; }
CONF

my @openai = map { "x-ratelimit-$_-requests" } qw(limit remaining reset);
my @anthropic = map { "anthropic-ratelimit-requests-$_" }
    qw(limit remaining reset);
my @others = qw(ratelimit ratelimit-policy x-ratelimit-limit tollgate-cost);

# A call, and its seconds to the reset by both families; -1 where they are none.
sub told {
    my ($customer, $path, $status) = @_;

    my $r = $t->call($customer, 'GET', $path // '/');
    is $r->{status}, $status // 200, 'a request at ' . ($path // '/');
    my $h = $r->{headers};
    my ($hours, $minutes, $seconds) = ($h->{$openai[2]} // '')
        =~ /^(?:(\d+)h)?(?:([1-5]?\d)m)?([1-5]?\d)s$/;
    my @date = reverse(($h->{$anthropic[2]} // '')
        =~ /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/);
    $date[4]-- if @date;

    return ($h, defined $seconds
            ? ($hours // 0) * 3600 + ($minutes // 0) * 60 + $seconds : -1,
            @date ? Time::Local::timegm(@date) - time : -1);
}

sub values_of { return join ' ', map { $_[0]{$_} // '-' } @_[1 .. $#_] }

$t->plan('quick', key_rate => 900_000, key_burst => 1);
$t->plan('slow', key_rate => 100_000_000, key_burst => 5);
$t->plan('month', mode => 'subscription', day => -1, month => 8);

# a wait of less than a second
my ($h) = told($t->customer(plan => 'quick', avail => 100));
like values_of($h, @openai), qr/^1 0 \d{1,3}ms$/, 'milliseconds, for OpenAI\'s';
like values_of($h, @anthropic), qr/^1 0 \d{4}-/, 'the same limit for Anthropic\'s';
is values_of($h, @others), '- - - -', 'and nothing that was not asked for';

# minutes
my $slow = $t->customer(plan => 'slow', avail => 100);
for my $left (4, 3) {
    ($h, my ($openai, $anthropic)) = told($slow);
    my $wait = (5 - $left) * 100;
    is values_of($h, @openai[0, 1]), "5 $left", "$left requests are left";
    like $h->{$openai[2]}, qr{^[1-3]m[1-5]?\ds$},
        'minutes and seconds';
    cmp_ok abs($openai - $wait), '<=', 3, "it is full again in $wait s";
    cmp_ok abs($anthropic - $wait), '<=', 3, 'in both families';
}

# a month, to its very end, of which a refusal tells as well
my $month = $t->customer(plan => 'month');
for (1 .. 9) {
    ($h, my ($openai, $anthropic)) = told($month, '/', $_ == 9 ? 429 : 200);
    next if $_ % 8 > 1;

    my $begin = $t->r('HGET', Tollgate::wallet_key($month->{account}), 'month');
    my ($mon, $year) = (gmtime $begin + 32 * 86400)[4, 5];
    my $left = Time::Local::timegm(0, 0, 0, 1, $mon, $year) - time;
    is values_of($h, @openai[0, 1]), '8 ' . (8 - ($_ > 8 ? 8 : $_)),
        "after $_ requests";
    cmp_ok abs($openai - $left), '<=', 2, 'hours, to the end of the month';
    cmp_ok abs($anthropic - $left), '<=', 2, 'which is a date';
}

# one of them
($h) = told($slow, '/openai');
is values_of($h, @anthropic), '- - -', 'openai alone';
($h) = told($slow, '/anthropic');
is values_of($h, @openai), '- - -', 'anthropic alone';
($h) = told($slow, '/default');
is values_of($h, @openai, @anthropic), '- - - - - -', 'neither, by default';
($h) = told($t->customer(avail => 100));
is values_of($h, @openai, @anthropic), '- - - - - -',
    'nor for a plan without limits';

done_testing;
