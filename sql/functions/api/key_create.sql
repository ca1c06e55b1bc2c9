create or replace function api.key_create(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    owner app;
    wanted text := lib.arg_text(args, 'app', true);
    expires timestamptz := lib.arg_time(args, 'expires_at');
    fresh api_key;
    body text;
begin
    select * into owner from app a where a.id = wanted;
    if not found then
        perform lib.refuse(404, 'app_not_found', format('there is no app "%s"', left(wanted, 64)));
    end if;
    if expires <= lib.now() then
        perform lib.invalid('expires_at', 'a time to come');
    end if;

    body := case when lib.arg_bool(args, 'test', false) then 'tg_test_' else 'tg_live_' end
            || owner.account || lib.random_base62(32);
    body := body || lib.base62(lib.crc32(convert_to(body, 'UTF8')), 6);

    insert into api_key (id, app, account, name, hash, prefix, last4, expires_at, created_at)
    values ('key_' || lib.random_base62(10), owner.id, owner.account, coalesce(lib.arg_text(args, 'name'), ''),
            encode(sha256(convert_to(body, 'UTF8')), 'hex'), left(body, 12), right(body, 4), expires, lib.now())
    returning * into fresh;
    perform mirror.command(owner.account, 0, api.key_record(fresh));
    perform lib.audit(args, 'key.create', fresh.id, api.key_json(fresh));

    return api.key_json(fresh) || jsonb_build_object('key', body);
end $$;
comment on function api.key_create is 'Makes a key of an app; its answer is the only place where the key is ever shown.';
