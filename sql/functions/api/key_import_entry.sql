create or replace function api.key_import_entry(owner app, id text, entry jsonb) returns api_key
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    fresh api_key;
begin
    fresh := api.key_with(fresh, entry);
    fresh.id := key_import_entry.id;
    fresh.app := owner.id;
    fresh.account := owner.account;
    fresh.hash := entry ->> 'hash';
    fresh.prefix := coalesce(entry ->> 'prefix', '');
    fresh.last4 := coalesce(entry ->> 'last4', '');
    fresh.state := 'active';
    fresh.created_at := lib.now();
    fresh.imported := true;

    return fresh;
end $$;
comment on function api.key_import_entry is 'An entry of a list of keys as a key of the app.';
