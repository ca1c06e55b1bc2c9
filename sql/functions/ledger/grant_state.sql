create or replace function ledger.grant_state(g credit_grant) returns text
language sql stable
set search_path = public, pg_temp
as $$
    select case when g.revoked_at is not null then 'revoked'
                when g.txn is null then 'later'
                when g.remaining + g.lapsed = 0 then 'used'
                when g.remaining = 0 or g.expires_at <= lib.now() then 'expired'
                else 'active' end;
$$;
comment on function ledger.grant_state is 'Whether a grant is yet to start, is active, used up, expired or revoked.';
