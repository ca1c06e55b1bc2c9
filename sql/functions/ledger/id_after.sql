create or replace function ledger.id_after(id text, other text) returns boolean
language sql immutable
as $$
    select (split_part(id, '-', 1)::numeric, split_part(id, '-', 2)::numeric)
           > (split_part(other, '-', 1)::numeric, split_part(other, '-', 2)::numeric);
$$;
comment on function ledger.id_after is 'Whether an id of a stream''s entry comes after another.';
