create or replace function api.download_create(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    longest constant interval := '366 days';
    owner app;
    wanted text := lib.arg_text(args, 'app', true);
    life interval := lib.arg_duration(args, 'expires_in', longest, '24 hours');
    fresh downloads;
begin
    select * into owner from app a where a.id = wanted;
    if not found then
        perform lib.refuse(404, 'app_not_found', format('there is no app "%s"', left(wanted, 64)));
    end if;

    fresh.path := lib.arg_text(args, 'path', true, 1024);
    -- nginx would resolve these, and compare another path
    if fresh.path !~ '^/' or fresh.path ~ '//|/\.\.?(/|$)' then
        perform lib.invalid('path', 'a decoded path such as /files/report.pdf, without "//", "/./" and "/../"');
    end if;

    fresh.query := nullif(lib.arg_text(args, 'query', false, 512), '');
    if fresh.query !~ '^[!$-;=?-Z_a-z~]+$' or fresh.query ~* '(^|&)tg=' then
        perform lib.invalid('query', 'arguments as they stand in the URL, such as size=large, without "tg"');
    end if;

    fresh.expires_at := date_trunc('second', coalesce(lib.arg_time(args, 'expires_at'), lib.now() + life));
    if fresh.expires_at <= lib.now() or fresh.expires_at > lib.now() + longest then
        perform lib.invalid(case when args ? 'expires_at' then 'expires_at' else 'expires_in' end,
                            'in time to come, within 366 days');
    end if;

    fresh.window_s := extract(epoch from lib.arg_duration(args, 'window', '7 days', '1 hour'));
    if fresh.window_s < 1 then
        perform lib.invalid('window', 'a duration such as 90s, 30m or 24h, at least 1s');
    end if;

    fresh.feature := lib.arg_code(args, 'feature', false);
    if fresh.feature is not null and not exists (select from feature f where f.code = fresh.feature) then
        perform lib.refuse(404, 'feature_not_found', format('the catalog has no feature "%s"', fresh.feature));
    end if;

    if lib.arg_text(args, 'network') is not null then
        fresh.network := (lib.arg_networks(jsonb_build_object('network', jsonb_build_array(args -> 'network')),
                                           'network'))[1];
    end if;
    fresh.max_downloads := lib.arg_int(args, 'max_downloads', 1, 999999999);

    fresh.id := 'dl_' || lib.random_base62(16);
    fresh.account := owner.account;
    fresh.app := owner.id;
    fresh.created_at := lib.now();
    fresh.downloads := 0;
    fresh.requests := 0;
    fresh.refused := 0;
    fresh.bytes_sent := 0;
    insert into downloads select fresh.*;
    perform lib.audit(args, 'download.create', fresh.id, api.download_json(fresh));

    return api.download_json(fresh) || jsonb_build_object('claims', api.download_claims(fresh));
end $$;
comment on function api.download_create is 'Makes a download link; its claims are what the worker signs.';
