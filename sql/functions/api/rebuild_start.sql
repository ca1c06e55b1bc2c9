create or replace function api.rebuild_start(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    everything boolean := lib.arg_bool(args, 'all', false);
    target text;
begin
    if everything = (args ? 'account') then
        perform lib.invalid('account', 'an account, or all of them by "all"');
    end if;

    if everything then
        update store s set state = 'rebuild', reason = 'rebuild', at = lib.now() where s.state = 'sound';
    else
        target := (api.account_find(args)).id;
        perform ledger.recover(target, 'rebuild');
    end if;
    perform lib.audit(args, 'rebuild.start', coalesce(target, 'all'), api.rebuild_json(target));

    return api.rebuild_json(target);
end $$;
comment on function api.rebuild_start is 'Has the wallet of an account, or those of all, made again from the ledger.';
