#!/usr/bin/perl
# The catalog and plans: what a change does to versions, and what the gate reads.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $catalog = decode_json($b->slurp("$b->{root}/demo/catalog.json"));
my $plans = decode_json($b->slurp("$b->{root}/demo/plans.json"));

sub version { return scalar $b->sql('select version from mirror.catalog()') }
sub lines {
    my ($kind) = @_;

    return [grep { /^$kind\t/ }
            split /\n/, scalar $b->sql('select body from mirror.catalog()')];
}

my $put = $b->call('catalog_put', $catalog);
my $version = version();
is_deeply $b->call('catalog_put', $catalog), $put,
    'the same catalog again is answered the same';
is version(), $version, 'and makes no new version';
is_deeply $b->call('catalog_put', $b->call('catalog_get', {})), $put,
    'what is got can be put';
is scalar @{ lines('model') }, 8, 'the gate reads eight models';
is lines('model')->[-1],
    "model\tvideo-mixer:ffmpeg-standard\tvideo.generate\t0\t50000000\t1"
    . "\t0\tFFmpeg Standard",
    'with the price of their feature written out';

my $copy = decode_json(encode_json($catalog));
push @{ $copy->{features} },
    { code => 'text.generate', name => 'Text', credits => '0.000001', units => 0 };
$copy->{apps}[0]{models}[0]{credits} = '7.5';
pop @{ $copy->{apps} };
$b->call('catalog_put', $copy);
is version(), $version + 1, 'a change makes one new version';
is scalar @{ lines('model') }, 7, 'what is left out is no more for sale';
ok grep({ $_ eq "feature\ttext.generate\t1\t0" } @{ lines('feature') }),
    'a millionth of a credit is a price';
ok grep({ /\t7500000\t/ } @{ lines('model') }), 'a model may have its own price';

my %bad = (
    'features missing' => sub { delete $_[0]{features} },
    'features that are no list' => sub { $_[0]{features} = {} },
    'a feature that is no object' => sub { $_[0]{features}[0] = 'x' },
    'a code of capitals' => sub { $_[0]{features}[0]{code} = 'Video' },
    'a code twice' => sub { $_[0]{features}[1]{code} = $_[0]{features}[0]{code} },
    'a negative price' => sub { $_[0]{features}[0]{credits} = '-1' },
    'no price' => sub { delete $_[0]{features}[0]{credits} },
    'units that are no integer' => sub { $_[0]{features}[0]{units} = 'many' },
    'a name with a tab' => sub { $_[0]{features}[0]{name} = "a\tb" },
    'a model of an unknown feature' =>
        sub { $_[0]{apps}[0]{models}[0]{feature} = 'none' },
    'a model of an unknown tier' =>
        sub { $_[0]{apps}[0]{models}[0]{tier} = 'gold' },
    'a model key that is too long' =>
        sub { $_[0]{apps}[0]{models}[0]{code} = 'm' x 60 },
    'an app with a colon' => sub { $_[0]{apps}[0]{code} = 'a:b' },
    'a tier without a rank' =>
        sub { $_[0]{tiers} = [{ code => 'gold', name => 'Gold' }] },
    'a tier with the code of another' =>
        sub { $_[0]{tiers} = [{ rank => 9, code => 'pro', name => 'Pro' }] },
    'a rank given to two tiers' =>
        sub { $_[0]{tiers} = [map { { rank => 9, code => $_, name => $_ } } qw(a b)] },
);
$version = version();
for my $name (sort keys %bad) {
    my $wrong = decode_json(encode_json($catalog));
    $bad{$name}->($wrong);
    is $b->call_error('catalog_put', $wrong), 'PT422 invalid_argument',
        "$name is refused";
}
is version(), $version, 'and changes nothing';

# Plans.
$b->call('plan_put', { %$_, plan => $_->{code} }) for @$plans;
my %basic = (%{ (grep { $_->{code} eq 'basic' } @$plans)[0] }, plan => 'basic',
             price => '299');
$b->call('plan_put', \%basic);
$version = version();
my $answer = $b->call('plan_put', \%basic);
is "$answer->{version} $answer->{price}", '1 299.00', 'the same plan stays';
is version(), $version, 'and so does the catalog';
is $b->call('plan_put', { %basic, price => '300' })->{version}, 2,
    'a change makes a new version of the plan';
is $b->sql(q{select string_agg(price::text, ' ' order by version) from plan_version
    where plan = 'basic'}), '29900 30000', 'and the old one stays as it was';
is version(), $version + 1, 'and one of the catalog';
is_deeply [map { (split /\t/)[1] } @{ lines('plan') }],
    [qw(free basic premium enterprise)],
    'the gate reads plans cheapest first, one by agreement last';
$b->call('plan_put', { plan => 'secret', name => 'Secret', tier => 'pro',
                       price => '1', public => JSON::PP::false });
ok !grep({ /secret/ } @{ lines('plan') }), 'but not those that are not public';
$b->call('plan_put', { plan => 'secret', public => JSON::PP::true });
ok grep({ /secret/ } @{ lines('plan') }), 'until they are';

$b->call('plan_put', { plan => 'mine', name => 'Mine', tier => 'basic',
    day_units => 20, key_rate => '5', key_burst => 20, app_rate => '3',
    app_burst => 40, public => JSON::PP::false });
my ($fields) = map { decode_json($_->[2]) }
    grep { $_->[0] eq 'mine' } $b->sql('select * from mirror.plans()');
is_deeply $fields, { name => 'Mine', tier => '1', mode => 'subscription',
    day => '20', month => '-1', key_rate => '200000', key_burst => '20',
    app_rate => '333334', app_burst => '40' },
    'the copy of a plan has microseconds between requests';

for my $case ([name => ''], [tier => 'gold'], [mode => 'free'], [price => '-1'],
    [price => '1.001'], [currency => 'baht'], [interval => 'week'],
    [day_units => -1], [day_units => '1.5'], [key_rate => '0'], [key_rate => '-1'],
    [key_burst => 0], [public => 'yes'], [plan => 'Bad code']) {
    is $b->call_error('plan_put', { %basic, $case->[0] => $case->[1] }),
        'PT422 invalid_argument', "a $case->[0] of \"$case->[1]\" is refused";
}
is $b->call('plan_put', { %basic, key_rate => '1000000' })->{key_rate}, '1000000',
    'the highest rate is a million a second';
is $b->call_error('plan_put', { plan => 'payg', mode => 'hybrid' }),
    'PT422 invalid_argument', 'payg stays payg';

done_testing;
