create or replace function ledger.recover_plan()
returns table (account text, shard int, recovery text, epoch text, cmd text, avail text, found_epoch text,
               found_seq text, found_avail text, found_held text, found_cmd text, fields text, holds text, next_ms text)
language plpgsql
set search_path = public, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
begin
    -- Open recoveries are none or all there are, so no plan may count on how many they are: one is found by its id, and
    -- whether it is open is looked at behind an offset, which is where a plan ends.
    perform 1
    from recover_seen s join account_cursor c on c.account = s.account
    order by c.account
    for update of c;

    if exists (select from recover_seen s join suspense_event e on e.recovery = s.recovery) then
        perform ledger.recover_events();
    end if;

    -- as recover_command() and recover_unapplied() have it, for very many
    insert into recover_target (account, shard, recovery, epoch, old_epoch, fresh, again, cmd, avail)
    select s.account, r.shard, r.id, greatest(c.epoch, s.epoch, r.epoch) + 1, c.epoch, s.epoch is null, r.epoch is not null,
           k.no,
           coalesce(b.balance, 0)
           - case when k.no < c.command_no
                  then (select coalesce(sum(d.delta), 0)::bigint from command d where d.account = s.account and d.no > k.no)
                  else 0 end
    from recover_seen s
    cross join lateral (select r.id, r.shard, r.epoch, r.done_at from recovery r where r.id = s.recovery offset 0) r
    join account_cursor c on c.account = s.account
    cross join lateral (select case when c.command_no > c.last_cmd
                                     and (select true from command d
                                          where d.account = c.account and d.no > c.last_cmd
                                            and (d.refused is not null or d.set_fields ?| array['lapse', 'level', 'take'])
                                          limit 1)
                                    then ledger.recover_command(c.account) else c.command_no end as no
                        offset 0) k
    left join ledger_account l on l.account = s.account and l.kind = 'wallet' and l.asset = 'CREDIT'
    left join ledger_balance b on b.ledger_account = l.id
    where r.done_at is null;

    -- what the wallet has in it is applied, what it has not is to be carried
    update command d set applied_at = case when d.no <= t.cmd then (select lib.now()) end, refused = null
    from recover_target t
    where d.account = t.account
      and (d.no <= t.cmd and d.applied_at is null or d.no > t.cmd and d.applied_at is not null
           or d.refused = -1);

    -- a link that was revoked has to stay so, and one that has a maximum knows its downloads; at the first try, since
    -- these are commands
    perform mirror.command(d.account, 0, jsonb_build_object('link', concat_ws(' ', substr(d.id, 4),
                               coalesce(extract(epoch from d.expires_at)::bigint, 0),
                               case when d.revoked_at is null then d.downloads end)))
    from recover_target t
    join downloads d on d.account = t.account
                     and (d.revoked_at is not null or t.fresh and d.max_downloads is not null and d.downloads > 0)
    where not t.again and coalesce(d.expires_at > (select lib.now()) - interval '1 hour', true);

    update recovery r
    set epoch = t.epoch, old_epoch = t.old_epoch, cmd = t.cmd, avail = t.avail,
        delta = t.avail - coalesce(s.avail, 0) - coalesce(s.held, 0),
        found = case when s.epoch is not null then jsonb_build_object('epoch', s.epoch, 'seq', s.seq, 'avail', s.avail,
                                                                      'held', s.held, 'cmd', s.cmd) end,
        ledger = jsonb_build_object('epoch', c.epoch, 'seq', c.last_seq, 'avail', c.last_avail, 'held', c.last_held)
    from recover_target t join recover_seen s on s.account = t.account join account_cursor c on c.account = t.account
    where r.id = t.recovery;

    update recover_target t set holds = h.holds from ledger.recover_holds() h where h.account = t.account;

    return query
    select t.account, t.shard::int, t.recovery::text, t.epoch::text, t.cmd::text, t.avail::text,
           coalesce(s.epoch::text, '-'), coalesce(s.seq::text, '-'), coalesce(s.avail::text, '-'),
           coalesce(s.held::text, '-'), coalesce(s.cmd::text, '-'),
           f.fields::text, coalesce(t.holds, '{}')::text, coalesce(split_part(f.fields ->> 'pocket', ' ', 1), '0')
    from mirror.wallet_fields() f
    join recover_target t on t.account = f.account
    join recover_seen s on s.account = f.account;
end $$;
comment on function ledger.recover_plan is 'Decides what the wallets in recover_seen, as they were found, have to become, and keeps that in their recoveries; returns what reseat.lua needs.';
