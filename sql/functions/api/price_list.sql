create or replace function api.price_list(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    wanted_at timestamptz := lib.arg_time(args, 'at', lib.now());
    wanted_model text := lib.arg_text(args, 'model');
    after text := lib.arg_text(args, 'cursor', false, 128);
begin
    return lib.page((select jsonb_agg(api.price_json(p.provider, p.per, p.credits, p.tier, p.cost, p.currency, p.note)
                                      || jsonb_build_object('id', p.id, 'model', p.model, 'unit', p.unit,
                                             'effective_from', lib.time(p.effective_from),
                                             'effective_to', lib.time(p.effective_to))
                                      order by p.id)
                     from (select (k.model || '/' || k.unit) collate "C" as id, k.* from price_period k
                           where k.effective_from <= wanted_at
                             and (k.effective_to is null or k.effective_to > wanted_at)
                             and (wanted_model is null or k.model = wanted_model)
                             and (after is null or (k.model || '/' || k.unit) collate "C" > after)
                           order by 1 limit lib.page_size(args) + 1) p),
                    lib.page_size(args), 'id');
end $$;
comment on function api.price_list is 'A page of the prices that hold at a time, now if not told.';
