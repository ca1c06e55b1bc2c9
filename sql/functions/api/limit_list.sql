create or replace function api.limit_list(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target record := api.limit_holder(args);
begin
    return lib.page((select jsonb_agg(api.limit_json(p.l) || jsonb_build_object('id', (p.l).id::text,
                                'holder', (p.l).holder_kind, 'of', (p.l).holder) order by (p.l).id)
                     from (select l from usage_limit l
                           where (l.holder_kind = target.kind and l.holder = target.holder
                                  -- all that an account's requests can meet
                                  or target.kind = 'account'
                                     and (l.plan = (select a.plan from account a where a.id = target.holder)
                                          or l.app in (select a.id from app a where a.account = target.holder)
                                          or l.key in (select k.id from api_key k where k.account = target.holder)))
                             and l.id > lib.arg_int(args, 'cursor', 0, 999999999999999999, 0)
                           order by l.id limit lib.page_size(args) + 1) p),
                    lib.page_size(args), 'id');
end $$;
comment on function api.limit_list is 'A page of limits, by id: those of a plan, app or key, or all that an account''s requests can meet.';
