create or replace function api.rebuild_json(account text) returns jsonb
language sql stable
set search_path = public, pg_temp
set enable_bitmapscan = off
as $$
    select jsonb_build_object('account', rebuild_json.account, 'shards', s.shards, 'shards_left', s.left,
                              'wallets_left', w.left, 'done', s.left = 0 and w.left = 0)
    from (select count(*) as shards,
                 count(*) filter (where state <> 'sound' and rebuild_json.account is null) as left
          from store) s
    cross join (select count(*) as left from recovery r
                where r.done_at is null and (rebuild_json.account is null or r.account = rebuild_json.account)) w;
$$;
comment on function api.rebuild_json is 'How far the making of wallets is: of one account, or of all that there are to be made.';
