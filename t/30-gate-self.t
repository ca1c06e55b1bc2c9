#!/usr/bin/perl
# tollgate_self: what a customer has left and may use, told by the gate alone
# and for nothing.

use strict;
use warnings;

use FindBin;
use POSIX qw(strftime);
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        tollgate_on_error open;
        tollgate_timeout 5s;
        location / { proxy_pass http://backend; }
        location = /api/quota/status { tollgate_self quota; }
        location = /api/apps { tollgate_self apps; }
        location ~ ^/api/apps/(?<app>[^/]+)/models$ {
            tollgate_self models $app;
            tollgate_upgrade_url https://example.com/plans?app=$app;
            tollgate_topup_url https://example.com/credits;
        }
        location = /dry { tollgate dry_run; tollgate_self quota; }
        location = /off { tollgate off; tollgate_self quota; }
        location = /closer {
            tollgate_self quota;
            if ($arg_x) { set $y 1; }
            limit_except GET { deny all; }
        }
CONF

$t->catalog(@Tollgate::Edge::CATALOG[0 .. 8],
    'feature image.generate 10000000 1',
    'model app:standard image.generate 0 20000000 2 0 Standard',
    'model app:big image.generate 0 20000000 9 1 "Big"',
    'model app:flat image.generate 1 5500000 0 0 Flat',
    'model app:pro image.generate 2 50000000 5 0 Pro',
    'model app2:x image.generate 9 1 1 0 X',
    'app app App', 'app empty Empty', 'private secret 1 Secret');
$t->plan('quota', mode => 'subscription', tier => 1, day => 8, month => 100,
         key_rate => 60_000_000, key_burst => 2);
$t->plan('secret', mode => 'hybrid', tier => 1, day => 4, month => -1);
my $payg = $t->customer(avail => 12.5);
my $sub = $t->customer(plan => 'quota', avail => 1);
my $mix = $t->customer(plan => 'secret', avail => 25.25);
$t->wait_for(sub { $t->call($payg, 'GET', '/api/apps')->{body} =~ /Empty/ },
             'the catalog');

sub status { return $t->call($_[0], 'GET', $_[1] // '/api/quota/status') }

# The models of an app: key => "reason" and what it takes.
sub locks {
    return { map {
        my $model = $_;
        $model->{modelKey} => join ' ', map { $_ // () }
            @$model{qw(lock_reason required_plan missing resets_at)}
    } @{ status($_[0], '/api/apps/app/models')->{json}{data} } };
}

sub utc { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

sub day_end { return utc(86_400 * (1 + int(time / 86_400))) }

my %before = map { $_ => snapshot($t, $_->{account}) } ($payg, $sub, $mix);

# quota
my $r = status($payg);
is $r->{status}, 200, 'a customer asks what is left';
is_deeply [@{ $r->{headers} }{qw(content-type cache-control etag)}],
    ['application/json', 'no-store', undef], 'which is not to be kept';
is $r->{headers}{'tollgate-cost'}, '0', 'and costs nothing';
is_deeply [@{ $r->{json} }{qw(account plan plan_name tier mode balance held)}],
    [$payg->{account}, 'payg', 'Payg', 'free', 'payg', '12.5', '0'],
    'account, plan, tier, mode and balance';
is_deeply $r->{json}{rates}, [map +{ rate => $_, limit => undef,
    remaining => undef, resets_at => undef }, qw(key app)], 'without rates';
my $day = day_end();
$r = status($sub);
$r = status($sub) if $day ne day_end();
is_deeply $r->{json}{windows}[0], { window => 'day', limit => 8, used => 0,
    remaining => 8, resets_at => day_end() }, 'the quota of the day';
is $r->{json}{windows}[1]{limit}, 100, 'and of the month';
is_deeply [@{ $r->{json}{rates}[0] }{qw(rate limit remaining)}], ['key', 2, 2],
    'a rate that asking takes nothing from';
is status($mix)->{json}{plan_name}, 'Secret', 'plans that are not public too';
is $t->call($payg, 'HEAD', '/api/quota/status')->{body}, '', 'HEAD';
is $t->get($_)->{status}, 401, "$_ needs a key" for '/dry', '/off';
is status($payg, $_)->{json}{balance}, '12.5', "$_ answers"
    for '/dry', '/off', '/closer', '/closer?x=1';
is $t->call($payg, 'POST', '/api/apps')->{status}, 405, 'no POST';

# apps and models
is_deeply status($payg, '/api/apps')->{json}{data},
    [{ id => 'app', name => 'App', models => 4 },
     { id => 'empty', name => 'Empty', models => 0 }], 'the apps';
$r = status($payg, '/api/apps/app/models')->{json};
is_deeply [map { $_->{modelKey} } @{ $r->{data} }],
    [map { "app:$_" } qw(big standard flat pro)], 'the models, by tier';
is_deeply $r->{data}[0], { modelKey => 'app:big', name => '"Big"',
    feature => 'image.generate', tier => 'free', beta => JSON::PP::true,
    credits => '20', units => 9, locked => JSON::PP::true,
    lock_reason => 'credits_exhausted', required_plan => undef,
    missing => '7.5', resets_at => undef }, 'with all that is to know';
is "$r->{upgrade_url} $r->{topup_url}",
    'https://example.com/plans?app=app https://example.com/credits',
    'and where to go';
is_deeply locks($payg), { 'app:big' => 'credits_exhausted 7.5',
    'app:standard' => 'credits_exhausted 7.5',
    'app:flat' => 'tier_too_low basic', 'app:pro' => 'tier_too_low pro' },
    'payg lacks tiers and credits';
is_deeply locks($sub), { 'app:big' => 'quota_exhausted', 'app:standard' => '',
    'app:flat' => '', 'app:pro' => 'tier_too_low pro' },
    'a subscription lacks what is larger than its quota for ever';
is_deeply locks($mix), { 'app:big' => '', 'app:standard' => '',
    'app:flat' => '', 'app:pro' => 'tier_too_low pro' }, 'a hybrid has credits for that';
$r = status($payg, '/api/apps/no%22%ff/models');
is_deeply [$r->{status}, @{ $r->{json} }{qw(code status detail)}],
    [404, 'app_not_found', 404, 'there is no app "no"?"'], 'an unknown app';
is status($payg, '/api/apps/ap/models')->{status}, 404,
    'a part of a code is none';
is snapshot($t, $_->{account}), $before{$_}, 'not a byte has changed'
    for $payg, $sub, $mix;

# after a request that is paid
my $from = time;
is $t->call($sub, 'GET', '/')->{status}, 200, 'a request uses quota and rate';
$r = status($sub)->{json};
is_deeply [map { @$_{qw(used remaining)} } @{ $r->{windows} }], [1, 7, 1, 99],
    'as the quotas tell';
is $r->{rates}[0]{remaining}, 1, 'and the rate';
ok scalar(grep { $r->{rates}[0]{resets_at} eq utc($_) }
          $from + 60 .. time + 61), 'which is full again a minute later';

done_testing;
