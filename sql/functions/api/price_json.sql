create or replace function api.price_json(provider text, per bigint, credits bigint, tier smallint, cost bigint,
                                          currency text, note text) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('provider', provider, 'per', per, 'credits', lib.credits(credits),
               'tier', (select t.code from tier t where t.rank = price_json.tier),
               'cost', trim_scale(cost::numeric / 1000000000)::text, 'currency', currency, 'note', note,
               'margin', round(100 * (1 - cost * 1000000::numeric / nullif(credits * v.nano, 0)), 1)::text)
    from (select case when currency = lib.setting('credit_currency')
                      then lib.setting('credit_value')::numeric end) v (nano)
    where credits is not null;
$$;
comment on function api.price_json is 'A price as the API shows it, with its margin in percent where its cost is in the currency that credits are valued in.';
