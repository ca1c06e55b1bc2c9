-- Where use that was served during an outage was booked as owed.

alter table unpaid_use add column txn bigint;

grant update (txn) on unpaid_use to tollgate_worker;
