create or replace function api.content_find(args jsonb) returns content_pricing
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    found_content content_pricing;
begin
    select * into found_content from content_pricing c where c.code = args ->> 'content' and c.active;
    if not found then
        perform lib.refuse(404, 'content_not_found', format('there is no content "%s"', left(args ->> 'content', 64)));
    end if;

    return found_content;
end $$;
comment on function api.content_find is 'The content that the arguments name, or a refusal.';
