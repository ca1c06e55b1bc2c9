create or replace function api.app_models(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    asks text := (api.account_find(args)).id;
    answer jsonb;
begin
    if not exists (select from catalog_app where code = args ->> 'appId' and active) then
        perform lib.refuse(404, 'app_not_found', format('there is no app "%s"', left(args ->> 'appId', 64)));
    end if;

    select coalesce(jsonb_agg(jsonb_build_object('modelKey', m.key, 'name', m.name, 'feature', m.feature,
               'tier', t.code, 'beta', m.beta, 'credits', lib.credits(price.credits), 'units', price.units,
               'locked', lock.reason is not null, 'lock_reason', lock.reason, 'required_plan', lock.required_plan,
               'missing', lib.credits(lock.missing), 'resets_at', lib.time(lock.resets_at))
               order by t.rank, m.key), '[]')
    into answer
    from model m join feature f on f.code = m.feature join tier t on t.rank = coalesce(m.list_tier, m.tier)
    cross join lateral (select coalesce(m.list_credits, m.credits, f.credits) as credits,
                               coalesce(m.units, f.units) as units) price
    left join lateral api.model_lock(asks, t.rank, price.credits, price.units) lock on true
    where m.app = args ->> 'appId' and m.active and f.active;

    return jsonb_build_object('data', answer);
end $$;
comment on function api.app_models is 'The models of an app, each with whether and why the customer who asks may not use it.';
