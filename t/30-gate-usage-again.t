#!/usr/bin/perl
# Usage records outlive their connection and their server: batches are numbered,
# and those that Redis may lack are sent again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        location / {
            tollgate on;
            tollgate_cost 1;
            proxy_pass http://backend;
        }
CONF
my $c = $t->customer(avail => 1000);

# Entries of the stream as [source, number, ids of their requests].
sub batches {
    my ($host) = @{ $t->r('SMEMBERS', 'tg:{usage}') } or return;

    return map {
        my %fields = @{ $_->[1] };
        [split(/:/, $fields{s}), map { (split /\t/)[1] } split /\n/, $fields{b}]
    } @{ $t->r('XRANGE', "tg:{usage}:$host", '-', '+') };
}

# Ids of requests that passed: of each a record has to come to Redis.
sub requests {
    my ($n) = @_;

    my @passed;
    $t->wait_for(sub {
        my $answer = $t->call($c, 'GET', '/');
        push @passed, $answer->{headers}{'x-request-id'} if $answer->{status} == 200;
        @passed == $n
    }, 'requests to pass');

    return @passed;
}

sub come {
    my ($what, @ids) = @_;

    my %wanted = map { $_ => 1 } @ids;
    return ok $t->wait_for(sub {
        my %seen = map { $_ => 1 } map { @$_[2 .. $#$_] } batches();
        return !grep { !$seen{$_} } keys %wanted;
    }, $what, 15), $what;
}

my @ids = requests(5);
come('records arrive', @ids);
my ($first) = batches();
like $first->[0], qr/^[0-9a-f]+-[0-9a-f]+-[0-9a-f]+$/, 'a batch names its process';
is $first->[1], 1, 'and has a number';

# --- the connection dies, the server lives ------------------------------------------

$t->r('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
push @ids, requests(5);
come('records go on behind a new connection', @ids);
my @numbers = map { $_->[1] } batches();
is scalar(grep { $_ == 1 } @numbers), 2,
    'what the connection before had acknowledged a moment ago came again';
my (%records, %differ);
for my $batch (batches()) {
    my ($source, $no, @requests) = @$batch;
    my $text = join ' ', @requests;
    $differ{"$source:$no"}++ if ($records{"$source:$no"} //= $text) ne $text;
}
is_deeply \%differ, {}, 'a number means the same records each time';
my %counted;
$counted{$_->{request_id}}++ for $t->usage($c->{account});
is_deeply [grep { ($counted{$_} // 0) != 1 } @ids], [], 'by their numbers every record counts once';

# --- a reply that doesn't come --------------------------------------------------------

$t->r('CLIENT', 'PAUSE', 100_000, 'WRITE');
my $waiting = $t->call($c, 'GET', '/');
is $waiting->{status}, 503, 'nothing is decided while Redis hangs';
$t->r('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
$t->r('CLIENT', 'UNPAUSE');
push @ids, requests(3);
come('a batch without a reply is sent again', @ids);

# --- the server is lost, and with it what it had acknowledged -----------------------------

$t->r('CONFIG', 'SET', 'save', '');
push @ids, my @late = requests(4);
come('the last records are acknowledged', @late);
my %saved = map { $_ => $t->r('DUMP', $_) } grep { !/usage/ } @{ $t->r('KEYS', 'tg:*') };
$t->redis_stop('KILL');
unlink glob "$t->{dir}/*.rdb";
$t->redis_start;
is_deeply [batches()], [], 'the new server has none';
$t->r('RESTORE', $_, 0, $saved{$_}) for keys %saved;
requests(1);
come('the last seconds come again', @late);

my ($before, @wrong) = (0);
for my $batch (batches()) {
    push @wrong, $batch->[1] if $batch->[1] <= $before;
    $before = $batch->[1];
}
is_deeply \@wrong, [], 'in the order of their numbers';

done_testing;
