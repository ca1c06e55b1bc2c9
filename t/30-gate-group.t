#!/usr/bin/perl
# Requests of many accounts that wait in one turn of nginx's loop go to Redis
# together; each is answered by itself, also where its account is broken.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(workers => 1, conf => <<'CONF');
        tollgate on;
        tollgate_timeout 20s;
        tollgate_feature image.generate;
        location / { proxy_pass http://backend; }
        location /other { tollgate_timeout 19s; proxy_pass http://backend; }
        location /active { return 200 $connections_active; }
CONF
my @customers = map { $t->customer(avail => 1000) } 1 .. 40;

sub calls {
    return ($t->r('INFO', 'commandstats')
            =~ /cmdstat_evalsha:calls=(\d+)/)[0] // 0;
}

# The answers to requests, each [customer, path], that nginx reads in one turn,
# and how many calls it made of them.
sub at_once {
    my (@list) = @_;

    my @sockets = map { Tollgate::Http::open_socket("$t->{dir}/nginx.sock") }
        @list;
    syswrite $sockets[$_], "GET $list[$_][1] HTTP/1.1\r\nHost: l\r\n"
        for 0 .. $#list;
    $t->wait_for(sub { $t->get('/active')->{body} > @list },
                 'nginx to have all connections');
    my $before = calls();
    my ($worker) = $t->children('nginx');
    kill 'STOP', $worker;
    $t->wait_for(sub { $t->slurp("/proc/$worker/stat") =~ /\) T / },
                 'nginx to stop');
    syswrite $sockets[$_],
        "Connection: close\r\nX-API-Key: $list[$_][0]{key}\r\n\r\n"
        for 0 .. $#list;
    kill 'CONT', $worker;
    my @answers = map { Tollgate::Http::read_response($_) } @sockets;

    return (calls() - $before, @answers);
}

sub statuses { return join ' ', map { $_->{status} } @_ }

# accounts of any shards, some with several requests
my @list = map { [$_, "/x?k=$_->{account}"] } @customers[0 .. 28, 3, 9, 9];
my ($calls, @answers) = at_once(@list);
is statuses(@answers), join(' ', (200) x @list), 'requests of 29 accounts pass';
is_deeply [map { $_->{json}{account} } @answers],
    [map { $_->[0]{account} } @list], 'each as the account that sent it';
is_deeply [map { $_->{json}{uri} } @answers], [map { $_->[1] } @list],
    'and with its own answer';
is $calls, 1, 'in one call of Redis';
is scalar(events($t, $customers[9]{account})), 1,
    'those of an account are one event';
is join(' ', map { $t->avail($_) / 1e6 } @customers[0, 3, 9]), '990 980 970',
    'and each has paid';

# a call has a most, and those of another deadline go by themselves
@list = map { [$customers[$_ % 40], '/x'] } 0 .. 129;
($calls, @answers) = at_once(@list);
is statuses(@answers), join(' ', (200) x @list), '130 requests pass';
is $calls, 5, 'in calls of at most 32';
($calls, @answers) = at_once(map { [$_, '/x'], [$_, '/other'] }
                             @customers[0 .. 4]);
is statuses(@answers), join(' ', (200) x 10), 'ten of two locations pass';
is $calls, 2, 'those that wait for other times are other calls';

# what is wrong with one account is told to it alone, wherever it stands
for my $at (0, 4, 9) {
    my $broken = $customers[10 + $at];
    my $wallet = Tollgate::wallet_key($broken->{account});

    $t->r('RENAME', $wallet, 'kept');
    $t->r('SET', $wallet, 'no hash');
    ($calls, @answers) = at_once(map { [$_, '/x'], [$_, '/x'] }
                                 @customers[10 .. 19]);
    $t->r('RENAME', 'kept', $wallet);
    is statuses(@answers), join(' ', map { ($_ == $at ? 503 : 200) x 2 } 0 .. 9),
        "account $at of ten has a broken wallet, the others pass";
    is $calls, 1, 'all in one call';
    is $answers[2 * $at]{json}{code}, 'store_unreachable', 'it is undecided';
}
like $t->error_log,
    qr/refused to decide: "WRONGTYPE [^"]*", hint: see the log of Redis/,
    'and the log says why';

# a register that is none: decided, and then not written
my $stuck = $customers[20];
my $ledger = Tollgate::ledger_key($stuck->{account});
my @apart = grep { Tollgate::ledger_key($_->{account}) ne $ledger } @customers;
my $before = $t->avail($stuck);
$t->r('RENAME', $ledger, 'kept');
$t->r('SET', $ledger, 'no stream');
($calls, @answers) = at_once(map { [$_, '/x'] } $apart[0], $stuck, $apart[1]);
$t->r('DEL', $ledger);
$t->r('RENAME', 'kept', $ledger);
is statuses(@answers), '200 503 200', 'one whose register is broken is refused';
is $t->avail($stuck), $before, 'and pays nothing';

# what is left of the books adds up
my $spent = 0;
for my $customer (@customers) {
    my @events = events($t, $customer->{account});
    $spent += 1_000_000_000 - $t->avail($customer);
    is "$events[-1]{s} $events[-1]{v}", @events . ' ' . $t->avail($customer),
        "$customer->{account}: wallet and register agree";
}
is $spent / 10_000_000, 32 + 130 + 10 + 3 * 18 + 2, 'every request that passed was paid';

done_testing;
