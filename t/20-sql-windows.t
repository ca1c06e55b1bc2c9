#!/usr/bin/perl
# Windows of quotas: by calendar and anniversary in time zones with changes of
# clocks, against what Postgres says, and at the edges that it decides otherwise.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my @zones = qw(UTC Asia/Bangkok America/New_York Europe/London Australia/Lord_Howe Africa/Casablanca Asia/Kathmandu);
my $values = join ', ', map { "('$_')" } @zones;

# Random times of decades: a window is that of date_trunc in the zone, but for
# midnights that exist twice, of which these zones have none.
is $b->sql(qq{select string_agg(concat_ws(' ', zone, unit, at, w.starts, w.ends), E'\\n') from (
        select zone, unit, to_timestamp(floor(random() * 2e9)) as at
        from (values $values) z (zone), (values ('day'), ('week'), ('month')) u (unit), generate_series(1, 100)) t
    cross join lateral lib.window_bounds(unit, 'calendar', zone, at, at) w
    where (w.starts, w.ends) is distinct from (date_trunc(unit, at, zone),
          (date_trunc(unit, at at time zone zone) + ('1 ' || unit)::interval) at time zone zone)}), undef,
    'a calendar window is what Postgres makes of it';

# An anniversary window begins n periods after the anchor, ends with the next and
# holds the time; Postgres decides otherwise only within an hour of a change.
is $b->sql(qq{select string_agg(concat_ws(' ', zone, unit, anchor, at, w.starts, w.ends), E'\\n') from (
        select zone, unit, to_timestamp(floor(random() * 1e9)) as anchor, to_timestamp(floor(1e9 + random() * 1e9)) as at
        from (values $values) z (zone), (values ('day'), ('week'), ('month')) u (unit), generate_series(1, 100)) t
    cross join lateral lib.window_bounds(unit, 'anniversary', zone, anchor, at) w
    where not (w.starts <= at and at < w.ends)
       or not exists (select from generate_series(0, case unit when 'month' then 800 else 0 end) n
                      where abs(extract(epoch from w.starts
                                - ((anchor at time zone zone) + n * interval '1 month') at time zone zone)) <= 3600)
          and unit = 'month'
       or unit <> 'month' and abs(extract(epoch from (w.starts at time zone zone) - (anchor at time zone zone))::bigint
                                  % case unit when 'day' then 86400 else 604800 end) > 3600
       or w.ends <> (lib.window_bounds(unit, 'anniversary', zone, anchor, w.ends)).starts}), undef,
    'an anniversary window holds its time, begins with a period of the anchor, and the next begins as it ends';

sub window {
    my ($unit, $align, $zone, $anchor, $at) = @_;
    return join ' - ', map { $_ // 'never' } @{ ($b->sql(q{select lib.time(w.starts), lib.time(w.ends)
        from lib.window_bounds($1, $2, $3, $4::timestamptz, $5::timestamptz) w}, $unit, $align, $zone, $anchor, $at))[0] };
}

my @cases = (
    ['month', 'anniversary', 'UTC', '2027-01-31T10:00:00Z', '2027-03-01T00:00:00Z',
     '2027-02-28T10:00:00Z - 2027-03-31T10:00:00Z', 'the 31st is the last of February, and the 31st again'],
    ['month', 'anniversary', 'UTC', '2028-02-29T00:00:00Z', '2029-03-10T00:00:00Z',
     '2029-02-28T00:00:00Z - 2029-03-29T00:00:00Z', 'a leap day too'],
    ['month', 'anniversary', 'Asia/Bangkok', '2027-01-30T18:00:00Z', '2027-02-27T19:00:00Z',
     '2027-02-27T18:00:00Z - 2027-03-30T18:00:00Z', 'the day of the anchor is that of the zone'],
    ['day', 'anniversary', 'America/New_York', '2027-03-01T07:30:00Z', '2027-03-14T08:00:00Z',
     '2027-03-14T07:00:00Z - 2027-03-15T06:30:00Z', 'a time that does not exist is the first after the gap'],
    ['day', 'anniversary', 'America/New_York', '2027-11-01T05:30:00Z', '2027-11-07T06:00:00Z',
     '2027-11-07T05:30:00Z - 2027-11-08T06:30:00Z', 'one that exists twice is the first'],
    ['day', 'calendar', 'America/Havana', '2027-01-01T00:00:00Z', '2027-11-07T05:30:00Z',
     '2027-11-07T04:00:00Z - 2027-11-08T05:00:00Z', 'a midnight too: that day has 25 hours'],
    ['day', 'calendar', 'Africa/Cairo', '2027-01-01T00:00:00Z', '2027-04-29T22:00:00Z',
     '2027-04-29T22:00:00Z - 2027-04-30T21:00:00Z', 'a day without a midnight begins at one'],
    ['month', 'anniversary', 'Australia/Lord_Howe', '2027-09-02T15:45:00Z', '2027-10-02T16:00:00Z',
     '2027-10-02T15:30:00Z - 2027-11-02T15:15:00Z', 'a gap of half an hour'],
    ['week', 'calendar', 'Asia/Kathmandu', '2027-01-01T00:00:00Z', '2027-01-03T18:15:00Z',
     '2027-01-03T18:15:00Z - 2027-01-10T18:15:00Z', 'a week begins on Monday'],
    ['hour', 'calendar', 'Asia/Kathmandu', '2027-01-01T00:00:00Z', '2027-01-01T00:20:00Z',
     '2027-01-01T00:15:00Z - 2027-01-01T01:15:00Z', 'an hour is that of the zone'],
    ['minute', 'anniversary', 'UTC', '2027-01-01T00:00:17Z', '2027-01-01T05:00:16Z',
     '2027-01-01T04:59:17Z - 2027-01-01T05:00:17Z', 'or counts from the anchor'],
    ['life', undef, 'UTC', '2027-01-01T00:00:00Z', '2027-01-01T00:00:00Z', '1970-01-01T00:00:00Z - never', 'a life has no end'],
);
for my $case (@cases) {
    my ($unit, $align, $zone, $anchor, $at, $expected, $what) = @$case;
    is window($unit, $align, $zone, $anchor, $at), $expected, $what;
}

