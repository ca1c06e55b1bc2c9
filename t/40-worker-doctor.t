#!/usr/bin/perl
# The doctor: what it looks at, and what it says of a store set up badly.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis(appendonly => 'yes');
$t->postgres;
$t->worker;
$t->load_demo;
$t->customer(credits => '1');
$t->wait_for(sub {
    $t->r('HGET', 'tg:catalog', 'version')
        == $t->sql('select version from mirror.catalog()')
}, 'the catalog to be carried');

# name => check.
sub checks {
    my $answer = $t->must('GET', '/api/doctor');

    return ($answer->{ok}, map { $_->{name} => $_ } @{ $answer->{checks} });
}

my ($ok, %check) = checks();
ok $ok, 'a fresh worker is well'
    or diag join "\n", map { "$_->{name}: $_->{detail}" }
        grep { !$_->{ok} } values %check;
for my $name ('role settle', 'role mirror', 'role jobs', 'role api', 'postgres',
              'migrations', 'redis', 'redis eviction', 'redis persistence',
              'catalog', 'settle backlog')
{
    ok $check{$name} && $check{$name}{ok} && length $check{$name}{detail},
        "it looks at: $name";
}
cmp_ok scalar(keys %check), '>', 11, 'and at what SQL can see';

my %broken = (
    'redis eviction' => sub { $t->r('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru') },
    'redis persistence' => sub { $t->r('CONFIG', 'SET', 'appendonly', 'no') },
    'migrations' => sub {
        $t->sql(q{delete from schema_repeatable where name like 'api/%'})
    },
);
for my $name (sort keys %broken) {
    $broken{$name}->();
    ($ok, %check) = checks();
    ok !$ok && !$check{$name}{ok}, "it finds: $name";
    like $check{$name}{hint}, qr/\w/, 'and says what to do';
}

my $master = $t->{processes}{worker};
my ($mirror) = grep { $t->slurp("/proc/$_/comm") =~ /^mirror/ }
    split ' ', $t->slurp("/proc/$master/task/$master/children");
kill 'KILL', $mirror;
$t->wait_for(sub {
    (undef, %check) = checks();
    $check{'role mirror'}{ok} && $check{'role mirror'}{detail} =~ /, 1 restarts/;
}, 'a role to be started again');
ok $check{'role mirror'}{ok}, 'a role that was started again is well and counted';

done_testing;
