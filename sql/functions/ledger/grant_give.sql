create or replace function ledger.grant_give(given bigint, kind text, from_breakage bigint default 0) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    g credit_grant;
begin
    perform ledger.grant_post(given, kind, lib.now(), from_breakage);

    select * into strict g from credit_grant c where c.id = given;
    perform mirror.command(g.account, g.amount,
                           case when g.pocket = '-' then '{}' else jsonb_build_object('pockets', g.pocket) end);
    perform ledger.owed_charge(g.account);
end $$;
comment on function ledger.grant_give is 'Issues a grant in the books, and by a command at the edge.';
