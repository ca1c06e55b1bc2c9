#!/usr/bin/perl
# Lists of prices: what is refused, what a load changes and when, and that
# decimals are exact.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Math::BigInt;
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
$b->call('catalog_put', decode_json($b->slurp("$b->{root}/demo/catalog.json")));
$b->sql(q{update setting set value = '350000000' where name = 'credit_value'});
my ($veo, $poster) = ('video-generator:veo-3', 'poster-editor:inpaint-pro');

sub freeze { $b->sql('select lib.clock_freeze($1)', $_[0]); return }
sub price { return { model => $_[0], unit => $_[1], credits => $_[2], @_[3 .. $#_] } }
sub preview { return $b->call('price_preview', { prices => $_[0], @_[1 .. $#_] }) }

sub load {
    my ($prices, @more) = @_;
    my $version = preview($prices, @more)->{version};
    return $b->call('price_put', { prices => $prices, version => $version, @more });
}

sub changes {
    return join '; ', map { join ' ', $_->{change}, $_->{unit}, substr($_->{at}, 0, 10),
        ($_->{from} // {})->{credits} // '-', ($_->{to} // {})->{credits} // '-',
        $_->{percent} // '-' } @{ $_[0]{changes} };
}

# What the gate pays for a request of veo-3, and the version that it has.
sub gate {
    my ($version, $body) = map { @$_ } $b->sql('select * from mirror.catalog()');
    my ($tier, $credits) = $body =~ /^model\t\Q$veo\E\t\S+\t(\d+)\t(\d+)/m;
    return wantarray ? ($version, $tier) : $credits;
}
sub tokens { return join '; ', map { s/\t/ /gr } $b->sql('select body from mirror.catalog()') =~ /^tokens\t(.*)/mg }
sub held {
    my ($at) = @_;
    return join ' ', map { "$_->{unit}=$_->{credits}" }
        @{ $b->call('price_list', { at => $at, model => $veo })->{data} };
}

freeze('2027-01-10 12:00Z');
my @list = (price($veo, 'request', '60'),
            price($veo, 'second', '1.25', cost => '0.30', currency => 'THB'),
            price($poster, 'input_token', '35.000001', per => '1000000', provider => 'openai'));

# --- a preview and a load -----------------------------------------------------------

my $was = gate();
my $preview = preview(\@list);
is changes($preview), 'added input_token 2027-01-10 - 35.000001 -; '
    . 'added request 2027-01-10 - 60 -; added second 2027-01-10 - 1.25 -', 'a preview';
is $preview->{changes}[2]{to}{margin}, '31.4', 'has the margin where a cost is told';
is $preview->{changes}[0]{to}{margin}, undef, 'and none where none is';
is $b->sql('select count(*) from price_list') . gate(), "0$was", 'and changes nothing';
my ($version) = gate();
is load(\@list)->{applied}, JSON::PP::true, 'a load applies it';
is gate(), 60_000_000, 'the gate has the new price of a request';
is join(' ', gate()), $version + 1 . ' 2', 'in one new version, of the same tier';
is tokens(), "$poster 35000001 35000001 0", 'and prices of tokens: cached ones are no cheaper untold';
is $b->sql('select credits, per from model_price where unit = $1', 'input_token'),
    35_000_001, 'a price of tokens is exact';

my $again = load(\@list);
is "$again->{applied} $again->{unchanged}", '0 3', 'the same list changes nothing';
is $b->sql('select count(*) from price_list'), 1, 'and is no load';
is $b->call_error('price_put', { prices => [], version => 0 }), 'PT409 prices_changed',
    'nor is one that was previewed before another came';
is $b->call_error('price_put', { prices => [] }), 'PT422 invalid_argument',
    'nor one without a preview';

# --- later prices -------------------------------------------------------------------

my @later = (price($veo, 'request', '75', tier => 'enterprise', effective_to => '2027-03-01'),
             price($veo, 'second', '1.25', cost => '0.30', currency => 'THB'));
is changes(load(\@later, effective => '2027-02-01')),
    'removed input_token 2027-02-01 35.000001 - -; changed request 2027-02-01 60 75 25.0; '
    . 'removed request 2027-03-01 60 - -', 'a list of a later day tells what it ends';
is gate(), 60_000_000, 'and changes nothing before';
is held('2027-01-31T23:59:59Z'), 'request=60 second=1.25', 'the moment before its day has the old prices';
is held('2027-02-01'), 'request=75 second=1.25', 'its day the new ones';
is held('2027-03-01'), 'second=1.25', 'and the end of a price is not of it';
freeze('2027-02-01 00:00Z');
is $b->sql('select job.prices_apply(lib.now())'), '{"changed": 2}', 'the job switches at the date';
is gate(), 75_000_000, 'the price';
is join(' ', gate()), $version + 2 . ' 3', 'and the tier';
is tokens(), '', 'and those of tokens that ended';
is $b->sql('select job.prices_apply(lib.now())'), '{"changed": 0}', 'once';
freeze('2027-04-15 00:00Z');
$b->sql('select job.prices_apply($1)', '2027-02-01 00:01Z');
is gate(), $was, 'and after an outage goes to what holds now: the price of the catalog';
is held('2027-01-15'), 'request=60 second=1.25', 'while the past is still known';
for my $table (qw(price_list model_price)) {
    ok $b->sql_error("update $table set " . ($table eq 'price_list' ? 'source' : 'note') . " = 'x'"),
        "nobody changes a row of $table";
}

# --- what is wrong, all at once ---------------------------------------------------------

my @bad = (['model', 'none:none', 'second', '1'], ['unit', $veo, 'mile', '1'],
    ['credits', $veo, 'image', '-1'], ['credits', $veo, 'character', '0.0000001'],
    ['credits', $veo, 'output_token', '1e3'], ['credits', $poster, 'second', '99999999999'],
    ['per', $poster, 'image', '1', per => '0'], ['per', $poster, 'request', '1', per => '2'],
    ['tier', $poster, 'character', '1', tier => 'pro'],
    ['cost', $poster, 'output_token', '1', cost => '0.0000000001', currency => 'THB'],
    ['currency', $veo, 'cached_input_token', '1', cost => '1'],
    ['effective_to', $poster, 'cached_input_token', '1', effective_to => '2027-04-15'],
    ['effective_from', $veo, 'input_token', '1', effective_from => '2027-13-01']);
my $line = 1;
my @rows = map { my (undef, @price) = @$_; +{ %{ price(@price) }, line => ++$line } } @bad;
is_deeply [map { "$_->{line} $_->{member}" } @{ preview(\@rows)->{errors} }],
    [map { $_ + 2 . " $bad[$_][0]" } 0 .. $#bad], 'every fault of a list is told, with its line';
my @may = map { price($veo, 'second', $_->[0], effective_from => "2027-$_->[1]",
                      $_->[2] ? (effective_to => "2027-$_->[2]") : ()) }
    ['1', '05-01', '06-01'], ['2', '06-01'], ['3', '07-01'];
is_deeply [map { "$_->{line} $_->{detail}" } @{ preview(\@may)->{errors} }],
    ['3 has a price for this unit and time already, on line 2'],
    'prices may touch and must not overlap';
like preview([{ %{ $list[0] }, creditz => '1' }])->{errors}[0]{detail}, qr/no column/, 'a mistyped column';
is $b->call_error('price_put', { prices => \@rows, version => 2 }), 'PT422 invalid_argument',
    'such a list is not loaded';
for my $args ({ prices => [1] }, { prices => [[{}]] }, { prices => {} }, {}, { prices => [], effective => '2027-04-14' }) {
    is $b->call_error('price_preview', $args), 'PT422 invalid_argument', 'nor can be previewed: '
        . join ' ', %$args;
}

# --- decimals, against arithmetic of their digits --------------------------------------------

srand 15;
my @amounts = map { my $n = Math::BigInt->new(int(rand 2**(1 + int rand 53)));
    my $text = sprintf '%07s', $n; $text =~ tr/ /0/;
    [$n, substr($text, 0, -6) . '.' . substr($text, -6)] } 1 .. 500;
my $values = join ',', map { "('$_->[1]', $_->[0])" } @amounts;
is $b->sql("select count(*) from (values $values) v (text, micro)
    where lib.micro(jsonb_build_object('x', text), 'x') = micro
      and lib.decimal_fault(text, 6) is null
      and lib.micro(jsonb_build_object('x', lib.credits(micro)), 'x') = micro
      and lib.decimal_fault(text || '0', 6) is not null"), 500,
    '500 random amounts are their digits, there and back';

done_testing;
