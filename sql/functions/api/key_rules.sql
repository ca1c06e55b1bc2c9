create or replace function api.key_rules(k api_key) returns text
language sql stable
as $$
    select string_agg(kind || ' ' || value, e'\n' order by kind, value)
    from (select 'ip' as kind, encode(substr(inet_send(net::inet), 5), 'hex') || '/' || masklen(net) as value
          from unnest(k.ips) net
          union all
          select 'method', unnest(k.methods)
          union all
          select 'model', unnest(k.models)
          union all
          select 'path', unnest(k.paths)
          union all
          select 'scope', unnest(k.scopes)) rules;
$$;
comment on function api.key_rules is 'What a key may be used for, as the gate script reads it; null where that is everything.';
