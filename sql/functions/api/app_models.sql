create or replace function api.app_models(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    own_tier smallint;
    answer jsonb;
begin
    if not exists (select from catalog_app where code = args ->> 'appId' and active) then
        perform lib.refuse(404, 'app_not_found', format('there is no app "%s"', left(args ->> 'appId', 64)));
    end if;

    select v.tier into own_tier
    from account a join plan p on p.code = a.plan
    join plan_version v on v.plan = p.code and v.version = p.version
    where a.id = (api.account_find(args)).id;

    select coalesce(jsonb_agg(jsonb_build_object('modelKey', m.key, 'name', m.name, 'feature', m.feature,
               'tier', t.code, 'beta', m.beta, 'credits', lib.credits(coalesce(m.credits, f.credits)),
               'units', coalesce(m.units, f.units), 'locked', m.tier > own_tier,
               'lock_reason', case when m.tier > own_tier then 'requires tier ' || t.code end,
               'required_plan', case when m.tier > own_tier then
                   (select p.code from plan p join plan_version v on v.plan = p.code and v.version = p.version
                    where p.public and v.tier >= m.tier order by v.price nulls last, v.tier, p.code limit 1) end)
               order by m.tier, m.key), '[]')
    into answer
    from model m join feature f on f.code = m.feature join tier t on t.rank = m.tier
    where m.app = args ->> 'appId' and m.active and f.active;

    return jsonb_build_object('data', answer);
end $$;
comment on function api.app_models is 'The models of an app, each with whether and why the customer who asks may not use it.';
