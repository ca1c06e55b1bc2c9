-- The names under which the product's data was asked for.

create view subscription_plans as
select p.code as id, v.name, v.tier, v.mode, v.price, v.currency, v.interval, v.day_units, v.month_units,
       p.public as is_active, p.version
from plan p join plan_version v on v.plan = p.code and v.version = p.version;
comment on view subscription_plans is 'Current versions of plans; price in minor units.';

create view user_subscriptions as
select s.id, s.account as user_id, s.plan as plan_id,
       case when s.ended_at is null then 'active' else 'ended' end as status,
       s.period_start as current_period_start, s.period_end as current_period_end, s.auto_renew, s.created_at,
       s.ended_at
from subscription s;
comment on view user_subscriptions is 'What accounts subscribed to.';

create view user_credits as
select a.account as user_id, coalesce(b.balance, 0) as balance,
       coalesce((select sum(g.amount) from credit_grant g where g.account = a.account), 0) as total_granted
from ledger_account a left join ledger_balance b on b.ledger_account = a.id
where a.kind = 'wallet' and a.asset = 'CREDIT';
comment on view user_credits is 'Balances by the ledger, in micro-credits.';

create view credit_transactions as
select t.id, t.account as user_id, t.kind as type, e.amount, t.description, t.at as created_at
from ledger_txn t
join (select e.txn, sum(e.amount) as amount from ledger_entry e
      join ledger_account a on a.id = e.ledger_account and a.kind = 'wallet'
      group by e.txn) e on e.txn = t.id;
comment on view credit_transactions is 'Movements of credits, in micro-credits; usage is negative.';

create view feature_usage as
select date_trunc('day', u.at at time zone 'UTC')::date as day, u.account as user_id, u.feature, u.model,
       count(*) as uses, sum(u.credits) filter (where not u.refunded) as credits
from usage_event u
where u.verdict in ('pass', 'pass_open') and not u.dry_run
group by 1, 2, 3, 4;
comment on view feature_usage is 'Uses of features by account and day.';
