create or replace function mirror.prices_apply() returns bigint
language plpgsql
set search_path = public, pg_temp
as $$
declare
    changed bigint;
begin
    update model m
    set list_credits = p.credits, list_tier = p.tier
    from (select k.key, h.credits, h.tier
          from model k left join price_period h on h.model = k.key and h.unit = 'request'
              and h.effective_from <= lib.now() and (h.effective_to is null or h.effective_to > lib.now())) p
    where p.key = m.key and (m.list_credits, m.list_tier) is distinct from (p.credits, p.tier);
    get diagnostics changed = row_count;
    if changed > 0 then
        perform mirror.catalog_changed();
    end if;

    return changed;
end $$;
comment on function mirror.prices_apply is 'Makes the prices of requests that hold now those of the catalog; returns of how many models they changed.';
