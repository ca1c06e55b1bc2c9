#!/usr/bin/perl
# The examples that operators copy: conf/nginx.conf gates a backend, and
# whatever the documentation shows passes nginx -t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->new;
$t->spew('redis.password', "hush\n");
$t->spew('link.secret', '0123456789abcdef' x 2 . "\n");
my ($load) = $t->nginx_conf('') =~ /^(load_module .*;)$/m;

# The text as a whole nginx.conf of this test: paths and addresses adapted, with
# more in its http { }.
sub adapted {
    my ($text, $more) = @_;

    $more //= '';
    $more .= join ' ', 'access_log off;', map {
        "${_}_temp_path $t->{dir}/temp_$_;"
    } qw(client_body proxy fastcgi uwsgi scgi);

    $text =~ s/^(?:load_module|events) .*\n//mg;
    $text =~ s{unix:/run/\S+?redis[^;\s]*\.sock}{unix:$t->{dir}/redis.sock}g;
    $text =~ s{^(\s*)listen .*;}{$1listen unix:$t->{dir}/nginx.sock;}mg;
    $text =~ s{/var/(?:log|lib)/nginx/}{$t->{dir}/}g;
    $more .= "tollgate_leases $t->{dir}/leases;" unless $text =~ /tollgate_leases/;
    $text =~ s{server 127\.0\.0\.1:3000;}{server unix:$t->{dir}/back.sock;};
    $text =~ s/^http \{$/http {\n$more/m;

    return "$load\n" . ($> == 0 ? "user nobody nogroup;\n" : '')
        . "daemon off; pid $t->{dir}/nginx.pid; events { }\n"
        . "error_log $t->{dir}/error.log info;\n$text";
}

sub passes {
    my ($text, $name) = @_;

    $t->spew('test.conf', adapted($text));
    my $env = $t->nginx_env;
    local @ENV{ keys %$env } = values %$env;
    my $out = `$Tollgate::nginx -t -p $t->{dir}/ -c test.conf \\
        -e test.log 2>&1`;

    return ok($? == 0, "$name passes nginx -t") || diag $out;
}

# Snippets of the documentation get what they stand in.
sub whole {
    my ($text) = @_;

    my $backend = 'upstream backend { server 127.0.0.1:3000; }';
    return $text =~ s/^http \{$/http {\n$backend/mr
        if $text =~ /^http \{/m;

    my $redis = $text =~ /^tollgate_redis/m ? ''
        : "tollgate_redis unix:/run/redis.sock;\n";
    my $zone = $text =~ /^tollgate_zone/m ? '' : "tollgate_zone c:1m;\n";
    $text = "server {\nlisten 80;\nlocation / {\n$text\n}\n}"
        unless $text =~ /^(?:log_format|map|server|tollgate_(?:json|leases|usage_buffer|zone))\b/m;

    return "http {\n$backend\n$redis$zone$text\n}\n";
}

my $least = $t->slurp("$t->{root}/conf/nginx.conf");
passes($least, 'conf/nginx.conf');
passes($t->slurp("$t->{root}/conf/nginx-full.conf"), 'conf/nginx-full.conf');

my $snippets = 0;
for my $page (glob("$t->{root}/*.md"), glob "$t->{root}/docs/*.md") {
    my ($name) = $page =~ m{([^/]+)\z};
    for my $text ($t->slurp($page) =~ /^```nginx\n(.*?)^```$/gms) {
        my $number = ++$snippets;
        passes(whole($text), "example $number, in $name,");
    }
}
cmp_ok $snippets, '>', 10, 'the documentation has examples';

# the least that an operator writes, at work
$t->redis;
$t->plan('payg');
$t->catalog(@Tollgate::Edge::CATALOG);
my $c = $t->customer(avail => 100);
$t->spew('nginx.conf', adapted($least, <<"HTTP"));
    server {
        listen unix:$t->{dir}/back.sock;
        location / { return 204; }
    }
HTTP
$t->nginx_start;

$t->wait_for(sub {
    $t->call($c, 'GET', '/images/x')->{status} == 204
}, 'conf/nginx.conf to serve');
is $t->avail($c), 90_000_000, 'it charges what the catalog says for images';
is $t->call($c, 'GET', '/x')->{headers}{'tollgate-cost'}, '1',
    'and one credit for anything else';
is $t->get('/x')->{status}, 401, 'and nothing passes without a key';

done_testing;
