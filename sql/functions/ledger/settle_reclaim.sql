create or replace function ledger.settle_reclaim() returns void
language sql
set search_path = public, pg_temp
as $$
    -- what was held, or on lease, when the edge took the rest back
    select ledger.grant_reclaim(g)
    from credit_grant g
    where g.revoked_at is not null and g.remaining > 0
      and g.account in (select c.account from settle_checked c join settle_event e on e.id = c.id
                        where c.fault = ''
                          and (e.kind in ('release', 'expired', 'commit', 'refund')
                               or e.kind = 'lease' and (e.held = 0 or e.request_id is null)))
      and not exists (select from command d join account_cursor c on c.account = d.account
                      where d.account = g.account and d.no > c.last_cmd
                        and split_part(d.set_fields ->> 'lapse', ' ', 1) = g.id::text);
$$;
comment on function ledger.settle_reclaim is 'Takes back what returned to revoked grants by the sound events in settle_event.';
