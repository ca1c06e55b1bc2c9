-- Holds: credits set aside while a request runs, and what is owed where it came to more.

alter table account add column overdraft bigint not null default 0
    check (overdraft between 0 and 9007199254740991);
comment on column account.overdraft is 'Micro-credits that the account may owe for responses that came to more than was held for them.';

alter table stream_cursor add column expired bigint not null default 0;
comment on column stream_cursor.expired is 'Holds that ran out, of a ledger stream.';

comment on table charge is 'What the register tells of requests, by kind: charges, refunds with what they gave back, holds and how they ended; a row a request and kind.';
comment on table unpaid_use is 'Requests that passed without a decision, and those (of verdict pass) that came to more than could be charged. open: owed. counted: units alone, nothing is owed. unknown: nobody has that key. charging: a command takes it from the wallet, by a charge whose request is taking. charged, forgiven: by an operator, or a top-up. paid: it was charged at the edge after all.';

-- what a top-up pays first, and the few accounts that have something held
create index unpaid_use_owed on unpaid_use (account, id) where state = 'open' and verdict = 'pass';
create index account_cursor_held on account_cursor (last_held) where last_held > 0;
