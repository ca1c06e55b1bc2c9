create or replace function api.key_record(k api_key) returns jsonb
language sql stable
as $$
    select jsonb_strip_nulls(jsonb_build_object(
               'k:' || k.hash, concat_ws(' ', k.id, k.app, k.state,
                   coalesce(ceil(extract(epoch from k.expires_at) * 1000), 0)::bigint,
                   case when rules is not null then 'rules' end),
               'r:' || k.id, rules))
    from api.key_rules(k) rules;
$$;
comment on function api.key_record is 'The fields of the wallet that make a key and its rules known at the edge.';
