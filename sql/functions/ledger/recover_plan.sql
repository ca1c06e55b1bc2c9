create or replace function ledger.recover_plan()
returns table (account text, shard int, recovery text, epoch text, cmd text, avail text, found_epoch text,
               found_seq text, found_avail text, found_held text, found_cmd text, fields text, holds text, next_ms text)
language plpgsql
set search_path = public, pg_temp
as $$
#variable_conflict use_column
begin
    perform 1 from account_cursor c where c.account in (select s.account from recover_seen s)
    order by c.account
    for update;

    insert into recover_target (account, recovery, epoch, fresh)
    select s.account, r.id, greatest(c.epoch, s.epoch, r.epoch) + 1, s.epoch is null
    from recover_seen s
    join recovery r on r.account = s.account and r.done_at is null
    join account_cursor c on c.account = s.account;
    analyze recover_target;

    perform ledger.recover_events();

    -- as recover_command() and recover_unapplied() have it, for very many
    update recover_target t
    set cmd = n.no, avail = n.balance - n.unapplied
    from (select k.account, k.no, coalesce(b.balance, 0) as balance,
                 case when k.no < k.command_no
                      then (select coalesce(sum(d.delta), 0)::bigint from command d
                            where d.account = k.account and d.no > k.no)
                      else 0 end as unapplied
          from (select c.account, c.command_no,
                       case when exists (select from command d
                                         where d.account = c.account and d.no > c.last_cmd
                                           and (d.refused is not null or d.set_fields ?| array['lapse', 'level', 'take']))
                            then ledger.recover_command(c.account) else c.command_no end as no
                from recover_target x join account_cursor c on c.account = x.account) k
          left join ledger_account l on l.account = k.account and l.kind = 'wallet' and l.asset = 'CREDIT'
          left join ledger_balance b on b.ledger_account = l.id) n
    where n.account = t.account;

    -- what the wallet has in it is applied, what it has not is to be carried
    update command d set applied_at = case when d.no <= t.cmd then lib.now() end, refused = null
    from recover_target t
    where d.account = t.account
      and (d.no <= t.cmd and d.applied_at is null or d.no > t.cmd and d.applied_at is not null
           or d.refused = -1);

    -- a link that was revoked has to stay so; at the first try, since these are commands
    perform mirror.command(d.account, 0, jsonb_build_object('link', format('%s %s', substr(d.id, 4),
                               coalesce(extract(epoch from d.expires_at)::bigint, 0))))
    from recover_target t
    join recovery r on r.id = t.recovery and r.epoch is null
    join downloads d on d.account = t.account and d.revoked_at is not null
    where coalesce(d.expires_at > lib.now() - interval '1 hour', true);

    update recovery r
    set epoch = t.epoch, old_epoch = c.epoch, cmd = t.cmd, avail = t.avail,
        delta = t.avail - coalesce(s.avail, 0) - coalesce(s.held, 0),
        found = case when s.epoch is not null then jsonb_build_object('epoch', s.epoch, 'seq', s.seq, 'avail', s.avail,
                                                                      'held', s.held, 'cmd', s.cmd) end,
        ledger = jsonb_build_object('epoch', c.epoch, 'seq', c.last_seq, 'avail', c.last_avail, 'held', c.last_held)
    from recover_target t join recover_seen s on s.account = t.account join account_cursor c on c.account = t.account
    where r.id = t.recovery;

    return query
    select t.account, a.shard::int, t.recovery::text, t.epoch::text, t.cmd::text, t.avail::text,
           coalesce(s.epoch::text, '-'), coalesce(s.seq::text, '-'), coalesce(s.avail::text, '-'),
           coalesce(s.held::text, '-'), coalesce(s.cmd::text, '-'),
           coalesce(f.fields, '{}')::text, coalesce(h.holds, '{}')::text,
           coalesce(split_part(f.fields ->> 'pocket', ' ', 1), '0')
    from recover_target t
    join recover_seen s on s.account = t.account
    join account a on a.id = t.account
    left join mirror.wallet_fields() f on f.account = t.account
    left join ledger.recover_holds() h on h.account = t.account;
end $$;
comment on function ledger.recover_plan is 'Decides what the wallets in recover_seen, as they were found, have to become, and keeps that in their recoveries; returns what reseat.lua needs.';
