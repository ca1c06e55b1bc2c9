create or replace function ledger.bound(account text, moment timestamptz) returns bigint
language sql stable
set search_path = public, pg_temp
as $$
    -- A posting holds its account, so ids are in the order in which an account's were committed; recorded_at is
    -- too, unless the clock stepped back. The bound is where the first one of that time or later stands, and
    -- behind no end of a statement that was issued for that time or a later one.
    select least(
        coalesce((select min(s.last_txn) from statement s where s.account = bound.account and s.to_at >= bound.moment),
                 9223372036854775807),
        coalesce((select t.id - 1 from ledger_txn t
                  where t.account = bound.account and t.recorded_at >= bound.moment
                    and t.id > coalesce((select c.txn from ledger_checkpoint c
                                         where c.account = bound.account and c.latest < bound.moment
                                         order by c.latest desc, c.txn desc limit 1), 0)
                  order by t.id limit 1), 9223372036854775807));
$$;
comment on function ledger.bound is 'Up to which transaction an account has what was recorded before a moment.';
