#!/usr/bin/perl
# The id of a request is that of nginx, in all of what tells it, and no two have the same.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(workers => 2, conf => <<'CONF', http => <<'HTTP');
        access_log %%DIR%%/access.log ids;
        tollgate on;
        tollgate_cost 0.000001;
        location / { proxy_pass http://backend; }
        location /before {
            set $before $request_id;
            add_header X-Before $before;
            proxy_pass http://backend;
        }
        location /off { tollgate off; return 204; }
CONF
    log_format ids '$uri $request_id $tollgate_request_id $sent_http_x_request_id';
HTTP
my $c = $t->customer(avail => 1_000_000);

sub ids {
    my ($n, $path) = @_;

    $t->spew('access.log', '');
    $t->call($c, 'GET', $path) for 1 .. $n;
    $t->wait_for(sub { ($t->slurp('access.log') =~ tr/\n//) == $n }, 'all to be logged');

    return map { [split ' '] } split /\n/, $t->slurp('access.log');
}

# more than are fetched at once, by each of two processes
my @told = ids(700, '/');
is scalar(grep { $_->[1] !~ /^[0-9a-f]{32}$/ || $_->[2] ne $_->[1] || $_->[3] ne $_->[1] } @told),
    0, 'nginx, the gate and the client have the same id';
$t->nginx_reload;
push @told, ids(10, '/');
my %seen;
is scalar(grep { $seen{ $_->[1] }++ } @told), 0, 'and no two requests have one';

my $r = $t->call($c, 'GET', '/before');
is $r->{headers}{'x-before'}, $r->{headers}{'x-request-id'}, 'one that was asked for before is kept';
like +(ids(1, '/off'))[0][1], qr/^[0-9a-f]{32}$/, 'and where there is no gate nginx makes its own';

done_testing;
