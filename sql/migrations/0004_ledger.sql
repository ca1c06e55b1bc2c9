-- The double-entry ledger: insert only, every transaction sums to zero per asset.

create table asset (
    code  text primary key,
    scale smallint not null check (scale between 0 and 9)
);
insert into asset (code, scale) values ('CREDIT', 6);

create table ledger_account (
    id      bigint generated always as identity primary key,
    account text collate "C" references account,
    kind    text not null check (kind in ('wallet', 'issued', 'usage_revenue')),
    asset   text not null references asset,
    unique nulls not distinct (account, kind, asset),
    check ((kind = 'wallet') = (account is not null))
);
comment on table ledger_account is 'wallet: what an account holds (positive). issued: credits given out (negative). usage_revenue: credits used (positive).';
insert into ledger_account (kind, asset) values ('issued', 'CREDIT'), ('usage_revenue', 'CREDIT');

create table ledger_txn (
    id          bigint generated always as identity primary key,
    key         text collate "C" not null unique,
    kind        text not null check (kind in ('grant', 'usage', 'void')),
    account     text collate "C" not null references account,
    description text not null default '',
    at          timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp()
);
comment on table ledger_txn is 'A posting; at is when it happened at the edge, key makes it happen once.';
create index ledger_txn_account on ledger_txn (account, id);

create table credit_grant (
    id           bigint generated always as identity primary key,
    account      text collate "C" not null references account,
    source       text not null check (source in ('purchase', 'promo', 'adjustment', 'join', 'daily')),
    priority     smallint not null default 50,
    amount       bigint not null check (amount > 0 and amount <= 9007199254740991),
    remaining    bigint not null,
    note         text not null default '',
    effective_at timestamptz not null,
    issue_key    text collate "C" not null unique,
    txn          bigint not null references ledger_txn,
    check (remaining between 0 and amount)
);
comment on table credit_grant is 'A lot of credits; burnt by priority, then promotional before paid, then effective_at, then id.';
create index credit_grant_burn on credit_grant (account, priority, effective_at, id) where remaining > 0;
create index credit_grant_account on credit_grant (account, id);

create table ledger_entry (
    txn            bigint not null references ledger_txn,
    n              int not null,
    ledger_account bigint not null references ledger_account,
    amount         bigint not null check (amount <> 0),
    feature        text collate "C",
    credit_grant   bigint references credit_grant,
    primary key (txn, n)
);
create index ledger_entry_account on ledger_entry (ledger_account, txn);

create table ledger_balance (
    ledger_account bigint primary key references ledger_account,
    balance        bigint not null default 0 check (balance between 0 and 9007199254740991)
);
comment on table ledger_balance is 'What the entries of a wallet sum to, kept by the trigger of ledger_entry.';

-- Runs as the owner: nobody else may write a balance.
create function ledger_entry_post() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    bad bigint;
begin
    select e.txn into bad
    from ledger_entry e join ledger_account a on a.id = e.ledger_account
    where e.txn in (select txn from new_entries)
    group by e.txn, a.asset
    having sum(e.amount) <> 0
    limit 1;

    if found then
        raise exception 'ledger transaction % does not sum to zero', bad
            using errcode = 'check_violation';
    end if;

    insert into ledger_balance as b (ledger_account, balance)
    select e.ledger_account, 0
    from new_entries e join ledger_account a on a.id = e.ledger_account
    where a.kind = 'wallet'
    group by e.ledger_account
    on conflict do nothing;

    update ledger_balance b
    set balance = b.balance + s.amount
    from (select e.ledger_account, sum(e.amount) as amount
          from new_entries e join ledger_account a on a.id = e.ledger_account
          where a.kind = 'wallet'
          group by e.ledger_account) s
    where b.ledger_account = s.ledger_account;

    return null;
end $$;
-- on a table of one's own its trigger would write any balance
revoke execute on function ledger_entry_post() from public;
comment on function ledger_entry_post is 'Refuses entries that do not sum to zero, and keeps the balances of wallets.';

create trigger ledger_entry_post after insert on ledger_entry
    referencing new table as new_entries
    for each statement execute function ledger_entry_post();

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is insert only', tg_table_name
        using errcode = 'insufficient_privilege';
end $$;

create trigger ledger_txn_insert_only before update or delete or truncate on ledger_txn
    for each statement execute function refuse_change();
create trigger ledger_entry_insert_only before update or delete or truncate on ledger_entry
    for each statement execute function refuse_change();
create trigger plan_version_insert_only before update or delete or truncate on plan_version
    for each statement execute function refuse_change();
