/*
 * rds_node.h: one server of Redis: commands to it, and its replies in order.
 *
 * No call lasts beyond its end, a time of loop_now_ms().  A failure of the
 * connection drops it with all that was under way.
 */
#ifndef TOLLGATE_RDS_NODE_H
#define TOLLGATE_RDS_NODE_H

#include "rds.h"
#include "rds_wire.h"

typedef struct rds_node_s  rds_node_t;

/* How to log in: as at a server with data, or as at a sentinel. */
enum rds_login { RDS_DATA, RDS_SENTINEL };

/* A server that is not connected yet; conf is kept by reference. */
rds_node_t *rds_node_new(const struct conf *conf, const char *address,
    enum rds_login login);
void rds_node_free(rds_node_t *node);
void rds_node_drop(rds_node_t *node);

/* Connects and logs in, if it isn't done. */
bool rds_node_ready(rds_node_t *node, int64_t end_ms)
    __attribute__((warn_unused_result));
bool rds_node_connected(const rds_node_t *node);

/* Which of its connections this is: no reply passes from one to the next. */
unsigned rds_node_age(const rds_node_t *node);

const char *rds_node_address(const rds_node_t *node);
const char *rds_node_error(const rds_node_t *node);

/* A command as it goes over the wire, which the caller frees. */
char *rds_node_format(int argc, const char *const argv[], size_t *len);

/* Queues bytes; they are sent by rds_node_flush(), and by reading. */
void rds_node_send(rds_node_t *node, const char *bytes, size_t len);
bool rds_node_flush(rds_node_t *node, int64_t end_ms)
    __attribute__((warn_unused_result));

/* The next reply, which may be an error; NULL if the connection failed. */
rds_reply_t *rds_node_read(rds_node_t *node, int64_t end_ms)
    __attribute__((warn_unused_result));

/*
 * Takes in some of what came, for rds_node_read() to find; false where nothing
 * had come.
 */
bool rds_node_ahead(rds_node_t *node, int64_t end_ms);

/* A reader of hiredis whose replies rds_clear() frees. */
struct redisReader *rds_reply_reader(void);

/* One command and its reply; NULL on failure and for an error reply too. */
rds_reply_t *rds_node_call(rds_node_t *node, int argc,
    const char *const argv[], int64_t end_ms)
    __attribute__((warn_unused_result));

#endif
