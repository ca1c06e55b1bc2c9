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
    issued text := 'api:' || target.id || ':' || coalesce(idempotency_key, gen_random_uuid()::text);
    terms credit_grant;
    given credit_grant;
begin
    if coalesce(amount, 0) <= 0 then
        perform lib.invalid('credits', 'an amount of credits as "12.5", more than 0');
    end if;

    perform 1 from account_cursor c where c.account = target.id for update;
    select * into given from credit_grant g where g.issue_key = issued;
    terms := api.grant_terms(args, coalesce(given.created_at, lib.now()));

    if given.id is null then
        perform api.grant_room(target.id, amount, terms);
        perform ledger.grant_credits(target.id, amount, source, issued, note, terms);
        select * into strict given from credit_grant g where g.issue_key = issued;
        perform lib.audit(args, 'credits.grant', target.id, api.grant_json(given));
    end if;

    if row(given.amount, given.source, given.note, given.priority, given.effective_at, given.expires_at,
           given.features, given.rollover_max, given.rollover_min, given.rollover_for)
       is distinct from
       row(amount, source, note, terms.priority, terms.effective_at, terms.expires_at,
           terms.features, terms.rollover_max, terms.rollover_min, terms.rollover_for)
    then
        perform lib.refuse(422, 'idempotency_mismatch', 'this Idempotency-Key was used for another grant');
    end if;

    -- no balance of one that is to come, and nothing that changes
    return api.grant_json(given) - array['remaining', 'lapsed', 'state'] || jsonb_build_object('balance',
               case when given.effective_at <= given.created_at
                    then (select lib.credits(sum(e.amount)::bigint) from ledger_entry e
                          where e.ledger_account = ledger.wallet(target.id) and e.txn <= given.txn) end);
end $$;
comment on function api.credit_grant is 'Gives credits to an account, once for each idempotency key; the same request again gets the same answer.';
