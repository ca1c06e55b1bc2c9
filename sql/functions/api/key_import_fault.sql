create or replace function api.key_import_fault(entry jsonb) returns text
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    fault text;
begin
    if entry ? 'fault' then
        return entry ->> 'fault';
    end if;
    perform api.key_with(null, entry);

    return null;
exception when sqlstate 'PT422' then
    get stacked diagnostics fault = pg_exception_detail;

    return 'is wrong: ' || fault;
end $$;
comment on function api.key_import_fault is 'What is wrong with an entry of a list of keys by itself, null where nothing is.';
