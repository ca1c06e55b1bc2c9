create or replace function ledger.statements_broken(since text default '', most bigint default null)
    returns table (statement text, reason text)
language sql stable
set search_path = public, pg_temp
as $$
    select s.id, case when l.hash <> s.hash then 'its lines are not those that were issued'
                      when s.no > 1 and not exists (select from statement b
                                                     where b.account = s.account and b.no = s.no - 1)
                           then 'the statement before it is missing'
                      else 'its balances are not those of the ledger' end
    from (select * from statement i where i.id > since order by i.id limit most) s
    cross join lateral ledger.statement_hash(s.account, s.after_txn, s.last_txn) l
    where l.hash <> s.hash or l.movements <> s.movements
       or ledger.balance_at(s.account, s.after_txn) <> s.opening or ledger.balance_at(s.account, s.last_txn) <> s.closing
       or s.no > 1 and not exists (select from statement b where b.account = s.account and b.no = s.no - 1);
$$;
comment on function ledger.statements_broken is 'Issued statements behind one by id, all or so many, that the ledger no longer fits, and why.';
