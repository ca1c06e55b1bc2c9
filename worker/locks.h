/*
 * locks.h: who owns what, as advisory locks of Postgres.
 *
 * A lock is two integers, the class and a number within it.  A session
 * holds what it works on and loses it with its connection.
 */
#ifndef TOLLGATE_LOCKS_H
#define TOLLGATE_LOCKS_H

#define LOCK_CLASS_MIGRATE  "7461001"    /* 0: the schema */
#define LOCK_CLASS_SHARD    "7461002"    /* a shard: its ledger stream */
#define LOCK_CLASS_USAGE    "7461003"    /* 0: all usage streams */
#define LOCK_CLASS_MIRROR   "7461004"    /* 0: the carrying of commands */
#define LOCK_CLASS_PROOF    "7461005"    /* 0: the proof without end */

#endif
