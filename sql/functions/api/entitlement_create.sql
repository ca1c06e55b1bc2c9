create or replace function api.entitlement_create(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target account := api.account_find(args);
    item content_pricing := api.content_find(args);
    bought boolean := lib.arg_bool(args, 'charge', false);
    made entitlement;
begin
    perform 1 from account_cursor c where c.account = target.id for update;

    if exists (select from entitlement e
               where e.account = target.id and e.content = item.code and e.state = 'pending') then
        perform lib.refuse(409, 'entitlement_pending', 'another purchase of it has not ended yet');
    end if;

    made.id := 'ent' || lib.random_base62(10);
    made.account := target.id;
    made.content := item.code;
    made.note := coalesce(lib.arg_text(args, 'note'), '');
    made.state := 'active';
    made.created_at := lib.now();
    made.credits := case when bought then item.credits else 0 end;

    if bought then
        if item.kind in ('free', 'subscription') then
            perform lib.refuse(409, 'content_not_sold', format('"%s" is %s content and not for sale', item.code, item.kind));
        end if;
        if args ?| array['views', 'span', 'until'] then
            perform lib.invalid('charge', 'false where views, span or until are given: what is bought is as the content says');
        end if;
        if item.credits > ledger.balance(target.id) - ledger.scoped(target.id) then
            perform lib.refuse(402, 'credits_exhausted', format('it costs %s credits, and the account has %s',
                        lib.credits(item.credits), lib.credits(ledger.balance(target.id) - ledger.scoped(target.id))));
        end if;
        made.views := item.views;
        made.span := item.span;
        made.until := lib.now() + make_interval(days => item.days);
    else
        made.views := lib.arg_int(args, 'views', 1, 1000000000);
        made.span := lib.arg_one_of(args, 'span', array['life', 'month'], 'life');
        made.until := lib.arg_time(args, 'until');
        if made.until <= lib.now() then
            perform lib.invalid('until', 'a time to come');
        end if;
    end if;
    if made.credits > 0 then
        made.state := 'pending';
        made.taking := replace(gen_random_uuid()::text, '-', '');
    end if;

    insert into entitlement select made.*;
    -- the wallet itself decides whether it has so much, and has what it bought by the same command or not at all
    perform mirror.command(target.id, 0,
        jsonb_build_object('e:' || item.code, mirror.entitlement_lines(target.id, item.code))
        || case when made.taking is not null
                then jsonb_build_object('take', made.taking || ' ' || made.credits) else '{}' end);
    perform lib.audit(args, case when bought then 'entitlement.buy' else 'entitlement.grant' end, made.id,
                      api.entitlement_json(made));

    return api.entitlement_json(made);
end $$;
comment on function api.entitlement_create is 'Entitles an account to content or a bundle: granted, or bought with credits of its wallet.';
