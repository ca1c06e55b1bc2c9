#!/usr/bin/perl
# Usage events: kept once, in the partition of their month, and counted in
# snapshots that can be made again.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
$b->call('catalog_put', JSON::PP::decode_json(
    $b->slurp("$b->{root}/demo/catalog.json")));

my $hour = 1801396800;      # 2027-01-31 12:00 UTC

# Settles records [seconds after the hour, account, user, feature, model, verdict,
# credits, dry run].
sub usage {
    my ($from, $to, $rejected, @records) = @_;

    my $rows = join ",\n", map {
        my ($at, $account, $user, $feature, $model, $verdict, $credits, $dry) = @$_;
        my @text = map { defined $_ ? "'$_'" : 'null' }
            ($account, 'app_0000000001', 'key_0000000001', $user, $feature, $model);
        sprintf "(%d, 'r', %s, '%s', 200, %d, 1, 0, 5, 10, 20, %d)",
            ($hour + $at) * 1000, join(', ', @text), $verdict,
            ($credits // 0) * 1_000_000, $dry // 0;
    } @records;

    return join "\n", 'set role tollgate_worker;', 'begin;',
        'select ledger.settle_begin() \gset', "insert into settle_usage values $rows;",
        "select ledger.settle_usage('tg:{usage}:web1', '$from', '$to', $rejected);",
        'commit;';
}

my ($video, $image) = ('video.generate', 'image.generate');
my @records = (
    [0, 'a', 'u1', $video, 'video-generator:standard', 'pass', 50],
    [10, 'a', 'u1', $image, 'poster-editor:inpaint-pro', 'pass', 10],
    [20, 'b', 'u1', $image, 'poster-editor:inpaint-pro', 'pass', 10],
    [30, 'b', undef, $image, undef, 'pass', 0],
    [40, 'c', 'u3', $image, 'poster-editor:inpaint-pro', 'credits_exhausted'],
    [50, 'd', 'u4', $image, undef, 'pass', 10, 1],
    [3600, 'e', 'u5', $image, undef, 'pass', 10],
    [43200, 'e', 'u5', $image, undef, 'pass', 10],
);
$b->psql($b->{dsn}, usage('0-0', '5-0', 2, @records));
is $b->sql('select count(*) from usage_event'), 8, 'records are kept';
is $b->sql_error(usage('0-0', '5-0', 0, @records))->{message}, 'cursor_moved',
    'but not a second time';
is $b->sql('select count(*) from usage_event'), 8, 'so they stay what they were';
is $b->sql('select distinct host from usage_event'), 'web1', 'with their host';
is $b->sql(q{select detail ->> 'records' from alert where kind = 'usage_malformed'}),
    2, 'malformed ones raise an alert';

# --- snapshots ---------------------------------------------------------------------

$b->sql(q{insert into charge (at, account, kind, epoch, seq, request_id, feature, model,
                              credits, units)
    select to_timestamp($1::bigint + s), 'a', kind, 1, 1, 'r' || s, feature, model, c, 0
    from (values (0, 'charge', 'video.generate', 'video-generator:standard', 50000000),
                 (10, 'charge', 'image.generate', 'poster-editor:inpaint-pro', 10000000),
                 (20, 'refund', 'image.generate', 'poster-editor:inpaint-pro', 4000000))
         c (s, kind, feature, model, c)}, $hour);

sub figure {
    my ($period, $metric, $app, $feature, $model) = @_;

    return $b->sql(q{select value from analytics_snapshots where period = $1
        and start = date_trunc($1, to_timestamp($2::bigint) at time zone 'UTC')
                    at time zone 'UTC'
        and metric = $3 and app = $4 and feature = $5 and model = $6},
        $period, $hour, $metric, $app // '', $feature // '', $model // '');
}

sub snapshot {
    my ($job, $at) = @_;

    $b->sql("set role tollgate_worker; select job.$job(to_timestamp(\$1::bigint))", $at);
    return;
}

snapshot('snapshots_hourly', $hour + 3900);
is figure('hour', 'requests'), 5, 'an hour counts its requests, refused ones too';
is figure('hour', 'refusals'), 1, 'its refusals';
is figure('hour', 'active_accounts'), 2, 'accounts with a request that passed';
is figure('hour', 'active_users'), 2, 'users of accounts, each account its own';
is figure('hour', 'credits'), 56_000_000, 'and credits, without what was refunded';
my @model = ('poster-editor', $image, 'poster-editor:inpaint-pro');
is join(' ', map { scalar figure('hour', $_, @model) }
        qw(requests refusals active_accounts credits)),
    '3 1 2 6000000', 'the same by app, feature and model';
is figure('hour', 'requests', '', $image), 1, 'requests without a model count by feature';

my $before = $b->sql('select md5(string_agg(s::text, $1 order by s::text))
                      from analytics_snapshots s', "\n");
snapshot('snapshots_hourly', $hour + 3900);
is $b->sql('select md5(string_agg(s::text, $1 order by s::text))
            from analytics_snapshots s', "\n"), $before,
    'a second run comes to the same';
$b->psql($b->{dsn}, usage('5-0', '6-0', 0, [59, 'f', 'u9', $image, undef, 'pass', 1]));
snapshot('snapshots_hourly', $hour + 7500);
is figure('hour', 'requests'), 6, 'the next run counts what came late';

snapshot('snapshots_daily', $hour + 86400);
is figure('day', 'requests'), 7, 'a day ends at midnight UTC';

my $shown = $b->call('analytics_show', { period => 'day', from => '2027-01-01' });
my ($credits) = grep { $_->{metric} eq 'credits' && !defined $_->{app} }
    @{ $shown->{data} };
is "$credits->{start} $credits->{value}", '2027-01-31T00:00:00Z 56',
    'the API shows credits as such';
is $b->call_error('analytics_show', { period => 'week' }), 'PT422 invalid_argument',
    'and knows hours and days';

# --- partitions ----------------------------------------------------------------------

$b->sql(q{set role tollgate_worker; select job.partitions_make('2027-01-15Z')});
my $month = q{select count(*) from only usage_event_2027_01};
is $b->sql($month), 8, 'rows that came before their partition are moved into it';
is $b->sql('select count(*) from usage_event'), 9, 'and none is lost';
is $b->sql('select count(*) from only usage_event_default'), 0,
    'or left where any month goes';
is_deeply [map { $_->[0] } $b->sql(q{select inhrelid::regclass::text from pg_inherits
    where inhparent = 'charge'::regclass order by 1})],
    [map { "charge_$_" } qw(2027_01 2027_02 2027_03 2027_04 default)],
    'partitions are made three months ahead';
is $b->sql(q{select job.partitions_make('2027-01-20Z') ->> 'made'}), '[]',
    'a second run makes none';
$b->psql($b->{dsn}, usage('6-0', '7-0', 0, [86400 * 400, 'a', 'u', $image, undef, 'pass']));
is $b->sql('select count(*) from only usage_event_default'), 1,
    'what is of no month yet is kept all the same';

done_testing;
