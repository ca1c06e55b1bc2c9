create or replace function api.account_find(args jsonb) returns account
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    -- of an API key, or of an operator who names one
    wanted text := coalesce(args ->> '_account', args ->> 'account', '');
    found_account account;
begin
    select * into found_account from account a where a.id = wanted;
    if not found then
        perform lib.refuse(404, 'account_not_found', format('there is no account "%s"', left(wanted, 64)));
    end if;

    return found_account;
end $$;
comment on function api.account_find is 'The account that the arguments name, or a refusal.';
