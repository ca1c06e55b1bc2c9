create or replace function api.key_with(k api_key, args jsonb) returns api_key
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    code text := '^[a-z0-9][a-z0-9._:-]{0,63}\*?$';
begin
    k.name := coalesce(lib.arg_text(args, 'name'), k.name, '');
    k.ips := coalesce(lib.arg_networks(args, 'ips'), k.ips, '{}');
    k.scopes := coalesce(lib.arg_list(args, 'scopes', code, 'codes of a-z, 0-9, ".", "_", ":" and "-", or what they begin with and "*"'),
                         k.scopes, '{}');
    k.models := coalesce(lib.arg_list(args, 'models', code, 'models of the catalog, or what they begin with and "*"'),
                         k.models, '{}');
    k.methods := coalesce(lib.arg_list(args, 'methods', '^[A-Z][A-Z_-]{0,15}$', 'methods in capitals, such as GET'),
                          k.methods, '{}');
    k.paths := coalesce(lib.arg_list(args, 'paths', '^/[!"$&->@-~]{0,199}$',
                                     'paths such as /v1/images, at most 200 characters of ASCII, decoded'),
                        k.paths, '{}');

    if args ? 'expires_at' then
        k.expires_at := lib.arg_time(args, 'expires_at');
        if k.expires_at <= lib.now() then
            perform lib.invalid('expires_at', 'a time to come');
        end if;
    end if;

    return k;
end $$;
comment on function api.key_with is 'A key with its name, expiry and rules as the arguments have them; what is not given stays.';
