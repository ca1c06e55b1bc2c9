create or replace function api.credit_grant(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target account := api.account_find(args);
    amount bigint := lib.micro(args, 'credits');
    source text := lib.arg_one_of(args, 'source', array['purchase', 'promo', 'adjustment'], 'adjustment');
    note text := coalesce(lib.arg_text(args, 'note'), '');
    idempotency_key text := lib.arg_text(args, '_idempotency_key', false, 255);
    issued text;
    given credit_grant;
begin
    if coalesce(amount, 0) <= 0 then
        perform lib.invalid('credits', 'an amount of credits as "12.5", more than 0');
    end if;

    perform 1 from account_cursor c where c.account = target.id for update;
    issued := 'api:' || target.id || ':' || coalesce(idempotency_key, gen_random_uuid()::text);
    if ledger.balance(target.id) + amount > 9007199254740991
       and not exists (select from credit_grant g where g.issue_key = issued)
    then
        perform lib.refuse(422, 'balance_too_large', 'a balance can not be over 9007199254.740991 credits');
    end if;

    if ledger.grant_credits(target.id, amount, source, issued, note) is not null then
        perform lib.audit(args, 'credits.grant', target.id,
                          jsonb_build_object('credits', lib.credits(amount), 'source', source, 'note', note));
    end if;

    select * into strict given from credit_grant g where g.issue_key = issued;
    if (given.amount, given.source, given.note) <> (amount, source, note) then
        perform lib.refuse(422, 'idempotency_mismatch', 'this Idempotency-Key was used for another grant');
    end if;

    return jsonb_build_object('id', given.id::text, 'account', given.account, 'credits', lib.credits(given.amount),
               'source', given.source, 'note', given.note, 'balance',
               (select lib.credits(sum(e.amount)::bigint) from ledger_entry e
                where e.ledger_account = ledger.wallet(target.id) and e.txn <= given.txn),
               'created_at', lib.time(given.effective_at));
end $$;
comment on function api.credit_grant is 'Gives credits to an account, once for each idempotency key; the same request again gets the same answer.';
