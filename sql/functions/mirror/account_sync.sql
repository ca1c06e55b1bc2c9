create or replace function mirror.account_sync(account text, also jsonb default '{}', known_zone text default 'UTC',
                                               known_offsets text default null) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target account;
    fields jsonb;
    fresh jsonb;
begin
    select * into target from account a where a.id = account_sync.account;
    fields := mirror.account_fields(target, (select c.anchor from account_calendar c where c.account = target.id),
                                    case target.time_zone when known_zone then known_offsets
                                                          else mirror.zone_offsets(target.time_zone) end);
    fresh := also || coalesce((select jsonb_object_agg(key, value) from jsonb_each(fields)
                               where value is distinct from target.edge -> key), '{}');

    if fields <> target.edge then
        update account a set edge = fields where a.id = target.id;
    end if;
    if fields <> target.edge or also <> '{}' then
        perform mirror.command(target.id, 0, fresh,
            coalesce((select jsonb_agg(key) from jsonb_object_keys(target.edge) key where not fields ? key), '[]'));
    end if;
end $$;
comment on function mirror.account_sync is 'Tells the wallet of an account what it does not know of anchor, time zone and low balance, beside other fields, by one command.';
