create or replace function api.key_record(k api_key) returns jsonb
language sql immutable
as $$
    select jsonb_build_object('k:' || k.hash, concat_ws(' ', k.id, k.app, k.state,
               coalesce(ceil(extract(epoch from k.expires_at) * 1000), 0)::bigint));
$$;
comment on function api.key_record is 'The field of the wallet that makes a key known at the edge.';
