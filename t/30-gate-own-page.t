#!/usr/bin/perl
# An operator's own page of a refusal, by error_page: every variable of the
# decision is there, in a named location, in one of its own URI and in SSI.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my @names = Tollgate::slurp({}, "$FindBin::Bin/../docs/directives.md")
    =~ /^\| `\$tollgate_(\w+)` \|/mg;
cmp_ok scalar @names, '>', 25, 'the documentation lists variables';
my $all = join '', map { "$_=\$tollgate_$_\\n" } @names;

my $t = Tollgate::Edge->begin(conf => <<"CONF");
        root %%DIR%%/html;
        tollgate on;
        tollgate_feature image.generate;
        tollgate_user \$arg_user;
        tollgate_label \$arg_label;
        tollgate_upgrade_url "https://example.com/\$tollgate_required_plan";
        error_page 401 402 403 429 \@page;
        location \@page { return 418 "$all"; }
        location = /page { internal; return 418 "$all"; }
        location = /page.shtml { internal; ssi on; default_type text/html; }
        location / { proxy_pass http://backend; }
        location /pro { tollgate_model app:pro; proxy_pass http://backend; }
        location /uri { error_page 402 /page; proxy_pass http://backend; }
        location /ssi { error_page 403 /page.shtml; tollgate_tier pro;
                        proxy_pass http://backend; }
        location /away {
            error_page 503 \@page;
            tollgate_redis unix:%%DIR%%/nowhere.sock;
            proxy_pass http://backend;
        }
        location /json {
            error_page 404 \@page;
            tollgate_model app:pro;
            proxy_pass http://backend;
        }
CONF
mkdir "$t->{dir}/html";
$t->spew('html/page.shtml', 'Buy <!--# echo var="tollgate_required_plan" -->');

$t->plan('slow', key_rate => 20_000_000, key_burst => 1, tier => 1);
$t->plan('slower', app_rate => 600_000_000, app_burst => 1);
$t->plan('quota', mode => 'subscription', day => 2, month => 100, tier => 2);
my $poor = $t->customer(avail => 1.5);
my $slow = $t->customer(avail => 100, plan => 'slow');
my $slower = $t->customer(avail => 100, plan => 'slower');
my $quota = $t->customer(plan => 'quota');
is $t->call($_, 'GET', '/')->{status}, 200, 'the first request passes'
    for $slow, $slower;

my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
my %seen;

# Asks for the path; the variables that its page shows have to be those wanted,
# besides those that tell who it was.
sub shows {
    my ($customer, $path, %want) = @_;

    my $r = $t->call($customer, 'GET', $path);
    my %told = map { split /=/, $_, 2 } split /\n/, $r->{body};
    delete @told{ grep { $told{$_} eq '' } keys %told };
    my $id = $r->{headers}{'x-request-id'};
    $want{request_id} = qr/^$id$/;
    if (exists $customer->{account} && !delete $want{unknown}) {
        @want{qw(account key app mode store_time remaining)}
            = (map({ qr/^$_$/ } @$customer{qw(account key_id)}),
               qr/^app_/, qr/^\w+$/, qr/^0\.\d{6}$/, qr/^\d/);
    }
    is join(' ', sort keys %told), join(' ', sort keys %want),
        "$path: the variables that such a refusal has";
    like $told{$_} // '', ref $want{$_} ? $want{$_} : qr/^\Q$want{$_}\E$/,
        "$path: $_" for sort keys %want;
    $seen{$_} = 1 for keys %told;

    return $r;
}

my %price = (feature => 'image.generate', price => '10', price_units => '1',
             cost => '0', units => '0');
my %pro = (%price, model => 'app:pro', price => '50', price_units => '5');

shows($poor, '/?user=mali&label=a', %price, verdict => 'credits_exhausted',
      plan => 'payg', tier => 'free', user => 'mali',
      label => 'a');
shows($poor, '/uri', %price, verdict => 'credits_exhausted', plan => 'payg',
      tier => 'free');
my $r = shows($poor, '/pro', %pro, verdict => 'tier_required', plan => 'payg',
              tier => 'free', tier_needed => 'pro', required_plan => 'pro');
is $r->{headers}{'content-security-policy'}, undef,
    'an own page has the headers that its owner gives it';
shows($quota, '/pro', %pro, verdict => 'quota_exceeded', plan => 'quota',
      tier => 'pro', tier_needed => 'pro', limit => 'day', resets_at => $time,
      day_remaining => '2', month_remaining => '100');
$r = shows($slow, '/', %price, verdict => 'rate_limited', plan => 'slow',
           tier => 'basic', limit => 'key_rate', resets_at => $time,
           wait => qr/^\d{1,2}\.\d{3}$/, retry_after => qr/^\d{1,2}$/);
like $r->{body}, qr/^retry_after=$r->{headers}{'retry-after'}$/m,
    'retry_after is what Retry-After says';
shows($slower, '/', %price, verdict => 'rate_limited', plan => 'slower',
      tier => 'free', limit => 'app_rate', resets_at => $time,
      wait => qr/^\d{3}\.\d{3}$/, retry_after => '60');
shows({ key => 'bad' }, '/', cost => '0', units => '0', price_units => '0',
      verdict => 'key_malformed');
shows($poor, '/away', %price, verdict => 'store_unreachable', unknown => 1,
      retry_after => '1');

# what is not of a refusal, or not of these
my @other = qw(content dry_run estimate metered refunded
    tokens_cached tokens_cost tokens_input tokens_output);
is_deeply [grep { !$seen{$_} } @names], \@other,
    'a page can show every variable of a refusal';
is $t->call($poor, 'GET', '/ssi')->{body}, 'Buy pro', 'SSI shows them too';

is $t->call($poor, 'GET', '/json')->{json}{upgrade_url},
    'https://example.com/pro', 'and the URL of the gate\'s own JSON';

# without the patience that it has for records of a server that is away
$t->nginx_stop('TERM');

done_testing;
