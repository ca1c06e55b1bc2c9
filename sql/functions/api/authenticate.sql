create or replace function api.authenticate(token text) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('account', k.account, 'key', k.id)
    from api_key k
    join app p on p.id = k.app and p.state = 'active'
    join account a on a.id = k.account and a.state = 'active'
    where k.hash = encode(sha256(convert_to(token, 'UTF8')), 'hex')
      and k.state = 'active' and (k.expires_at is null or k.expires_at > lib.now());
$$;
comment on function api.authenticate is 'The account and key id of an API key that is good, else null.';
