create or replace function ledger.recover_known(account text, request_id text, kind text) returns boolean
language sql stable
set search_path = public, pg_temp
as $$
    -- of a request there is one charge, by whichever way, and one refund
    select exists (select from charge h
                   where h.request_id = recover_known.request_id and h.account = recover_known.account
                     and case when recover_known.kind in ('charge', 'lease', 'commit', 'late')
                               then h.kind in ('charge', 'commit', 'late')
                              when recover_known.kind = 'refund' then h.kind in ('refund', 'void')
                              else h.kind = recover_known.kind end);
$$;
comment on function ledger.recover_known is 'Whether the ledger has an event of this kind of a request.';
