/*
 * lag.h: what waits in the streams of Redis to be settled.
 */
#ifndef TOLLGATE_LAG_H
#define TOLLGATE_LAG_H

#include "rds.h"

struct lag {
    int64_t  entries;       /* that are not settled */
    int64_t  most;          /* of one stream */
    int64_t  kept;          /* that are, and wait for settle.keep to be over */
    int64_t  oldest_ms;     /* age of the oldest that is not; 0: there is none */
};

/* Of all shards, or of all hosts; false where not all could be asked. */
bool lag_ledger(rds_t *rds, long shards, struct lag *lag);
bool lag_usage(rds_t *rds, struct lag *lag);

#endif
