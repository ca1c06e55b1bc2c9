/*
 * role.h: what the roles of the worker have in common.
 */
#ifndef TOLLGATE_ROLE_H
#define TOLLGATE_ROLE_H

#include <stdatomic.h>
#include <stdint.h>

#include "conf.h"

/* The role that a connection to Postgres takes on after login. */
#define ROLE_POSTGRES  "tollgate_worker"

#define ROLE_BACKOFF_MS  5000

/* What master and roles know of each other, in memory that they share. */
struct role_state {
    _Atomic int64_t  pid;       /* 0: not running */
    _Atomic int64_t  beat_ms;   /* last turn of its loop, by loop_now_ms() */
    _Atomic int64_t  restarts;
};

extern struct role_state *role_states;    /* one a role */

/* Says that the role's loop turns. */
void role_beat(enum role role);

/* Each runs until the process is asked to stop. */
void settle_run(const struct conf *conf);
void mirror_run(const struct conf *conf);
void jobs_run(const struct conf *conf);
void proof_run(const struct conf *conf);
void api_run(const struct conf *conf);

#endif
