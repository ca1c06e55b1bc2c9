create or replace function mirror.wallet_fields() returns table (account text, fields jsonb)
language sql stable
set search_path = public, pg_temp
set jit = off
as $$
    select t.account,
           coalesce(f.fields, '{}')
           -- of a wallet that is gone: what was used, and what a balance falls from
           || case when t.fresh then coalesce(q.fields, '{}') else '{}' end
           || case when t.fresh and f.fields ? 'low' then jsonb_build_object('full', t.avail::text, 'warned', '0') else '{}' end
           || case when t.fresh and (f.limited or f.fields ->> 'plan' in (select l.holder from usage_limit l where l.holder_kind = 'plan'))
                   then coalesce(mirror.wallet_counters(t.account), '{}') else '{}' end
           || coalesce(u.fields, '{}')
           || jsonb_strip_nulls(jsonb_build_object('pocket', p.pocket, 'pockets', p.pockets, 'later', p.later))
    from recover_target t
    cross join lateral (
        -- commands one behind the other as one text: the last of equal names stays in an object
        select jsonb_strip_nulls(('{' || string_agg(w.pairs, ',') || '}')::jsonb
                                 -- but for what a command does
                                 - '{lapse,later,level,link,owed,pockets,take,units}'::text[]) as fields,
               bool_or(w.pairs like '%"l": %' or w.pairs like '%"l:%') as limited
        from (select concat_ws(',', nullif(substr(d.set_fields::text, 2, length(d.set_fields::text) - 2), ''),
                               -- it sets before it deletes
                               case when d.del_fields <> '[]'
                                    then (select string_agg(f.field::text || ': null', ',')
                                          from jsonb_array_elements(d.del_fields) f (field)) end) as pairs
              from command d
              where d.account = t.account and d.no <= t.cmd and (d.set_fields <> '{}' or d.del_fields <> '[]')
                -- and what it would have bought
                and (not d.set_fields ? 'take'
                     or (select true from charge h
                         where h.request_id = split_part(d.set_fields ->> 'take', ' ', 1)
                           and h.account = d.account and h.kind = 'charge' and h.credits > 0
                         limit 1))
              order by d.no) w
    ) f
    left join lateral (
        select jsonb_object_agg(n.field, n.value) as fields
        from (select distinct on (q."window") q."window", q.start, q.used from quota_usage q
              where q.account = t.account and t.fresh order by q."window", q.start desc) q
        cross join lateral (values (q."window", extract(epoch from q.start)::bigint::text),
                                   (q."window" || '_used', q.used::text)) n (field, value)
    ) q on true
    left join lateral (
        select jsonb_build_object('owed', sum(u.credits)::text) as fields from unpaid_use u
        where u.account = t.account and u.state in ('open', 'charging') and u.verdict = 'pass'
        having count(*) > 0
    ) u on true
    left join mirror.wallet_pockets() p on p.account = t.account;
$$;
comment on function mirror.wallet_fields is 'What the wallets of the accounts in recover_target have beside the register: what commands up to theirs set, what is owed, pockets and, where the wallet is gone, what was used of quotas and limits.';
