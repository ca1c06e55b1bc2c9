create or replace function api.grant_revoke(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    g credit_grant := api.grant_find(args);
    now_revoked credit_grant;
begin
    perform 1 from account_cursor c where c.account = g.account for update;
    g := api.grant_find(args);

    if g.revoked_at is not null then
        return api.grant_json(g);
    end if;
    if ledger.grant_state(g) not in ('active', 'later') then
        perform lib.refuse(409, 'grant_ended', format('grant %s has nothing left', g.id));
    end if;

    update credit_grant c set revoked_at = lib.now() where c.id = g.id returning * into now_revoked;
    perform ledger.grant_reclaim(now_revoked);
    perform lib.audit(args, 'grant.revoke', g.id::text, api.grant_json(now_revoked), api.grant_json(g));

    return api.grant_json(now_revoked);
end $$;
comment on function api.grant_revoke is 'Takes back what is left of a grant; what is held of it, when it returns.';
