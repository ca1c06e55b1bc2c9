create or replace function mirror.wallet_fields() returns table (account text, fields jsonb)
language sql stable
set search_path = public, pg_temp
as $$
    with told as (
        -- but for what a command does, and what it would have bought
        select t.account, d.no, f.key as field, f.value, false as gone
        from recover_target t
        join command d on d.account = t.account and d.no <= t.cmd
        cross join lateral jsonb_each_text(d.set_fields) f
        where f.key not in ('lapse', 'later', 'level', 'link', 'owed', 'pockets', 'take', 'units')
          and (not d.set_fields ? 'take'
               or exists (select from charge h
                          where h.request_id = split_part(d.set_fields ->> 'take', ' ', 1)
                            and h.account = d.account and h.kind = 'charge' and h.credits > 0))
        union all
        select t.account, d.no, f.field, null, true
        from recover_target t
        join command d on d.account = t.account and d.no <= t.cmd and d.del_fields <> '[]'
        cross join lateral jsonb_array_elements_text(d.del_fields) f (field)
    ), field as (
        select distinct on (account, field) account, field, value from told order by account, field, no desc, gone desc
        -- of a wallet that is gone: what was used, and what a balance falls from
    ), edge as (
        select account, field, value from field where value is not null
        union all
        select t.account, n.field, n.value
        from recover_target t
        cross join lateral (select distinct on (q."window") q."window", q.start, q.used from quota_usage q
                            where q.account = t.account order by q."window", q.start desc) q
        cross join lateral (values (q."window", extract(epoch from q.start)::bigint::text),
                                   (q."window" || '_used', q.used::text)) n (field, value)
        where t.fresh
        union all
        select t.account, n.field, n.value
        from recover_target t join field f on f.account = t.account and f.field = 'low' and f.value is not null
        cross join lateral (values ('full', t.avail::text), ('warned', '0')) n (field, value)
        where t.fresh
        union all
        select u.account, 'owed', sum(u.credits)::text
        from recover_target t join unpaid_use u on u.account = t.account
        where u.state in ('open', 'charging') and u.verdict = 'pass'
        group by u.account
        union all
        select p.account, n.field, n.value
        from mirror.wallet_pockets() p
        cross join lateral (values ('pocket', p.pocket), ('pockets', p.pockets), ('later', p.later)) n (field, value)
        where n.value is not null
    )
    select account, jsonb_object_agg(field, value) from edge group by account;
$$;
comment on function mirror.wallet_fields is 'What the wallets of the accounts in recover_target have beside the register: what commands up to theirs set, what is owed, pockets and, where the wallet is gone, what was used of quotas.';
