create or replace function api.request_get(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    wanted text := lib.arg_text(args, 'request', true, 64);
    u usage_event;
    entries jsonb := api.request_ledger(wanted);
    verdict record;
    given_back boolean := jsonb_path_exists(entries, '$[*] ? (@.kind == "refund" || @.kind == "void" && @.txn != null)');
    charged boolean := jsonb_path_exists(entries, '$[*] ? (@.kind == "charge" || @.kind == "commit")');
    held boolean := jsonb_path_exists(entries, '$[*] ? (@.kind == "hold")');
    ended boolean := jsonb_path_exists(entries, '$[*] ? (@.kind == "release" || @.kind == "expired" || @.kind == "late")');
begin
    select * into u from usage_event e where e.request_id = wanted order by e.at desc limit 1;
    if not found then
        perform lib.refuse(404, 'request_not_found', format('no record of a request "%s"%s', left(wanted, 64),
                    case when charged then ' yet; it was charged' else '' end));
    end if;

    select * into verdict from api.verdict_table() t where t.code = u.verdict;

    return jsonb_build_object('request', wanted, 'at', lib.time(u.at), 'host', u.host, 'verdict', u.verdict,
               'rule', case when u.verdict <> 'pass' then verdict.rule
                            when u.units > 0 then 'quota' when u.credits > 0 then 'credits' else 'free' end,
               'said', concat_ws('; ', verdict.said,
                   case when u.dry_run then 'it was a dry run, so nothing was refused or charged'
                        when u.refunded and u.verdict in ('pass_open', 'pass_stale')
                             then format('its outcome (%s) is not charged, so nothing is owed', u.status)
                        when held and u.refunded
                             then format('its outcome (%s) is not charged, so what was held for it was released', u.status)
                        when held and charged then 'its price was held, and then charged as what it came to'
                        when held and ended then 'its price was held, but the hold ran out before it was settled'
                        when held then 'its price is held'
                        when u.refunded then format('its outcome (%s) is not charged, so it was given back', u.status)
                        when charged and given_back then 'its reply was lost, so it was given back'
                        when u.credits > 0 then 'it was charged credits'
                        when u.units > 0 then 'it used units of the quota' end),
               'to_pass', api.request_remedy(u, verdict.remedy), 'dry_run', u.dry_run, 'status', u.status,
               'account', u.account, 'app', u.app, 'key', u.key, 'user', u."user", 'label', u.label, 'plan', u.plan,
               'feature', u.feature, 'model', u.model,
               'tier_needed', (select t.code from tier t where t.rank = u.tier_needed and u.tier_needed > 0),
               'cost', lib.credits(u.cost), 'cost_units', u.cost_units, 'charged', lib.credits(u.credits),
               'units', u.units, 'balance_before', lib.credits(u.avail + u.credits),
               'balance_after', lib.credits(u.avail), 'limit', u."limit", 'day_left', u.day_left,
               'month_left', u.month_left, 'wait_ms', nullif(u.wait_ms, 0), 'refunded', u.refunded or given_back,
               'tokens', case when u.tokens_input is not null then jsonb_build_object('input', u.tokens_input,
                   'cached', u.tokens_cached, 'output', u.tokens_output) end,
               'latency_ms', u.latency_ms, 'store_ms', trim_scale(u.store_us / 1000.0)::text,
               'settled', charged or ended or u.dry_run or u.credits = 0 and u.units = 0, 'ledger', entries);
end $$;
comment on function api.request_get is 'Why a request was decided as it was, what it cost, and what the ledger has of it.';
