#!/usr/bin/perl
# instructions.pl: instructions of nginx for a request that comes alone, by
# callgrind: what two runs of different length differ by.  Much the same on any
# machine that is as busy as it likes.
#
# Environment: REQUESTS (1000); GATES ("ungated strict lease"); PROFILE, a folder
# for the files that callgrind_annotate reads.

use strict;
use warnings;

use File::Temp ();
use FindBin ();
use lib $FindBin::Bin;

use Bench;
use Tollgate::Http;

my $requests = $ENV{REQUESTS} // 1000;
my @names = split ' ', $ENV{GATES} // 'ungated strict lease';
my $folder = $ENV{PROFILE} // File::Temp::tempdir(CLEANUP => 1);
my %count;

# nginx's worker process writes the file as nobody.
mkdir $folder;
chmod 0777, $folder or die "$folder: $!\n";

for my $name (@names) {
    my $less = total($name, $requests) // next;
    $count{$name} = (total($name, 3 * $requests) - $less) / (2 * $requests);
    printf "%-10s %7.0f instructions of nginx a request\n", $name, $count{$name};
    Bench::record('instructions', $name, sprintf '%.0f', $count{$name});
}
print "\n";
for my $name (grep { $count{ungated} && $_ ne 'ungated' } sort keys %count) {
    printf "ratio instructions_%s/ungated %.3f\n", $name, $count{$name} / $count{ungated};
}

# All instructions of a worker process that answered so many requests.
sub total {
    my ($name, $of) = @_;

    my $bench = Bench->new(accounts => 1, names => [$name],
        under => ['valgrind', '-q', '--tool=callgrind',
                  "--callgrind-out-file=$folder/$name.%p"]);
    my $t = $bench->nginx($name) // return;
    my ($worker) = $t->children('nginx');
    ask($t, $bench->{key}, $of);
    $t->nginx_stop;

    my ($total) = $t->slurp("$folder/$name.$worker") =~ /^totals: (\d+)/m
        or die "$name: callgrind told nothing\n";

    return $total;
}

# One after the other on one connection.
sub ask {
    my ($t, $key, $of) = @_;

    my $socket = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
    my $text = Tollgate::Http::format_request('GET', '/',
        { Authorization => "Bearer $key", Connection => 'keep-alive' });
    for (1 .. $of) {
        my $answer = '';
        $socket->syswrite($text);
        until ($answer =~ /\r\n\r\nok\n\z/) {
            $socket->sysread($answer, 65536, length $answer)
                or die "nginx closed the connection\n";
        }
        die $answer if $answer !~ m{^HTTP/1.1 200 };
    }

    return;
}
