create or replace function api.key_import_write(args jsonb, owner app, report jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    answer jsonb;
    fresh_ids text[];
begin
    select jsonb_agg(case r ->> 'status' when 'imported'
                     then r || jsonb_build_object('key', 'key_' || lib.random_base62(10)) else r end order by n)
    into answer
    from jsonb_array_elements(report) with ordinality t (r, n);

    with fresh as (
        insert into api_key
        select f.*
        from jsonb_array_elements(answer) with ordinality t (r, n)
        join jsonb_array_elements(args -> 'keys') with ordinality s (e, n) using (n),
            api.key_import_entry(owner, r ->> 'key', e) f
        where r ->> 'status' = 'imported'
        returning id, hash
    ), alias as (
        insert into key_alias (key, shard) select id, lib.shard(hash) from fresh
    )
    select array_agg(id) into fresh_ids from fresh;

    if fresh_ids is not null then
        -- a command sets the records of many keys, so that 1 000 keys are no 1 000 commands
        perform mirror.command(owner.account, 0, fields)
        from (select jsonb_object_agg(field, value) as fields
              from (select r.*, (row_number() over (order by k.id) - 1) / 200 as part
                    from api_key k, jsonb_each(api.key_record(k)) r (field, value)
                    where k.id = any (fresh_ids)) f
              group by part) parts;
        perform lib.audit(args, 'key.import', owner.id, jsonb_build_object('account', owner.account, 'keys', fresh_ids));
    end if;

    return answer;
end $$;
comment on function api.key_import_write is 'Makes the keys of a report that are to be imported; returns it with their ids.';
