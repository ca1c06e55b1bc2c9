-- Grants that end, start later, are for some features, or roll over; what the edge knows of them are pockets.

alter table credit_grant
    drop constraint credit_grant_source_check,
    drop constraint credit_grant_check,
    alter column txn drop not null,
    add column created_at   timestamptz,
    add column expires_at   timestamptz,
    add column features     text[] collate "C" not null default '{}',
    add column pocket       text collate "C" not null default '-' check (length(pocket) between 1 and 200),
    add column rollover_max bigint check (rollover_max between 0 and 9007199254740991),
    add column rollover_min bigint check (rollover_min >= 0),
    add column rollover_for interval check (rollover_for > interval '0'),
    add column lapsed       bigint not null default 0 check (lapsed >= 0),
    add column rolled       bigint not null default 0 check (rolled >= 0),
    add column revoked_at   timestamptz,
    add constraint credit_grant_source_check check (
        source in ('purchase', 'promo', 'adjustment', 'join', 'daily', 'rollover', 'reopened')),
    add constraint credit_grant_share_check check (remaining >= 0 and remaining + lapsed <= amount),
    add constraint credit_grant_priority_check check (priority between 0 and 100),
    add constraint credit_grant_later_check check (txn is not null or remaining = 0 and lapsed = 0),
    add constraint credit_grant_end_check check (expires_at > effective_at),
    add constraint credit_grant_rollover_check check (
        rollover_min <= rollover_max
        and (rollover_max is null) = (rollover_min is null) and (rollover_max is not null or rollover_for is null)
        and (rollover_max is null or expires_at is not null));
update credit_grant set created_at = effective_at;
alter table credit_grant alter column created_at set not null;

comment on table credit_grant is 'A lot of credits, usable from effective_at until expires_at for its features (none: all); txn is null until it starts. pocket: what the edge calls its credits, and those of other grants that burn alike: within a pocket those revoked burn last, promotional before paid, then by effective_at, then id. What was used of it is amount - remaining - lapsed; lapsed: expired, revoked or taken back; rolled: what rolled over of that.';
create index credit_grant_pocket on credit_grant (account, pocket) where pocket <> '-';
create index credit_grant_later on credit_grant (account) where txn is null;
create index credit_grant_revoked on credit_grant (account) where revoked_at is not null and remaining > 0;

grant update (txn, lapsed, rolled, revoked_at) on credit_grant to tollgate_worker;

alter table charge add column pockets text collate "C";
comment on column charge.pockets is 'Which pockets its credits are of: null for those of no terms, a key of one pocket, or key=micro-credits joined by a comma.';

alter table ledger_account
    drop constraint ledger_account_kind_check,
    add constraint ledger_account_kind_check check (
        kind in ('wallet', 'issued', 'usage_revenue', 'unpaid', 'breakage', 'writeoff', 'recovery'));
insert into ledger_account (kind, asset)
values ('breakage', 'CREDIT'), ('writeoff', 'CREDIT'), ('recovery', 'CREDIT');
comment on table ledger_account is 'wallet: what an account holds (positive). unpaid: what it owes (negative). issued: credits given out (negative). usage_revenue: credits used (positive). breakage: credits that lapsed and did not roll over (positive). writeoff: what was used and is known of no more. recovery: what was posted without its details.';

alter table ledger_txn
    drop constraint ledger_txn_kind_check,
    add constraint ledger_txn_kind_check check (
        kind in ('grant', 'usage', 'void', 'unpaid', 'lapse', 'adjustment', 'rollover', 'writeoff', 'recovery'));

alter table account_event
    drop constraint account_event_type_check,
    add constraint account_event_type_check check (
        type in ('balance.exhausted', 'balance.low', 'credits.expired', 'limit.threshold', 'quota.exceeded'));

create or replace view user_credits as
select a.account as user_id, coalesce(b.balance, 0) as balance,
       coalesce((select sum(g.amount) from credit_grant g where g.account = a.account and g.txn is not null), 0)
           as total_granted
from ledger_account a left join ledger_balance b on b.ledger_account = a.id
where a.kind = 'wallet' and a.asset = 'CREDIT';

drop function if exists ledger.grant_credits;
