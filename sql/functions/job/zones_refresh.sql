create or replace function job.zones_refresh(due_at timestamptz) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    stale record;
    told bigint := 0;
begin
    -- a row at a time: each account is locked before it is read again
    for stale in
        with zone as materialized (
            select time_zone, mirror.zone_offsets(time_zone) as offsets from (select distinct time_zone from account) z
        )
        select a.id, z.time_zone, z.offsets
        from account a
        join account_calendar c on c.account = a.id
        join zone z on z.time_zone = a.time_zone
        where mirror.account_fields(a, c.anchor, z.offsets) <> a.edge
        order by a.id
        limit 10000
    loop
        perform 1 from account_cursor c where c.account = stale.id for update;
        perform mirror.account_sync(stale.id, '{}', stale.time_zone, stale.offsets);
        told := told + 1;
    end loop;

    if told > 0 then
        perform lib.audit('{}', 'zones.refresh', 'accounts', jsonb_build_object('accounts', told));
    end if;

    return jsonb_build_object('accounts', told);
end $$;
comment on function job.zones_refresh is 'Tells wallets how the clocks of their time zones go in the years ahead, where that changed; at most 10000 a run.';
