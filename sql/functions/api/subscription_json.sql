create or replace function api.subscription_json(account text) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select coalesce((select jsonb_build_object('period_start', lib.time(s.period_start),
                                'period_end', lib.time(s.period_end), 'auto_renew', s.auto_renew)
                     from subscription s
                     where s.account = subscription_json.account and s.ended_at is null),
                    '{"period_start": null, "period_end": null, "auto_renew": null}');
$$;
comment on function api.subscription_json is 'The current period of an account''s subscription, nulls where there is none.';
