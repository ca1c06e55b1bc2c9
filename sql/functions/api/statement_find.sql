create or replace function api.statement_find(args jsonb) returns statement
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    wanted text := coalesce(args ->> 'statement', '');
    found_statement statement;
begin
    -- an API key sees those of its own account only
    select * into found_statement from statement s
    where s.id = wanted and s.account = coalesce(args ->> '_account', s.account);
    if not found then
        perform lib.refuse(404, 'statement_not_found', format('there is no statement "%s"', left(wanted, 64)));
    end if;

    return found_statement;
end $$;
comment on function api.statement_find is 'The issued statement that the arguments name, or a refusal.';
