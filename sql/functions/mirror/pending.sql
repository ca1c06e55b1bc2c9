create or replace function mirror.pending(max int)
returns table (account text, shard int, no bigint, delta bigint, set jsonb, del jsonb)
language sql stable
set search_path = public, pg_temp
as $$
    select c.account, a.shard::int, c.no, c.delta, c.set_fields, c.del_fields
    from command c join account a on a.id = c.account
    where c.applied_at is null and c.refused is null
      -- what follows a refused command waits
      and not exists (select from command r
                      where r.account = c.account and r.no < c.no and r.refused is not null and r.applied_at is null)
      -- and so does all of a wallet that is made again
      and not exists (select from recovery r where r.account = c.account and r.done_at is null)
    order by c.account, c.no
    limit max;
$$;
comment on function mirror.pending is 'Commands that Redis has not, in the order in which an account has to get them.';
