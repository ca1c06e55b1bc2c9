/*
 * key_names.h: the format of every key in Redis.
 *
 * TG_KEY_..._FMT are printf formats: %u is the shard, %s the rest.  All keys
 * of a shard carry its number as the hash tag, so that one script touches
 * one slot of a Redis Cluster.  docs/design.md says what each key holds.
 */
#ifndef TOLLGATE_KEY_NAMES_H
#define TOLLGATE_KEY_NAMES_H

#define TG_KEY_WALLET_FMT   "tg:{%u}:w:%s"
#define TG_KEY_LEDGER_FMT   "tg:{%u}:ledger"
#define TG_KEY_PLAN_FMT     "tg:{%u}:plan:%s"
#define TG_KEY_ALIAS_FMT    "tg:{%u}:x:%s"
#define TG_KEY_ALIASES_FMT  "tg:{%u}:x"
#define TG_KEY_REFUND_FMT   "tg:{%u}:r:%s"
#define TG_KEY_IDEM_FMT     "tg:{%u}:i:%s:%s"
#define TG_KEY_RUNNING_FMT  "tg:{%u}:c:%s:%s"
#define TG_KEY_VIEW_FMT     "tg:{%u}:v:%s"
#define TG_KEY_HOLDS_FMT    "tg:{%u}:h"
#define TG_KEY_LAPSES_FMT   "tg:{%u}:g"
#define TG_KEY_LEASES_FMT   "tg:{%u}:o"
#define TG_KEY_RING_FMT     "tg:{%u}:q:%s"
#define TG_KEY_DOWNLOAD_FMT "tg:{%u}:d:%s"
#define TG_KEY_STORE_FMT    "tg:{%u}:s"
#define TG_KEY_UNKNOWN_FMT  "tg:{%u}:m"
#define TG_KEY_USAGE_FMT    "tg:{usage}:%s"
#define TG_KEY_USAGE_STORE_FMT "tg:{usage}.s:%s"
#define TG_KEY_USAGE_HOSTS  "tg:{usage}"
#define TG_KEY_CATALOG      "tg:catalog"

#endif
