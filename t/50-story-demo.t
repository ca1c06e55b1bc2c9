#!/usr/bin/perl
# The demo's routes, as each plan may use them: what it passes, what it costs.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin;
my %c = map { $_ => $t->customer(plan => $_, name => $_) }
    qw(free basic premium enterprise);
$c{payg} = $t->customer(credits => '1000', name => 'payg');

my @paths = ('/video-generator/generate?modelId=standard',
    '/video-generator/generate?modelId=veo-3', '/poster-editor/quick-edit',
    '/poster-editor/batch-inpaint', '/poster-editor/batch-inpaint?quality=pro',
    '/poster-editor/enhance', '/video-mixer/generate',
    '/carousel-mix/generate', '/looping-flow/generate');
my %credits = (payg => [50, 0, 10, 10, 0, 0, 50, 10, 50]);
my %locked = (payg => [1, 4, 5], free => [1, 4, 5], basic => [1, 4, 5],
              premium => [5], enterprise => []);

for my $plan (sort keys %c) {
    my %refused = map { $_ => 1 } @{ $locked{$plan} };
    for my $i (0 .. $#paths) {
        my $r = $t->call($c{$plan}, 'POST', $paths[$i]);
        is $r->{status}, $refused{$i} ? 403 : 200,
            "$plan: $paths[$i] " . ($refused{$i} ? 'is refused' : 'passes');
        is $r->{headers}{'tollgate-cost'}, $credits{$plan}[$i],
            "$plan: it costs $credits{$plan}[$i]"
            if $credits{$plan} && !$refused{$i};
    }
}

my $r = $t->call($c{basic}, 'POST', '/poster-editor/enhance');
is $r->{json}{required_plan}, 'enterprise',
    'a refusal names the plan that would pass';

for my $case (['GET', '/video/view/1', 5], ['GET', '/download/1', 20]) {
    my ($method, $path, $cost) = @$case;
    $r = $t->call($c{payg}, $method, $path);
    is "$r->{status} $r->{headers}{'tollgate-cost'}", "200 $cost",
        "$path costs $cost credits";
}

$t->must('PUT', '/api/content', JSON::PP::decode_json($t->slurp("$t->{root}/demo/content.json")));
$t->wait_for(sub { $t->call($c{payg}, 'GET', '/watch/course')->{status} == 402 }, 'the gate to know the content');
is join(' ', map { $t->call($c{payg}, 'GET', "/watch/$_")->{headers}{'tollgate-cost'} } qw(video-1 video-1 download-1)),
    '5 0 20', 'a view of a video costs 5 credits, once, and a download 20';
is $t->get('/video/view/1')->{status}, 401, 'without a key there is nothing';
is $t->call($c{payg}, 'POST', '/video-generator/generate?modelId=nosuch')
    ->{json}{code}, 'model_unknown', 'a model that is not sold is refused';

my $status = $t->call($c{free}, 'GET', '/api/quota/status');
is $status->{status}, 200, 'a customer asks the API through nginx';
my $models = $t->call($c{free}, 'GET', '/api/apps/video-generator/models');
is $models->{status}, 200, 'a customer sees the models of an app';
is $t->call($c{free}, 'GET', '/api/accounts')->{status}, 403,
    'but none of the operator\'s routes';
is $t->get('/api/accounts')->{status}, 401, 'a stranger sees nothing';

$t->settled;
is $t->balance($c{payg}), 1000 - 50 - 10 - 10 - 50 - 10 - 50 - 5 - 20 - 5 - 20,
    'the ledger has the sum';
ok $t->verified->{ok}, 'edge and ledger agree';

done_testing;
