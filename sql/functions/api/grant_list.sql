create or replace function api.grant_list(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    target account := api.account_find(args);
    after bigint := lib.arg_int(args, 'cursor', 0, 999999999999999999, 0);
    wanted text := lib.arg_text(args, 'state');
begin
    if wanted is not null then
        perform lib.arg_one_of(args, 'state', array['later', 'active', 'used', 'expired', 'revoked']);
    end if;

    return lib.page((select jsonb_agg(api.grant_json(g) order by g.id)
                     from (select * from credit_grant c
                           where c.account = target.id and c.id > after
                             and (wanted is null or ledger.grant_state(c) = wanted)
                           order by c.id limit lib.page_size(args) + 1) g),
                    lib.page_size(args), 'id');
end $$;
comment on function api.grant_list is 'A page of the grants of an account, in the order in which they were given.';
