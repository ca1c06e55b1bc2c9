# Lists of prices from a file to the gate: CSV and JSON, previews, faults.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Cli;
use JSON::PP;
use Test::More;
use Tollgate;

my $t = Tollgate->new;
$t->redis;
$t->postgres;
$t->worker;
my $cli = Cli->new($t, "$t->{dir}/admin.sock");
my $demo = "$t->{root}/demo";
$t->sql(q{update setting set value = '350000000' where name = 'credit_value'});
is($cli->run('catalog', 'put', '-f', "$demo/catalog.json")->{status}, 0,
   'the catalog of the demo');

sub load {
    my ($name, $text, @words) = @_;
    return $cli->run(qw(catalog load), $t->spew($name, $text), @words);
}
sub lists { return scalar $t->sql('select count(*) from price_list') }
my $head = "model,unit,credits,per,cost,currency,note\n";
my $veo = 'video-generator:veo-3';

# The list of the demo.
my $run = $cli->run(qw(catalog load), "$demo/prices.csv", '--dry-run');
is($run->{status}, 0, 'the list of the demo can be previewed') or diag $run->{err};
like($run->{out}, qr/^added +\Q$veo\E +second +\S+ +- +6\.25 +1 +- +26\.9$/m,
     'with prices and margins');
like($run->{out}, qr/^13 added, 0 changed, 0 removed, 0 unchanged$/m, 'and a sum');
is(lists(), 0, 'nothing is loaded');
$run = $cli->run(qw(catalog load), "$demo/prices.csv", '--yes');
is($run->{status}, 0, 'it can be loaded') or diag $run->{err};
like($run->{err}, qr/^tollgate: loaded$/m, 'and says so');
is(lists(), 1, 'once');
$run = $cli->run(qw(catalog load), "$demo/prices.csv", '-o', 'json');
ok(!$run->{json}{applied}, 'the same file again is not loaded');
is($run->{json}{unchanged}, 13, 'for nothing changed');
is(lists(), 1, 'so no list is added');
$cli->{stdin} = $t->spew('again.csv',
                         $cli->run(qw(prices list --all -o csv))->{out});
$run = $cli->run(qw(catalog load - -o json));
is($run->{json}{unchanged}, 13, 'what is listed as CSV is the list') or diag $run->{err};
$cli->{stdin} = '/dev/null';
like($cli->run(qw(prices list), $veo)->{out},
     qr/^\Q$veo\E +request +50 +1 +- +google +12\.8 +THB /m, 'a table of prices');

# The same list in CSV and in JSON, as spreadsheets and programs write them.
my @forms = (
    ['list.csv', "\xef\xbb\xbf" . "model,unit,credits,note\r\n"
        . qq{"$veo","request","77.000001","a ""big"", one"\r\n\r\n}],
    ['bare.csv', "model,unit,credits,note\n$veo,request,77.000001,\"a \"\"big\"\", one\""],
    ['list.json', qq(\n[{"model": "$veo", "unit": "request", "note": "a \\"big\\", one", "credits": "77.000001"}]\n)],
    ['object.json', qq({"prices": [{"model": "$veo", "unit": "request",
        "note": "a \\"big\\", one", "credits": "77.000001"}]})]);
for my $form (@forms) {
    my ($name, $text) = @$form;
    my $one = load($name, $text, qw(--dry-run -o json));
    my ($change) = grep { $_->{change} eq 'changed' } @{ $one->{json}{changes} // [] };
    is($change->{to}{credits} // $one->{err}, '77.000001', "$name is read");
    is("$change->{percent} $change->{to}{note}", '54.0 a "big", one', 'and compared');
}

# It reaches the gate, at its day.
is(load('next.csv', "${head}$veo,request,80,,,,\n", qw(--effective 2999-01-01 --yes))->{status}, 0,
   'a list of a later day');
is($cli->run('prices', 'list', $veo, qw(--at 2999-01-01 -o json))->{json}{data}[0]{credits}, '80',
   'is shown for its day');
like($t->r('HGET', 'tg:catalog', 'body'), qr/^model\t\Q$veo\E\t\S+\t2\t50000000\t/m,
     'while the gate has the old price');
is(load('now.csv', "${head}$veo,request,60.5,,,,\n", '--yes')->{status}, 0, 'one of now');
$t->wait_for(sub { $t->r('HGET', 'tg:catalog', 'body')
                       =~ /^model\t\Q$veo\E\t\S+\t2\t60500000\t/m },
             'the new price to reach the gate');
is($cli->run('prices', 'list', $veo, qw(--at 2999-01-02 -o json))->{json}{data}[0]{credits}, '60.5',
   'a list stands in the place of all before it, also of those of later days');

# On a terminal, which `script` of util-linux plays, it asks.
my $ask = "script -qec '$Tollgate::build/tollgate catalog load "
    . $t->spew('ask.csv', "${head}$veo,request,61,,,,\n") . " --socket $cli->{socket}' /dev/null 2>&1";
my $count = lists();
like(`echo n | $ask`, qr/ 61 .*ask\.csv: 0 added, 1 changed, 0 removed\? .*nothing was done/s,
     'the changes are shown before the question');
is(lists(), $count, 'and no means no');
like(`echo y | $ask`, qr/loaded/, 'with yes');
is(lists(), $count + 1, 'it is loaded');

# Faults.
my $before = lists();
$run = load('bad.csv', "${head}none:none,second,1,,,,\n$veo,second,-1,,,,\n\n"
            . "$veo,image,0.0000001,,,,\n");
is($run->{status}, 5, 'a wrong list is refused');
like($run->{err}, qr/line 2: model .*line 3: credits must not .*line 5: credits must have/s,
     'and every fault is told with its line');
like(load('bad.json', qq([\n{"model": "$veo", "unit": "second", "credits": "1"},\n
    {"model": "$veo", "unit": "second", "credits": "2"}]))->{err},
     qr/bad\.json, line 4: model has a price .* on line 2 /, 'lines of JSON too');
like(load('lines.csv', qq(${head}$veo,second,1,,,,"two\nlines"\nnone:none,second,1,,,,\n))->{err},
     qr/line 2: note .*line 4: model /s, 'where a field has lines they count');
my @broken = (
    ['', qr/line 1: a header/, 'an empty file'],
    [qq(a,b\n"x), qr/line 2: a quote is not closed/, 'an open quote'],
    [qq(a,b\n"x"y,z\n), qr/line 2: a comma or the end/, 'text after a quote'],
    ["a,b\n1\n2\n", qr/line 2: has not as many.*line 3: has not/s, 'missing fields'],
    ["a\n\xff\n", qr/line 2: is not UTF-8/, 'bytes of another charset'],
    ['[{"credits": 1.1}]', qr/line 1: credits must be a text/, 'a float'],
    ['{"data": []}', qr/must hold an array/, 'another object'],
    ['[{"a": "1", "a": "2"}]', qr/line 1, column/, 'a member twice']);
for my $case (@broken) {
    my ($text, $why, $name) = @$case;
    $run = load('broken', $text);
    is($run->{status}, 2, "$name is refused");
    like($run->{err}, $why, 'with the reason');
}
like(load('past.csv', $head, qw(--effective 2020-01-01))->{err}, qr/history stays/,
     'the past is not changed');
is(lists(), $before, 'nothing of these is loaded');

done_testing;
