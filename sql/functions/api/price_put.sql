create or replace function api.price_put(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    effective timestamptz := lib.arg_time(args, 'effective', lib.now());
    source text := lib.arg_text(args, 'source');
    preview jsonb;
    faults jsonb;
begin
    perform pg_advisory_xact_lock(hashtext('tollgate.catalog'));
    preview := api.price_preview(args);
    faults := preview -> 'errors';
    if faults <> '[]' then
        perform lib.refuse(422, 'invalid_argument', (
            select string_agg(format('line %s, %s %s', f ->> 'line', f ->> 'member', f ->> 'detail'), '; ' order by n)
            from jsonb_array_elements(faults) with ordinality e (f, n) where n <= 20)
            || case when jsonb_array_length(faults) > 20 then '; and more' else '' end);
    end if;
    if lib.arg_int(args, 'version', 0, 999999999999999999) is null then
        perform lib.invalid('version', 'that of the preview');
    end if;
    if preview -> 'version' <> to_jsonb(lib.arg_int(args, 'version', 0, 999999999999999999)) then
        perform lib.refuse(409, 'prices_changed', 'another list of prices was loaded since the preview');
    end if;
    if preview -> 'changes' = '[]' then
        return preview;
    end if;

    insert into price_list (id, effective_at, loaded_at, source)
    values ((preview ->> 'version')::bigint + 1, effective, lib.now(), source);
    insert into model_price (list, model, unit, effective_from, effective_to, provider, per, credits, tier, cost, currency, note)
    select (preview ->> 'version')::bigint + 1, r.* from api.price_rows(args -> 'prices', effective) r;
    perform mirror.prices_apply();
    preview := preview || jsonb_build_object('version', (preview ->> 'version')::bigint + 1, 'applied', true);
    perform lib.audit(args, 'prices.load', 'prices', preview || jsonb_build_object('source', source),
                      before => jsonb_build_object('version', (preview ->> 'version')::bigint - 1));

    return preview;
end $$;
comment on function api.price_put is 'Loads a list of prices, whole, if no other was since its preview; the same prices again change nothing.';
