create or replace function api.key_import(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    owner app;
    wanted text := lib.arg_text(args, 'app', true);
    report jsonb;
    counts jsonb;
begin
    select * into owner from app a where a.id = wanted;
    if not found then
        perform lib.refuse(404, 'app_not_found', format('there is no app "%s"', left(wanted, 64)));
    end if;
    if jsonb_typeof(args -> 'keys') is distinct from 'array' or args -> 'keys' = '[]' then
        perform lib.invalid('keys', 'a list of objects, at least one');
    end if;

    report := api.key_import_report(owner, args -> 'keys');
    select jsonb_object_agg(s.status, (select count(*) from jsonb_array_elements(report) r where r ->> 'status' = s.status))
    into counts
    from unnest(array['imported', 'present', 'refused']) s (status);

    if not lib.arg_bool(args, 'dry_run', false) then
        if counts -> 'refused' <> '0' then
            perform lib.refuse(422, 'invalid_argument', (
                select string_agg(format('line %s %s', r ->> 'line', r ->> 'detail'), '; ' order by n)
                from (select r, row_number() over (order by n) as n
                      from jsonb_array_elements(report) with ordinality e (r, n) where r ->> 'status' = 'refused') f
                where n <= 20) || case when (counts ->> 'refused')::int > 20 then '; and more' else '' end);
        end if;
        report := api.key_import_write(args, owner, report);
    end if;

    return jsonb_build_object('app', owner.id, 'account', owner.account,
                              'dry_run', lib.arg_bool(args, 'dry_run', false), 'data', report) || counts;
end $$;
comment on function api.key_import is 'Takes over keys that customers hold, all of a list or none; of a dry run the answer alone.';
