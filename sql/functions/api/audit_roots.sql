create or replace function api.audit_roots(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    below date := (lib.arg_time(args, 'cursor', '2999-01-01Z') at time zone 'UTC')::date;
begin
    return lib.page((select jsonb_agg(api.audit_root_json(r) order by r.day desc)
                     from (select * from audit_root a where a.day < below
                           order by a.day desc limit lib.page_size(args) + 1) r),
                    lib.page_size(args), 'day');
end $$;
comment on function api.audit_roots is 'A page of the daily roots of the audit log, the newest first.';
