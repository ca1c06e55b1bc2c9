create or replace function ledger.settle_reclaim() returns void
language sql
set search_path = public, pg_temp
as $$
    -- what was held when the edge took the rest back
    select ledger.grant_reclaim(g)
    from credit_grant g
    where g.revoked_at is not null and g.remaining > 0
      and g.account in (select c.account from settle_checked c
                        where c.fault = '' and c.kind in ('release', 'expired', 'commit', 'refund'))
      and not exists (select from command d join account_cursor c on c.account = d.account
                      where d.account = g.account and d.no > c.last_cmd
                        and split_part(d.set_fields ->> 'lapse', ' ', 1) = g.id::text);
$$;
comment on function ledger.settle_reclaim is 'Takes back what returned to revoked grants by the sound events in settle_event.';
