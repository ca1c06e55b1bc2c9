create or replace function api.grant_find(args jsonb) returns credit_grant
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    found_grant credit_grant;
    wanted text := coalesce(args ->> 'grant', '');
begin
    if wanted ~ '^\d{1,18}$' then
        select * into found_grant from credit_grant g
        where g.id = wanted::bigint and g.account = coalesce(args ->> '_account', g.account);
    end if;
    if found_grant.id is null then
        perform lib.refuse(404, 'grant_not_found', format('there is no grant "%s"', left(wanted, 64)));
    end if;

    return found_grant;
end $$;
comment on function api.grant_find is 'The grant that the arguments name, of the API key''s account if one asks, or a refusal.';
