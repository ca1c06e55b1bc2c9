-- not inlined, so that plans know that an item has few pockets
create or replace function ledger.pocket_shares(pockets text, credits bigint)
returns table (pocket text, credits bigint)
language sql immutable rows 2
set search_path = public, pg_temp
as $$
    select split_part(p, '=', 1), case when strpos(p, '=') > 0 then split_part(p, '=', 2)::bigint else $2 end
    from string_to_table(coalesce($1, '-'), ',') p;
$$;
comment on function ledger.pocket_shares is 'Which pockets the credits of an item are of, and how many of each.';
