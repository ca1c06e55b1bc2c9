-- Use that was served while nothing could be charged: what it cost is owed, until it is charged or forgiven.

alter table ledger_account
    drop constraint ledger_account_kind_check,
    drop constraint ledger_account_check,
    add constraint ledger_account_kind_check check (kind in ('wallet', 'issued', 'usage_revenue', 'unpaid')),
    add constraint ledger_account_check check ((kind in ('wallet', 'unpaid')) = (account is not null));
comment on table ledger_account is 'wallet: what an account holds (positive). unpaid: what it owes (negative). issued: credits given out (negative). usage_revenue: credits used (positive).';

alter table ledger_txn
    drop constraint ledger_txn_kind_check,
    add constraint ledger_txn_kind_check check (kind in ('grant', 'usage', 'void', 'unpaid'));

create table unpaid_use (
    id         bigint generated always as identity primary key,
    request_id text collate "C" not null unique,
    at         timestamptz not null,
    account    text collate "C" references account,
    app        text collate "C",
    key        text collate "C",
    feature    text collate "C",
    model      text collate "C",
    verdict    text collate "C" not null,
    credits    bigint not null check (credits between 0 and 9007199254740991),
    units      bigint not null check (units >= 0),
    state      text not null
               check (state in ('open', 'counted', 'unknown', 'charging', 'charged', 'forgiven', 'paid')),
    taking     text collate "C",
    ended_at   timestamptz,
    check ((state = 'unknown') = (account is null)),
    check ((state in ('charging', 'charged')) = (taking is not null))
);
comment on table unpaid_use is 'Requests that passed without a decision. open: owed. counted: units alone, nothing is owed. unknown: nobody has that key. charging: a command takes it from the wallet, by a charge whose request is taking. charged, forgiven: by an operator. paid: it was charged at the edge after all.';
create index unpaid_use_account on unpaid_use (account, id);
create index unpaid_use_taking on unpaid_use (taking) where taking is not null;

grant insert on unpaid_use to tollgate_worker;
grant update (state, taking, ended_at) on unpaid_use to tollgate_worker;
