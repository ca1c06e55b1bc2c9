create or replace function api.key_issue(args jsonb, action text, fresh api_key) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    body text := fresh.prefix || fresh.account || lib.random_base62(32);
begin
    body := body || lib.base62(lib.crc32(convert_to(body, 'UTF8')), 6);

    fresh.id := 'key_' || lib.random_base62(10);
    fresh.hash := encode(sha256(convert_to(body, 'UTF8')), 'hex');
    fresh.prefix := left(body, 12);
    fresh.last4 := right(body, 4);
    fresh.state := 'active';
    fresh.created_at := lib.now();
    fresh.imported := false;
    insert into api_key select fresh.*;
    perform mirror.command(fresh.account, 0, api.key_record(fresh));
    perform lib.audit(args, action, fresh.id, api.key_json(fresh));

    return api.key_json(fresh) || jsonb_build_object('key', body);
end $$;
comment on function api.key_issue is 'Makes a key of what was given of it; its answer is the only place where the key is ever shown.';
