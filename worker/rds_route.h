/*
 * rds_route.h: which server has a key.
 *
 * One server, the master that sentinels name, or the masters of a cluster:
 * all are a map from slots to servers.  What is found holds until a failure
 * or an answer of Redis says otherwise.
 */
#ifndef TOLLGATE_RDS_ROUTE_H
#define TOLLGATE_RDS_ROUTE_H

#include "rds_node.h"

#define RDS_SLOTS  16384

typedef struct rds_route_s  rds_route_t;

rds_route_t *rds_route_new(const struct conf *conf);
void rds_route_free(rds_route_t *route);

/* Closes all connections, and forgets what it knew. */
void rds_route_drop(rds_route_t *route);

/*
 * Finds out who has what, if that isn't known or is doubted, and logs in at
 * one of them.  No reply may be under way.
 */
bool rds_route_ready(rds_route_t *route, int64_t end_ms)
    __attribute__((warn_unused_result));
bool rds_route_known(const rds_route_t *route);

/* What has been found is looked for again when rds_route_ready() is called. */
void rds_route_doubt(rds_route_t *route);

/* That, since a server's connection failed; the error says which, and why. */
void rds_route_failed(rds_route_t *route, const rds_node_t *node);

/* A server that is of no use now is left alone for a while. */
void rds_route_rest(rds_route_t *route, rds_node_t *node);

/*
 * The server of a slot, connected, or NULL.  One of a cluster that can't be
 * reached is left alone for a while.  rds_route_at() is the one at the
 * address that a server's redirection named: "7002 10.0.0.2:6379".
 */
rds_node_t *rds_route_find(rds_route_t *route, unsigned slot, int64_t end_ms)
    __attribute__((warn_unused_result));
rds_node_t *rds_route_at(rds_route_t *route, const rds_node_t *said,
    const char *redirection) __attribute__((warn_unused_result));

/* From now on the slot is this server's. */
void rds_route_moved(rds_route_t *route, const char *redirection,
    const rds_node_t *node);

/* The servers that have slots, one after the other; NULL after the last. */
rds_node_t *rds_route_master(rds_route_t *route, int i);
int rds_route_slots(const rds_route_t *route);

/* All servers that this has spoken to. */
rds_node_t *rds_route_node(rds_route_t *route, int i);

const char *rds_route_error(const rds_route_t *route);

#endif
