# Limits with a name at the edge: what headers, refusals, variables and usage
# records tell of them, and what a failed request gets back.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate ();

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        tollgate_headers ietf legacy credits;
        add_header X-Limit "$tollgate_limit $tollgate_resets_at $tollgate_wait" always;
        location / { proxy_pass http://backend; }
        location /dry { tollgate dry_run; proxy_pass http://backend; }
        location /few { tollgate_headers legacy; proxy_pass http://backend; }
        location = /quota { tollgate_self quota; }
        location = /html { tollgate_error_html on; proxy_pass http://backend; }
CONF
$t->plan('sub', mode => 'subscription', day => 90);

# A customer with these limits of its account.
sub limited {
    my ($lines, %opt) = @_;

    my $c = $t->customer(avail => 100, %opt);
    $t->r('HSET', Tollgate::wallet_key($c->{account}), 'l', join "\n", @$lines);

    return $c;
}

sub counter {
    my ($c, $id) = @_;

    return (split ' ', $t->r('HGET', Tollgate::wallet_key($c->{account}), "u:$id") // '- 0')[1];
}

my $c = limited(['1 daily requests 2 day calendar account * refuse -',
    '2 spend credits 35500000 month calendar account * refuse -',
    '3 ever requests 9 life - account * refuse -',
    '4 soft requests 1 hour calendar account * warn -',
    '5 pace rate 4 1000000 - account * refuse -']);
my $r = $t->call($c, 'GET', '/');
my ($policy, $limit) = @{ $r->{headers} }{qw(ratelimit-policy ratelimit)};
my $days = 32 - (gmtime(time + 86400 * (32 - (gmtime)[3])))[3];
is $policy, '"daily";q=2;w=86400, "spend";q=35;w=' . $days * 86400
    . ', "ever";q=9, "pace";q=4', 'limits that refuse are policies';
like $limit, qr/^"daily";r=1;t=\d{1,5}, "spend";r=25;t=\d{1,7}, "ever";r=8, "pace";r=3;t=1$/,
    'with what is left of each';
is join(' ', map { $r->{headers}{"x-ratelimit-$_"} } qw(limit remaining)), '2 1',
    'the legacy family tells of the nearest to its end';

$r = $t->call($c, 'GET', '/');
is $r->{status}, 200, 'it passes up to the limit';
$r = $t->call($c, 'GET', '/');
my $end = time - time % 86400 + 86400;
my @end = (gmtime $end)[5, 4, 3];
my $iso = sprintf '%04d-%02d-%02dT00:00:00Z', $end[0] + 1900, $end[1] + 1, $end[2];
is "$r->{status} @{$r->{json}}{qw(code limit resets_at)}",
    "429 cap_reached daily $iso", 'then it is refused, by name, until the day ends';
is_deeply $r->{json}{'violated-policies'}, ['daily'], 'as the policy that is violated';
like $r->{headers}{'x-limit'}, qr/^daily \Q$iso\E \d+\.\d{3}$/, 'variables tell the same';
is $r->{headers}{'x-should-retry'}, 'false', 'no client has to wait for that';
my ($used) = grep { $_->{verdict} eq 'cap_reached' } $t->used($c->{account}, 3);
is $used->{limit}, 'daily', 'and so does the usage record';
is counter($c, 2), 20_000_000, 'nothing was taken of the others';

# A limit for life never ends.
my $life = limited(['1 ever requests 0 life - account * refuse -']);
$r = $t->call($life, 'GET', '/');
is join(' ', map { $_ // 'none' } $r->{json}{resets_at}, @{ $r->{headers} }{qw(retry-after ratelimit)}),
    'none none "ever";r=0', 'what never ends has no reset';
$r = $t->call($life, 'GET', '/few');
is join(' ', map { $_ // 'none' } map { $r->{headers}{"x-ratelimit-$_"} } qw(limit remaining reset)),
    '0 0 none', 'in no family';

# Units and rates.
my $units = limited(['1 few units 1 week anniversary account image.* refuse -'], plan => 'sub');
$t->call($units, 'GET', '/');
$r = $t->call($units, 'GET', '/');
is "@{$r->{json}}{qw(code limit required_units available_units)}",
    'quota_exceeded few 1 0', 'units have a quota by name';
my $rate = limited(['1 pace rate 1 30000000 - account * refuse -']);
$t->call($rate, 'GET', '/');
$r = $t->call($rate, 'GET', '/');
is "@{$r->{json}}{qw(code limit)}", 'rate_limited pace', 'rates have a name';
ok $r->{headers}{'retry-after-ms'} > 20_000 && $r->{headers}{'retry-after-ms'} <= 30_000,
    'and a wait';
ok $r->{json}{resets_at} gt '2026', 'that ends';

# What failed is given back, what is dry or a look takes nothing.
my $back = limited(['1 daily requests 5 day calendar account * refuse -',
    '2 spend credits 90000000 day calendar key image.* refuse -']);
$t->call($back, 'GET', '/?status=500');
$t->wait_for(sub { counter($back, 1) eq '0' }, 'the request to be given back');
my ($field) = grep { /^u:2:key_/ } @{ $t->r('HKEYS', Tollgate::wallet_key($back->{account})) };
is +(split ' ', $t->r('HGET', Tollgate::wallet_key($back->{account}), $field))[1], 0,
    'and so are its credits, to the counter of its key';
my $before = Tollgate::Gate::snapshot($t, $back->{account});
is $t->call($back, 'GET', '/dry')->{status}, 200, 'a dry run passes';
my $quota = $t->call($back, 'GET', '/quota')->{json};
is Tollgate::Gate::snapshot($t, $back->{account}), $before, 'and leaves no trace, nor does a look';
is_deeply [map { "@{$_}{qw(name meter window effect limit remaining)}" } @{ $quota->{limits} }],
    ['daily requests day refuse 5 5', 'spend credits day refuse 90 90'],
    'which tells what is left';
is $quota->{limits}[0]{resets_at}, $iso, 'and until when';
is_deeply $t->call($t->customer, 'GET', '/quota')->{json}{limits}, [], 'or that there are none';

# Many limits, with long names, make headers as long as they have to be.
my @many = map { "$_ " . ('n' x 60) . "-$_ requests 9007199254740991 month calendar account * refuse -" } 10 .. 41;
$r = $t->call(limited(\@many), 'GET', '/');
is scalar(() = $r->{headers}{'ratelimit-policy'} =~ /n-\d\d";q=9007199254740991;w=/g), 32,
    'of many limits each is told';
is scalar(@{ $t->call(limited(\@many), 'GET', '/quota')->{json}{limits} }), 32,
    'to a look as well';

# A browser reads it.
my $page = $t->call($life, 'GET', '/html', Accept => 'text/html', 'Accept-Language' => 'id');
like $page->{body}, qr/Batas tercapai/, 'a person is told in words';

done_testing;
