create or replace function api.entitlement_revoke(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target account := api.account_find(args);
    ended entitlement;
    before jsonb;
begin
    perform 1 from account_cursor c where c.account = target.id for update;

    select * into ended from entitlement e where e.id = args ->> 'entitlement' and e.account = target.id;
    if not found then
        perform lib.refuse(404, 'entitlement_not_found', format('the account has no entitlement "%s"',
                                                                left(args ->> 'entitlement', 64)));
    end if;
    -- a line of the wallet must not stand there before it is paid
    if exists (select from entitlement e
               where e.account = target.id and e.content = ended.content and e.state = 'pending') then
        perform lib.refuse(409, 'entitlement_pending', 'a purchase of it has not ended yet');
    end if;

    if ended.state = 'active' then
        before := api.entitlement_json(ended);
        update entitlement e set state = 'revoked', ended_at = lib.now() where e.id = ended.id returning * into ended;
        perform mirror.entitlement_ended(ended);
        perform lib.audit(args, 'entitlement.revoke', ended.id, api.entitlement_json(ended), before => before);
    end if;

    return api.entitlement_json(ended);
end $$;
comment on function api.entitlement_revoke is 'Ends an entitlement; credits are not given back by it.';
