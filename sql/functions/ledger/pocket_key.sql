create or replace function ledger.pocket_key(priority int, expires_at timestamptz, features text[]) returns text
language sql immutable
as $$
    select coalesce(nullif(format('%s/%s/%s', priority,
                                  coalesce(floor(extract(epoch from expires_at) * 1000)::bigint, 0),
                                  coalesce((select string_agg(f, '+' order by f collate "C")
                                            from unnest(features) f), '*')), '50/0/*'), '-');
$$;
comment on function ledger.pocket_key is 'The pocket of credits with these terms, which burn alike; - is that of credits without.';
