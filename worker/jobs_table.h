/*
 * jobs_table.h: the jobs that the worker runs, in alphabetical order.
 *
 * JOB("name", "function"): the name is that of the row in the table job,
 * which says when it is due; the function does what is due at one time.
 */
JOB("audit.root",          "job.audit_root")
JOB("content.sweep",       "job.content_sweep")
JOB("credits.daily",       "job.credits_daily")
JOB("ledger.check",        "job.ledger_check")
JOB("ledger.seal",         "job.ledger_seal")
JOB("losses.find",         "job.losses_find")
JOB("partitions.make",     "job.partitions_make")
JOB("prices.apply",        "job.prices_apply")
JOB("snapshots.daily",     "job.snapshots_daily")
JOB("snapshots.hourly",    "job.snapshots_hourly")
JOB("subscriptions.renew", "job.subscriptions_renew")
JOB("voids.resolve",       "job.voids_resolve")
JOB("zones.refresh",       "job.zones_refresh")
