create or replace function job.ledger_check(due_at timestamptz) returns jsonb
language sql
set search_path = public, pg_temp
as $$
    with total as materialized (
        select ledger.verify_totals() as found
    ), summary as (
        select found || jsonb_build_object('imbalance',
                   jsonb_array_length(found -> 'wrong')
                   + (select count(*) from jsonb_array_elements(found -> 'assets') a where a ->> 'sum' <> '0')) as found
        from total
    ), raised as (
        insert into alert (at, kind, detail)
        select lib.now(), 'ledger_imbalance', found
        from summary
        where found -> 'imbalance' <> '0'
          and not exists (select from alert where kind = 'ledger_imbalance' and closed_at is null)
    )
    select found from summary;
$$;
comment on function job.ledger_check is 'Adds the whole ledger up, and raises an alert where it is out of balance.';