# What the edge is told: offsets that give the time of each zone's clocks.
for my $zone (@zones, 'Asia/Gaza') {
    my $line = $b->sql(q{select lib.zone_offsets($1, '2026-01-01Z', '2033-01-01Z')}, $zone);
    my ($offset, @changes) = split / /, $line;
    my @told = map { +{ at => $changes[2 * $_], to => $changes[2 * $_ + 1] } } 0 .. @changes / 2 - 1;
    my @wrong = grep {
        my ($at, $true) = @$_;
        my ($last) = grep { $_->{at} <= $at } reverse @told;
        ($last ? $last->{to} : $offset) != $true
    } $b->sql(q{select extract(epoch from at)::bigint, lib.zone_offset($1, at)
        from generate_series('2026-01-01Z'::timestamptz, '2032-12-31Z', interval '6 hours 7 minutes') at}, $zone),
      @told ? $b->sql(join(' union all ', map { "select $_->{at} + s, lib.zone_offset('$zone', to_timestamp($_->{at} + s))
        from (values (-1), (0)) s (s)" } @told)) : ();
    is_deeply \@wrong, [], "$zone has the right offset at every time, to the second: $line";
}

# The wallet learns of it, once a year at most.
sub freeze { $b->sql('select lib.clock_freeze($1)', $_[0]); return }
sub told { return join '|', map { $_->[0] } $b->sql('select set_fields - \'{plan,state}\'::text[] || case del_fields when \'[]\' then \'{}\'
    else jsonb_build_object(\'del\', del_fields) end from command where account = $1 and no > $2 order by no', @_) }

freeze('2027-05-05 12:00:00.7Z');
my $account = $b->account;
is told($account, 0), '{"anchor": "1809518400"}', 'a wallet knows its anchor, and no zone in UTC';
$b->call('account_update', { account => $account, time_zone => 'Asia/Bangkok', low_balance => [80] });
is told($account, 1), '{"low": "80", "zone": "25200"}', 'a zone whose clocks stay is one offset';
$b->call('account_update', { account => $account, time_zone => 'Europe/London', low_balance => [] });
my $zone = decode_json(told($account, 2));
like $zone->{zone}, qr/^0 1774746000 3600 1792890000 0 1806195600 3600 /, 'else when each change comes';
is "@{ $zone->{del} }", 'low', 'what is no longer so is deleted';
$b->call('plan_put', { plan => 'pro', name => 'Pro' });
freeze('2027-05-31 08:00Z');
$b->call('account_set_plan', { account => $account, plan => 'pro' });
is told($account, 3), '{"anchor": "1811750400"}', 'a subscription is the anchor';
is $b->call('account_get', { account => $account })->{time_zone}, 'Europe/London', 'an account shows its zone';
my $refresh = sub { freeze($_[0]); decode_json(scalar $b->sql('select job.zones_refresh(lib.now())'))->{accounts} };
is $refresh->('2027-12-31 23:00Z'), 0, 'the job tells nobody what they know';
is $refresh->('2028-01-01 00:00Z'), 1, 'in a new year it tells of one more';
is $refresh->('2028-01-01 00:00Z'), 0, 'once';
my $last = $b->sql('select max(no) from command where account = $1', $account);
$b->call('account_set_plan', { account => $account, plan => 'payg' });
is told($account, $last), '{"anchor": "1809518400"}', 'without a subscription it is the account itself again';
freeze('2035-02-02 00:00Z');
$refresh->('2035-02-02 00:00Z');
like told($account, $last + 1), qr/"zone": "3600 2019686400 0 2026947600 3600 /, 'long after, the first offset is still that at the anchor';

done_testing;
