create or replace function api.content_row(args jsonb) returns content_pricing
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    made content_pricing;
begin
    made.code := lib.arg_code(args, 'code');
    made.title := coalesce(lib.arg_text(args, 'title'), made.code);
    made.kind := lib.arg_one_of(args, 'kind', array['bundle', 'free', 'lifetime', 'one_time', 'pay_per_view',
                                                    'subscription'], 'pay_per_view');
    made.credits := coalesce(lib.micro(args, 'credits'), 0);
    made.view_window := lib.arg_int(args, 'view_window', 60, 31622400, 21600);
    made.views := lib.arg_int(args, 'views', 1, 1000000000,
                              case when made.kind in ('one_time', 'pay_per_view') then 1 end);
    made.span := lib.arg_one_of(args, 'span', array['life', 'month'], 'life');
    made.days := lib.arg_int(args, 'days', 1, 36600);
    made.bundles := coalesce(lib.arg_list(args, 'bundles', '^[a-z0-9][a-z0-9._:-]{0,63}$', 'codes of bundles'), '{}');
    made.active := true;

    if made.credits < 0 then
        perform lib.invalid('credits', 'an amount of credits as "12.5", not negative');
    end if;
    if lib.arg_text(args, 'tier') is not null or made.kind = 'subscription' then
        select t.rank into made.tier from tier t where t.code = args ->> 'tier';
        if made.tier is null then
            perform lib.invalid('tier', 'one of ' || (select string_agg(code, ', ' order by rank) from tier));
        end if;
    end if;
    if made.kind = 'lifetime' and (made.views is not null or made.days is not null) then
        perform lib.invalid('views', 'absent, and "days" too, of what is sold for ever');
    end if;
    if cardinality(made.bundles) > 4 then
        perform lib.invalid('bundles', 'a list of at most 4 codes of bundles');
    end if;

    return made;
end $$;
comment on function api.content_row is 'Content as the arguments describe it, or a refusal.';
