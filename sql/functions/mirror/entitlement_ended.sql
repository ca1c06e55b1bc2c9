create or replace function mirror.entitlement_ended(ended entitlement) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    lines text := mirror.entitlement_lines(ended.account, ended.content);
begin
    perform mirror.command(ended.account, 0,
        case when lines is null then '{}' else jsonb_build_object('e:' || ended.content, lines) end,
        to_jsonb(array['n:' || ended.id] || case when lines is null then array['e:' || ended.content] end));
end $$;
comment on function mirror.entitlement_ended is 'Takes an entitlement that is over out of the wallet, with what was used of it.';
