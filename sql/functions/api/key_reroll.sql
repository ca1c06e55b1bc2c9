create or replace function api.key_reroll(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    before api_key := api.key_find(args);
    after api_key := before;
    fresh api_key := before;
    answer jsonb;
    ends timestamptz := lib.now() + lib.arg_duration(args, 'overlap', interval '90 days', interval '24 hours');
begin
    if before.replaced_by is not null then
        perform lib.refuse(409, 'key_replaced', format('key "%s" was rerolled to "%s" already', before.id, before.replaced_by));
    end if;
    if before.state <> 'active' or before.expires_at <= lib.now() then
        perform lib.refuse(409, 'key_not_active', format('key "%s" is %s; only one that works can be rerolled', before.id,
                           case before.state when 'active' then 'expired' else before.state end));
    end if;

    fresh := api.key_with(fresh, args - '{name,ips,scopes,models,methods,paths}'::text[]);
    fresh.prefix := case when before.imported then 'tg_live_' else left(before.prefix, 8) end;
    answer := api.key_issue(args, 'key.create', fresh);
    if exists (select from usage_limit l where l.key = before.id) then
        perform api.limits_change(args, 'key', answer ->> 'id', before.account, api.limits_json('key', before.id));
        answer := answer || jsonb_build_object('limits', api.limits_json('key', answer ->> 'id'));
    end if;

    after.expires_at := least(before.expires_at, ends);
    after.replaced_by := answer ->> 'id';
    perform api.key_change(args, 'key.reroll', before, after);

    return answer || jsonb_build_object('replaces', before.id, 'replaces_until', lib.time(after.expires_at));
end $$;
comment on function api.key_reroll is 'Makes a key that takes over from another, which works on for the overlap and expires then.';
