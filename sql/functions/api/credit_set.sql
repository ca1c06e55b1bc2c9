create or replace function api.credit_set(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target account := api.account_find(args);
    level bigint := lib.micro(args, 'credits');
    note text := coalesce(lib.arg_text(args, 'note'), '');
    command bigint;
begin
    if coalesce(level, -1) < 0 then
        perform lib.invalid('credits', 'an amount of credits as "12.5", at least 0');
    end if;

    -- what the edge has by then is known there alone; the difference is what the ledger hears of
    perform 1 from account_cursor c where c.account = target.id for update;
    command := mirror.command(target.id, 0, jsonb_build_object('level', level::text));
    perform lib.audit(args, 'credits.set', target.id,
                      jsonb_build_object('credits', lib.credits(level), 'note', note, 'command', command),
                      jsonb_build_object('balance', lib.credits(ledger.balance(target.id))));

    return jsonb_build_object('account', target.id, 'credits', lib.credits(level), 'command', command::text);
end $$;
comment on function api.credit_set is 'Has the edge bring the balance of an account to a level, by what it lacks or has too much of at that moment.';
