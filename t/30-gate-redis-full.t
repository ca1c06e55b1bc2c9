#!/usr/bin/perl
# A Redis that refuses writes is not asked without a pause, and an nginx process
# that leaves doesn't wait for it for ever.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes ();
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        location / { proxy_pass http://backend; }
CONF
my $c = $t->customer(avail => 100);
is $t->call($c, 'GET', '/')->{status}, 200, 'all is well';
$t->used($c->{account}, 1);

sub refused {
    my ($n) = $t->r('INFO', 'commandstats')
        =~ /^cmdstat_xadd:.*?rejected_calls=(\d+)/m;
    return $n // 0;
}

# usage records of refused requests have nowhere to go
$t->r('CONFIG', 'SET', 'maxmemory', 1);
is $t->call($c, 'GET', '/')->{status}, 503, 'Redis refuses to decide';
$t->wait_for(sub { $t->error_log =~ /refused usage records.*OOM/ },
             'the records to be refused');
my ($before, $start) = (refused(), Time::HiRes::time());
$t->wait_for(sub { refused() >= $before + 3 }, 'three more attempts');
my $rate = (refused() - $before) / (Time::HiRes::time() - $start);
cmp_ok $rate, '<', 5, 'records are offered again twice a second';

# who leaves gives up after 10 s
my ($worker) = $t->children('nginx');
$t->nginx_reload;
ok $t->wait_for(sub { !kill 0, $worker }, 'the old process to leave', 20),
    'a process that leaves gives up';
like $t->error_log, qr/\b1 usage records lost/, 'and says what was lost';

# what a new process has waits for better times
is $t->call($c, 'GET', '/')->{status}, 503, 'Redis still refuses';
$t->r('CONFIG', 'SET', 'maxmemory', 0);
my @records = $t->used($c->{account}, 1);
$t->wait_for(sub { $t->call($c, 'GET', '/')->{status} == 200 }, 'the end');
is $t->avail($c), 80_000_000, 'and nothing was charged meanwhile';

done_testing;
