# Windows of limits are those of Postgres: over zones, decades, changes of the
# clocks, months of every length, and anchors of every kind.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;

my $t = Tollgate->new;
$t->redis;
$t->postgres;

my @zones = qw(UTC Asia/Bangkok America/New_York Europe/London
    Australia/Lord_Howe Africa/Casablanca Asia/Kathmandu America/Havana);

# The zones as wallets have them, made of what Postgres knows.
$t->sql(<<'SQL' =~ s/ZONES/join ',', @zones/er);
create function offset_at(z text, at timestamptz) returns bigint language sql stable as
    $$ select extract(epoch from (at at time zone z) - (at at time zone 'UTC'))::bigint $$;
create table shift as
    with day as (
        select z as zone, d, offset_at(z, d) as here, lead(offset_at(z, d)) over (partition by z order by d) as next
        from unnest('{ZONES}'::text[]) z, generate_series(timestamptz '2014-12-25 00:00+00', '2045-01-10', interval '1 day') d),
    changing as materialized (select * from day where here <> next),
    moment as (
        select zone, d as at, null::bigint as before from day where d = '2014-12-25 00:00+00'
        union all
        select zone, d + n * interval '30 min', offset_at(zone, d + (n - 1) * interval '30 min')
        from changing, generate_series(1, 48) n)
    select zone, extract(epoch from at)::bigint as s, offset_at(zone, at) as offset_s, before from moment
    where before is distinct from offset_at(zone, at);
create index on shift (zone, s);

-- The first instant that shows this time, or a later one where none does: the
-- candidates are a reading by each offset there is, and the changes.
create function first_at(z text, wall timestamp) returns bigint language sql stable as $$
    select min(at) from (
        select extract(epoch from wall)::bigint - o as at from (select distinct offset_s as o from shift where zone = z) o
        union select s from shift where zone = z
            and abs(s - extract(epoch from wall)) < 86400 * 2) c
    where to_timestamp(at) at time zone z >= wall
      and not exists (select 1 from shift where zone = z and s > at - 1 and s <= at and at <> s)
      and (to_timestamp(at) at time zone z = wall
           or exists (select 1 from shift where zone = z and s = at
                      and to_timestamp(at - 1) at time zone z < wall))
$$;
SQL
my %zone = map { @$_ } $t->sql(q{
    select zone, string_agg(case when before is null then offset_s::text else s || ' ' || offset_s end, ' ' order by s)
    from shift group by zone});
is join(' ', sort keys %zone), join(' ', sort @zones), 'all zones are known';
cmp_ok scalar(split ' ', $zone{'Australia/Lord_Howe'}), '>', 100,
    'with their changes of decades';

my $seed = 20_261_121;

sub random {
    $seed = ($seed * 1_103_515_245 + 12_345) % 2_147_483_648;

    return int($seed / 65_536 * $_[0] / 32_768);
}

# Instants: any, and those around changes of the clocks.
my @changes = $t->sql('select zone, s from shift where before is not null order by 1, 2');
my ($from, $to) = (1_420_070_400, 2_360_000_000);
my @asked;
for my $kind (qw(minute hour day week month)) {
    for my $align (qw(calendar anniversary)) {
        for (1 .. 250) {
            my ($zone, $at) = ($zones[random(scalar @zones)],
                               $from + random(32_000) * 29_300 + random(29_300));
            ($zone, $at) = @{ $changes[random(scalar @changes)] } if $_ % 2;
            $at += random(4) * 1800 - random(5) * 1800 - random(3) if $_ % 2;
            next if $at < $from || $at > $to;
            my $anchor = $from - 86400 * 3 + random(32_000) * 900;
            $anchor -= $anchor % 86400 - 9000 if $_ % 5 == 0;  # a time that may not exist
            push @asked, [$kind, $align, $zone, $at, $anchor];
        }
    }
}

# The part as a script of its own.
my $script = join "\n", (map { $t->slurp("$t->{root}/redis/gate/$_.lua") }
    qw(wallet calendar)), <<'LUA';
local from, to = open_calendar(ARGV[1], ARGV[2])(ARGV[3], ARGV[4], ARGV[5] + 0)

return { from, to }
LUA
my $sha = $t->r('SCRIPT', 'LOAD', $script);
$t->sql('create table asked (n int, kind text, align text, zone text, at bigint, anchor bigint, "from" bigint, "to" bigint)');
my @rows;
for my $n (0 .. $#asked) {
    my ($kind, $align, $zone, $at, $anchor) = @{ $asked[$n] };
    my $window = $t->r('EVALSHA', $sha, 0, $zone{$zone}, $anchor, $kind, $align, $at);
    push @rows, "($n, '$kind', '$align', '$zone', $at, $anchor, @{[join ', ', @$window]})";
}
$t->sql('insert into asked values ' . join ',', @rows);
cmp_ok scalar @rows, '>', 2200, 'windows were asked for';

sub differs {
    my ($name, $query) = @_;

    my @different = $t->sql("$query limit 5");
    is join("\n", map { join ' ', map { $_ // '-' } @$_ } @different), '', $name;

    return;
}

differs('each holds its instant', 'select * from asked where not ("from" <= at and at < "to")');

# Postgres shows the second of two such midnights, of Havana.
differs('calendars are those of date_trunc', q{
    select * from (select *, date_trunc(kind, to_timestamp(at), zone) as start,
        case when kind in ('minute', 'hour') then date_trunc(kind, to_timestamp(at), zone) + ('1 ' || kind)::interval
             else ((date_trunc(kind, to_timestamp(at), zone) at time zone zone) + ('1 ' || kind)::interval) at time zone zone end as last
        from asked where align = 'calendar') c
    where not (zone = 'America/Havana' and kind in ('day', 'week', 'month'))
      and ("from", "to") <> (extract(epoch from start), extract(epoch from last))});
differs('and where midnights come twice they are the first', q{
    select * from (select *, date_trunc(kind, to_timestamp(at) at time zone zone) as start from asked
        where align = 'calendar' and zone = 'America/Havana' and kind in ('day', 'week', 'month')) c
    where ("from", "to") <> (first_at(zone, start), first_at(zone, start + ('1 ' || kind)::interval))});
differs('short anniversaries count seconds from the anchor', q{
    select * from (select *, case kind when 'hour' then 3600 else 60 end as span from asked
        where align = 'anniversary' and kind in ('minute', 'hour')) c
    where ("from" - anchor) % span <> 0 or "to" - "from" <> span});
differs('the others are the anchor plus days, weeks or months, and the next', q{
    select * from (select *, (to_timestamp(anchor) at time zone zone) as wall,
        case kind when 'month' then (extract(year from age(date_trunc('month', to_timestamp("from") at time zone zone),
                                                           date_trunc('month', to_timestamp(anchor) at time zone zone))) * 12
                + extract(month from age(date_trunc('month', to_timestamp("from") at time zone zone),
                                         date_trunc('month', to_timestamp(anchor) at time zone zone))))::int
            else ((to_timestamp("from") at time zone zone)::date - (to_timestamp(anchor) at time zone zone)::date)
                 / case kind when 'week' then 7 else 1 end end as times
        from asked where align = 'anniversary' and kind in ('day', 'week', 'month')) c
    where ("from", "to") is distinct from
        (first_at(zone, wall + times * ('1 ' || kind)::interval), first_at(zone, wall + (times + 1) * ('1 ' || kind)::interval))});

done_testing;
