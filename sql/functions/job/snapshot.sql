create or replace function job.snapshot(period text, start timestamptz) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    until timestamptz := start + ('1 ' || period)::interval;
    added bigint;
begin
    delete from analytics_snapshots s where s.period = snapshot.period and s.start = snapshot.start;

    with event as (
        select u.account, u."user", coalesce(m.app, '') as app, coalesce(u.feature, '') as feature,
               coalesce(u.model, '') as model, u.verdict in ('pass', 'pass_open', 'pass_stale') as passed,
               u.tokens_input, u.tokens_cached, u.tokens_output
        from usage_event u left join model m on m.key = u.model
        where u.at >= snapshot.start and u.at < until and not u.dry_run
    ), spent as (
        select coalesce(m.app, '') as app, coalesce(c.feature, '') as feature, coalesce(c.model, '') as model,
               case when c.kind in ('refund', 'void') then -c.credits else c.credits end as credits
        from charge c left join model m on m.key = c.model
        where c.kind in ('charge', 'commit', 'late', 'refund', 'void') and c.at >= snapshot.start and c.at < until
    ), figure (app, feature, model, metric, value) as (
        -- requests without an app are grouped with the codes of theirs; the total has none at all
        select coalesce(app, ''), coalesce(feature, ''), coalesce(model, ''), metric, value
        from (select app, feature, model, grouping(app) as whole,
                     count(distinct account) filter (where passed) as active_accounts,
                     count(distinct (account, "user")) filter (where passed and "user" is not null) as active_users,
                     count(*) as requests, count(*) filter (where not passed) as refusals, sum(tokens_input) as input,
                     sum(tokens_cached) as cached, sum(tokens_output) as output
              from event group by grouping sets ((app, feature, model), ())) counted
        cross join lateral (values ('active_accounts', active_accounts), ('active_users', active_users),
                                   ('requests', requests), ('refusals', refusals), ('tokens_input', input),
                                   ('tokens_cached', cached), ('tokens_output', output)) m (metric, value)
        where value is not null and (whole = 1 or app <> '' or feature <> '' or model <> '')
        union all
        select coalesce(app, ''), coalesce(feature, ''), coalesce(model, ''), 'credits', credits
        from (select app, feature, model, grouping(app) as whole, coalesce(sum(credits), 0) as credits
              from spent group by grouping sets ((app, feature, model), ())) counted
        where whole = 1 or app <> '' or feature <> '' or model <> ''
    )
    insert into analytics_snapshots (period, start, metric, app, feature, model, value)
    select snapshot.period, snapshot.start, metric, app, feature, model, value from figure;
    get diagnostics added = row_count;

    return jsonb_build_object('period', period, 'start', lib.time(start), 'figures', added);
end $$;
comment on function job.snapshot is 'Computes the figures of one hour or day anew: accounts, users, requests, refusals, tokens and credits, in total and by app, feature and model.';
