create or replace function api.audit_list(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    wanted_actor text := lib.arg_text(args, 'actor');
    wanted_action text := lib.arg_text(args, 'action');
    wanted_object text := lib.arg_text(args, 'object');
    from_at timestamptz := lib.arg_time(args, 'from', '-infinity');
    to_at timestamptz := lib.arg_time(args, 'to', 'infinity');
    below bigint := lib.arg_int(args, 'cursor', 0, 999999999999999999, 999999999999999999);
begin
    return lib.page((select jsonb_agg(api.audit_json(a) order by a.id desc)
                     from (select * from audit_log l
                           where l.id < below
                             and (wanted_actor is null or l.actor = wanted_actor)
                             and (wanted_action is null or l.action = wanted_action)
                             and (wanted_object is null or l.object = wanted_object)
                             and l.at >= from_at and l.at < to_at
                           order by l.id desc limit lib.page_size(args) + 1) a),
                    lib.page_size(args), 'id');
end $$;
comment on function api.audit_list is 'A page of the audit log, the newest first.';
