create or replace function ledger.settle_downloads() returns bigint
language sql
set search_path = public, pg_temp
as $$
    with used as (
        select u.key, u.account, u.app, count(*) filter (where u.download = 1 and u.refunded = 0) as downloads,
               count(*) filter (where u.verdict like 'pass%') as requests,
               count(*) filter (where u.verdict not like 'pass%') as refused,
               coalesce(sum(u.bytes_out) filter (where u.verdict like 'pass%'), 0) as bytes_sent,
               to_timestamp(min(u.at_ms) / 1000.0) as first_at, to_timestamp(max(u.at_ms) / 1000.0) as last_at
        from settle_usage u join app a on a.id = u.app and a.account = u.account
        where u.key ~ '^dl_[0-9A-Za-z]{10,32}$' and u.dry_run = 0
        group by u.key, u.account, u.app
    ), counted as (
        -- an id is used once: what a second account or app does by it is not counted
        insert into downloads as d (id, account, app, created_at, downloads, requests, refused, bytes_sent, first_at,
                                    last_at)
        select distinct on (u.key) u.key, u.account, u.app, lib.now(), u.downloads, u.requests, u.refused,
               u.bytes_sent, u.first_at, u.last_at
        from used u left join downloads known on known.id = u.key
        order by u.key, known.account = u.account and known.app = u.app desc, u.account, u.app
        on conflict (id) do update
        set downloads = d.downloads + excluded.downloads, requests = d.requests + excluded.requests,
            refused = d.refused + excluded.refused, bytes_sent = d.bytes_sent + excluded.bytes_sent,
            first_at = least(d.first_at, excluded.first_at), last_at = greatest(d.last_at, excluded.last_at)
        where d.account = excluded.account and d.app = excluded.app
        returning 1
    )
    select count(*) from counted;
$$;
comment on function ledger.settle_downloads is 'Counts the usage records in settle_usage that came by download links; of how many links there were some.';
