-- What the worker's roles may do: the ledger grows and never changes.

grant usage on schema public, lib, ledger, mirror, job, api to tollgate_worker;
grant select on all tables in schema public to tollgate_worker;
alter default privileges in schema public grant select on tables to tollgate_worker;

grant insert on command, ledger_account, ledger_txn, ledger_entry, credit_grant, plan_version, charge, usage_event,
    suspense_event, job_run, audit_log to tollgate_worker;
grant insert, update on account, account_cursor, alert, api_key, app, catalog_app, catalog_version, feature, model, plan, quota_usage, stream_cursor, subscription, tier, void_request
    to tollgate_worker;
revoke insert on catalog_version from tollgate_worker;
grant update (remaining) on credit_grant to tollgate_worker;
grant update (applied_at, refused) on command to tollgate_worker;
grant update on job to tollgate_worker;
grant insert, delete on analytics_snapshots to tollgate_worker;
