#!/usr/bin/perl
# The catalog in shared memory: it comes late, it changes, it breaks; the last
# one that could be read counts.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(workers => 2, late => 1, conf => <<'CONF');
        tollgate on;
        location / { proxy_pass http://backend; }
        location /feature {
            tollgate_feature $arg_feature;
            proxy_pass http://backend;
        }
        location /model {
            tollgate_model $arg_model;
            proxy_pass http://backend;
        }
        location /tier { tollgate_tier pro; proxy_pass http://backend; }
CONF
$t->r('DEL', 'tg:catalog');
$t->nginx_stop('TERM');
$t->nginx_start;
my $c = $t->customer(avail => 1_000_000);

sub code {
    my ($path) = @_;

    my $r = $t->call($c, 'GET', $path);
    return $r->{json}{code} // $r->{headers}{'tollgate-cost'} // 'none';
}

# Waits until both processes answer the request so.
sub becomes {
    my ($path, $expected, $what) = @_;

    return ok $t->wait_for(sub {
        20 == grep { code($path) eq $expected } 1 .. 20
    }, $what), $what;
}

# not there yet
becomes('/', '0', 'without a catalog what needs none passes');
is code('/feature?feature=a'), 'store_unreachable',
    'what needs one is undecided';
is code('/tier'), 'store_unreachable', 'so is a tier';
is code('/feature'), '0', 'a feature that is not set needs none';

# it comes
my @catalog = ('tier 0 free Free', 'tier 2 pro Pro', 'plan payg 0 Payg',
               'feature a 1000000 1', 'model m:n a 0 2000000 1');
$t->catalog(@catalog);
becomes('/feature?feature=a', '1', 'a catalog that comes is found');
is code('/model?model=m:n'), '2', 'with its models';
is code('/feature?feature=b'), 'feature_unknown', 'and no more';
is code('/tier'), 'tier_required', 'and tiers';

# it changes
$t->catalog(@catalog[0 .. 2], 'feature a 1500000 1', 'feature b 0 0');
becomes('/feature?feature=a', '1.5', 'a price that changes is found');
becomes('/feature?feature=b', '0', 'so is a feature that is new');
becomes('/model?model=m:n', 'model_unknown', 'and a model that is gone');

# a version that goes back is a change, too: the store was restored
$t->r('HSET', 'tg:catalog', version => 1, body => join '', map {
    join("\t", split ' ') . "\n" } @catalog);
becomes('/feature?feature=a', '1', 'an older version is a change, too');

# one that can't be read
sub bodies {
    return ($t->r('INFO', 'commandstats') =~ /cmdstat_hmget:calls=(\d+)/)[0];
}

my $good = join '', map { join("\t", split ' ') . "\n" } @catalog;
my $version = 10;

# The good one with more features.
sub features {
    my $more = join '', map { "feature\tf$_\t5\t1\n" } @_;

    return $good =~ s/(?=model)/$more/r;
}

for my $row (
    ['an unknown kind', $good . "price\ta\t1\n"],
    ['a price that is no number', $good =~ s/1000000/free/r],
    ['a negative price', $good =~ s/1000000/-1/r],
    ['a price over 2^53', $good =~ s/1000000/9007199254740993/r],
    ['a field too few', $good =~ s/\t1\n/\n/r],
    ['a field too many', $good =~ s/\t1\n/\t1\t1\n/r],
    ['half of a line', substr $good, 0, length($good) - 8],
    ['another order', "feature\tz\t1\t1\n$good" ],
    ['an empty code', $good =~ s/feature\ta/feature\t/r],
    ['a code that is too long', features('x' x 65)],
    ['zero bytes', "\0" x 64],
    ['spaces for tabs', $good =~ s/\t/ /gr],
    ['too much for the zone', features(1 .. 100_000)],
) {
    my ($what, $body) = @$row;

    $t->r('HSET', 'tg:catalog', version => ++$version, body => $body);
    my $read = bodies();
    ok $t->wait_for(sub { bodies() >= $read + 2 }, "$what: to be read"),
        "$what: it is read";
    is code('/feature?feature=a'), '1', "$what: the last good one counts";
}
like $t->error_log, qr/\[error\].*the catalog in redis.*can't be read/,
    'one that can\'t be read is logged';
like $t->error_log, qr/\[crit\].*the catalog.*hint.*tollgate_zone/,
    'one without room in its zone, too';
$t->r('HDEL', 'tg:catalog', 'body');
$t->r('HSET', 'tg:catalog', version => ++$version);
is code('/feature?feature=a'), '1', 'without a body the last one counts';
$t->r('DEL', 'tg:catalog');
is code('/feature?feature=a'), '1', 'and without any catalog, too';
$t->r('SET', 'tg:catalog', 'x');
is code('/feature?feature=a'), '1', 'or one of another type';
$t->r('DEL', 'tg:catalog');

# a large one, often
for my $n (1 .. 5) {
    $t->r('HSET', 'tg:catalog', version => 100 + $n,
          body => features(1 .. 4000) =~ s/1000000/${n}500000/r);
    becomes('/feature?feature=a', "$n.5", "a catalog of 4 000 features ($n)");
}
is code('/feature?feature=f4000'), '0.000005', 'has the last of them';

done_testing;
