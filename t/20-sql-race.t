#!/usr/bin/perl
# Transactions that meet at an account: a late charge and the job that gives up
# on its void, and two that freeze it; and two loads of prices.

use strict;
use warnings;

use lib 't/lib';
use IO::Handle;
use POSIX ();
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;

# A session that stays open: says a statement was carried out when it was.
sub session {
    my ($name) = @_;

    open my $in, '|-', "psql -X -q -A -t -d '$b->{dsn}' >$b->{dir}/$name.log 2>&1"
        or die "psql: $!\n";
    $in->autoflush(1);

    return { in => $in, log => "$name.log" };
}

sub say_to {
    my ($session, $text) = @_;

    my $mark = 'done ' . ++$session->{said};
    print { $session->{in} } "$text;\n\\echo $mark\n";
    $b->wait_for(sub { $b->slurp($session->{log}) =~ /^\Q$mark\E$/m }, $text);

    return;
}

# Runs beside us until it ends or waits for a lock that somebody holds.
sub beside {
    my ($name, $code) = @_;

    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        my $done = eval { $code->(); 1 };
        $b->spew($name, $@) unless $done;
        POSIX::_exit($done ? 0 : 1);
    }
    $b->{processes}{$name} = $pid;
    $b->wait_for(sub {
        kill(0, $pid) && waitpid($pid, POSIX::WNOHANG()) == $pid
            ? ($b->{ended}{$name} = 1 + $?)
            : $b->sql(q{select count(*) from pg_stat_activity
                        where wait_event_type = 'Lock'});
    }, "$name to wait or end");

    return;
}

sub ended {
    my ($name) = @_;

    my $pid = delete $b->{processes}{$name};
    return $b->{ended}{$name} - 1 if $b->{ended}{$name};
    $b->wait_for(sub { waitpid($pid, POSIX::WNOHANG()) == $pid }, "$name to end");

    return $?;
}

# The job closes a void for which it saw no charge while the charge is settled.
my $account = $b->account(100);
$b->settle([void => $account, 2, 0, id => 'late']);
$b->sql(q{select lib.clock_freeze(now() + interval '11 minutes')});
my $job = session('job');
say_to($job, 'begin; select job.voids_resolve(lib.now())');
(my $to, my $text) = $b->statement($b->{cursor},
                                   [charge => $account, 3, 10, id => 'late']);
beside(settle => sub { $b->psql($b->{dsn}, $text) });
$b->{cursor} = $to;
say_to($job, 'commit');
is ended('settle'), 0, 'a charge can come while the job gives up on its void';
is $b->sql('select count(*) from charge where kind = $1', 'charge'), 1, 'it is settled';
is $b->balance($account), 100, 'and given back';
is $b->sql('select string_agg((delta / 1000000)::text, \' \' order by no)
    from command where account = $1 and delta <> 0', $account), '100 10',
    'at the edge too, once';

# Settle finds a gap while the mirror hears that a command was refused.
$account = $b->account(100);
my $no = $b->sql('select max(no) from command where account = $1', $account);
my $settle = session('settle');
say_to($settle, "begin; select 1 from account_cursor where account = '$account' for update");
beside(mirror => sub {
    $b->sql('update command set applied_at = null where account = $1 and no = $2',
            $account, $no);
    $b->sql('select mirror.refused($1, $2, -1)', $account, $no);
});
say_to($settle, "select ledger.account_freeze('$account', 'register_broken', '{}')");
say_to($settle, 'commit');
is ended('mirror'), 0, 'two can freeze an account at once';
unlike $b->slurp('settle.log'), qr/deadlock/, 'and do not lock each other out';
is $b->state($account), 'frozen', 'it is frozen';
is $b->sql('select count(*) from alert where account = $1', $account), 1,
    'with one alert';

# A month's partition is made while a batch is copied, which began without it.
my $writer = session('writer');
say_to($writer, 'begin; lock table charge in row exclusive mode');
beside(partitions => sub { $b->sql('select job.partitions_make(lib.now())') });
ok !$b->{ended}{partitions}, 'a partition is not made under the hands of who writes';
say_to($writer, 'commit');
is ended('partitions'), 0, 'but when nobody does';

# Two operators load lists of prices that both previewed before.
$b->call('catalog_put', { features => [{ code => 'f', name => 'F', credits => '1' }],
    apps => [{ code => 'a', name => 'A', models => [
        { code => 'm', name => 'M', feature => 'f', tier => 'free' }] }] });
sub list {
    return sprintf q{select api.price_put('{"version": 0, "prices":
        [{"model": "a:m", "unit": "request", "credits": "%s"}]}')}, $_[0];
}
my $first = session('first');
say_to($first, 'begin; ' . list(2));
beside(second => sub { $b->sql(list(3)) });
say_to($first, 'commit');
isnt ended('second'), 0, 'the second of two loads is refused';
like $b->slurp('second'), qr/prices_changed/, 'for it was previewed before the first';
is $b->sql(q{select string_agg(credits::text, ' ') from model_price}), 2_000_000,
    'the first stands';

close $_->{in} for $job, $settle, $first;
done_testing;
