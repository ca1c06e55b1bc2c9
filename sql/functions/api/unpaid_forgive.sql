create or replace function api.unpaid_forgive(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target account := api.account_find(args);
    note text := coalesce(lib.arg_text(args, 'note'), '');
    last_id bigint;
    due bigint;
    owed bigint;
    requests bigint;
    lines jsonb;
begin
    perform 1 from account_cursor c where c.account = target.id for update;

    with ended as (
        update unpaid_use u set state = 'forgiven', ended_at = lib.now()
        where u.account = target.id and u.state = 'open'
        returning u.*
    )
    select count(*), coalesce(sum(credits), 0), coalesce(sum(credits) filter (where verdict = 'pass'), 0), max(id),
           jsonb_agg(jsonb_build_object('account', account, 'feature', feature, 'credits', -credits, 'at', lib.now()))
    into requests, due, owed, last_id, lines
    from ended;

    if requests > 0 then
        perform ledger.post_unpaid('unpaid-forgiven:' || last_id, lines,
                                   'forgiven' || case when note = '' then '' else ': ' || note end);
        if owed > 0 then
            perform mirror.command(target.id, 0, jsonb_build_object('owed', owed::text));
        end if;
        perform lib.audit(args, 'unpaid.forgive', target.id,
                          jsonb_build_object('credits', '0', 'requests', 0, 'note', note),
                          before => jsonb_build_object('credits', lib.credits(due), 'requests', requests));
    end if;

    return jsonb_build_object('account', target.id, 'requests', requests, 'credits', lib.credits(due),
               'state', 'done', 'charge', null);
end $$;
comment on function api.unpaid_forgive is 'Lets an account no longer owe anything.';
