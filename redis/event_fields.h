/*
 * event_fields.h: the fields of ledger and usage events.
 *
 * EVENT_FIELD(NAME, "field") rows are the fields of a ledger stream entry,
 * ITEM_FIELD rows the parts of one item of it in their order, ITEM_LATER rows
 * those that follow where there is something to say, USAGE_FIELD rows the
 * columns of a usage record in theirs, and USAGE_LATER rows those that follow
 * and that a record of an older gate lacks.  Include this file with the macros
 * defined that you need; the others expand to nothing.
 */
#ifndef EVENT_FIELD
#define EVENT_FIELD(name, field)
#endif
#ifndef ITEM_FIELD
#define ITEM_FIELD(name, column)
#endif
#ifndef ITEM_LATER
#define ITEM_LATER(name, column)
#endif
#ifndef USAGE_FIELD
#define USAGE_FIELD(name, column)
#endif
#ifndef USAGE_LATER
#define USAGE_LATER(name, column)
#endif

EVENT_FIELD(ACCOUNT, "a")
EVENT_FIELD(EPOCH,   "e")
EVENT_FIELD(SEQ,     "s")
EVENT_FIELD(TIME,    "t")
EVENT_FIELD(KIND,    "k")
EVENT_FIELD(DELTA,   "d")
EVENT_FIELD(AVAIL,   "v")
EVENT_FIELD(HELD,    "h")
EVENT_FIELD(COMMAND, "n")
EVENT_FIELD(ITEMS,   "i")

ITEM_FIELD(REQUEST_ID, "request_id")
ITEM_FIELD(KEY_ID,     "key_id")
ITEM_FIELD(APP_ID,     "app_id")
ITEM_FIELD(FEATURE,    "feature")
ITEM_FIELD(MODEL,      "model")
ITEM_FIELD(CREDITS,    "credits")
ITEM_FIELD(UNITS,      "units")

ITEM_LATER(POCKETS,    "pockets")

USAGE_FIELD(AT_MS,      "at_ms")
USAGE_FIELD(REQUEST_ID, "request_id")
USAGE_FIELD(ACCOUNT,    "account")
USAGE_FIELD(APP,        "app")
USAGE_FIELD(KEY,        "key")
USAGE_FIELD(USER,       "user")
USAGE_FIELD(FEATURE,    "feature")
USAGE_FIELD(MODEL,      "model")
USAGE_FIELD(VERDICT,    "verdict")
USAGE_FIELD(STATUS,     "status")
USAGE_FIELD(CREDITS,    "credits")
USAGE_FIELD(UNITS,      "units")
USAGE_FIELD(REFUNDED,   "refunded")
USAGE_FIELD(LATENCY_MS, "latency_ms")
USAGE_FIELD(BYTES_IN,   "bytes_in")
USAGE_FIELD(BYTES_OUT,  "bytes_out")
USAGE_FIELD(DRY_RUN,    "dry_run")

USAGE_LATER(COST,        "cost")
USAGE_LATER(COST_UNITS,  "cost_units")
USAGE_LATER(AVAIL,       "avail")
USAGE_LATER(LIMIT,       "limit")
USAGE_LATER(DAY_LEFT,    "day_left")
USAGE_LATER(MONTH_LEFT,  "month_left")
USAGE_LATER(TIER_NEEDED, "tier_needed")
USAGE_LATER(PLAN,        "plan")
USAGE_LATER(WAIT_MS,     "wait_ms")
USAGE_LATER(STORE_US,    "store_us")
USAGE_LATER(LABEL,       "label")
USAGE_LATER(TOKENS_INPUT,  "tokens_input")
USAGE_LATER(TOKENS_CACHED, "tokens_cached")
USAGE_LATER(TOKENS_OUTPUT, "tokens_output")
USAGE_LATER(DOWNLOAD,    "download")

#undef EVENT_FIELD
#undef ITEM_FIELD
#undef ITEM_LATER
#undef USAGE_FIELD
#undef USAGE_LATER
