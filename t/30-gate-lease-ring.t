#!/usr/bin/perl
# Rings and the zone of leases: where one is full, or of no use, Redis decides;
# what others have written into a file harms nobody.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Gate;
use Tollgate::Lent;

my $server = <<'CONF';
        tollgate on;
        tollgate_cost 1;
        tollgate_lease on;
        location / { proxy_pass http://backend; }
CONF
my $t = Tollgate::Lent->begin(conf => $server,
                              leases => 'records=3 flush=200ms size=64k');

sub strict {
    return $t->metrics->{qq(tollgate_lease_strict_total{reason="$_[0]"})};
}

# Requests of a customer in parallel; those that passed.
sub passed {
    my ($customer, $count) = @_;

    return scalar grep { $_->{status} == 200 }
        $t->parallel(map { ['GET', '/x', $t->auth($customer)] } 1 .. $count);
}

# a ring of three records
my $c = $t->customer(avail => 10_000);
my $n = passed($c, 1);
$t->wait_for(sub {
    $n += passed($c, 8);
    strict('ring_full') > 3 && $t->decided > 6;
}, 'a ring to be full');
is $t->settled($c), "$n charged, 0 refunded, " . (10_000 - $n) . ' left',
    'what a full ring has no room for Redis decides';

# more keys than the zone has room for
my @many = map { $t->customer(avail => 100) } 1 .. 120;
is scalar(grep { passed($_, 1) == 1 } @many), 120, 'keys without a lease pass';
like $t->error_log, qr/no room for the lease of another key.*hint: /,
    'and the log says so';
$t->settled($_) for @many;
is scalar(grep { $t->avail($_) == 99_000_000 } @many), 120, 'each is charged';
my $again = $t->customer(avail => 1000);
my $before = $t->decided;
$t->wait_for(sub { passed($again, 1); $t->decided > $before }, 'room again');
$t->settled($again);

# files that are no rings, of other sizes or torn, are left alone
$t->nginx_stop('QUIT');
ok -s "$t->{dir}/leases/ring.0", 'a ring stays when nginx has gone';
$t->spew('leases/ring.0', 'x' x 100_000);
$t->spew('leases/ring.1', '');
my $torn = "tgring1\0" . ('0' x 16) . pack('L2', 3, 1);
$t->spew('leases/ring.2', $torn . "\0" x (4096 - length $torn) . join '', map {
    pack('Q L5', $_, $_ % 4, 1, 77, 99, 9) . chr(255) x 484
} 1 .. 3);
chmod 0666, glob "$t->{dir}/leases/*";
$t->nginx_start;
$before = 0;
$t->wait_for(sub { passed($again, 1); $t->decided > $before }, 'leases');
is $t->slurp('leases/ring.0'), 'x' x 100_000, 'a file that is no ring stays as it is';
$t->settled($again);
cmp_ok $t->avail($again), '>', 0, 'and what is in a torn one is not charged';

# a directory that can't be used
$t->nginx_stop('QUIT');
unlink glob "$t->{dir}/leases/*";
mkdir "$t->{dir}/leases/ring.0";
$t->nginx_start;
is passed($again, 1), 1, 'without a directory Redis decides';
is passed($again, 1), 1, 'on every request';
is $t->decided, 0, 'and no lease';
like $t->error_log, qr/\[crit\].*nothing is leased, hint: /, 'which the log says';
rmdir "$t->{dir}/leases/ring.0";
$t->wait_for(sub { passed($again, 1); $t->decided > 0 }, 'the directory to be found well');
$t->settled($again);

# what nginx -t says
my $base = $t->edge_conf(conf => $server);
for (['size=1k', 'size'], ['flush=1s', 'flush'], ['records=0', 'records'], ['x=1', 'x']) {
    my ($parameter) = @$_;
    my ($ok, $out) = $t->nginx_test("tollgate_leases %%DIR%%/leases $parameter;\n$base");
    ok !$ok, "$parameter is refused";
    like $out, qr/invalid parameter "\Q$parameter\E" in "tollgate_leases".* it must be/,
        'and why';
}
my ($ok, $out) = $t->nginx_test("tollgate_leases a; tollgate_leases b;\n$base");
like $out, qr/"tollgate_leases" directive is duplicate/, 'twice is once too often';

done_testing;
