create or replace function api.download_find(args jsonb) returns downloads
language plpgsql
set search_path = public, pg_temp
as $$
declare
    found_link downloads;
begin
    select * into found_link from downloads d where d.id = args ->> 'download';
    if not found then
        perform lib.refuse(404, 'download_not_found', format('there is no download link "%s"',
                                                             left(args ->> 'download', 64)));
    end if;

    return found_link;
end $$;
comment on function api.download_find is 'The download link that the arguments name, or a refusal.';
