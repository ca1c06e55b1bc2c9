create or replace function api.account_expiry(account text) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('next_expiry',
        (select jsonb_build_object('at', lib.time(g.expires_at), 'credits', lib.credits(sum(g.remaining)::bigint))
         from credit_grant g
         where g.account = account_expiry.account and g.pocket <> '-' and g.remaining > 0
           and g.expires_at > lib.now()
         group by g.expires_at
         order by g.expires_at
         limit 1));
$$;
comment on function api.account_expiry is 'When credits of an account end next, and how many.';
