/*
 * rds_wire.h: bytes to and from a server of Redis, plain or in TLS.
 *
 * The only user of libssl.  No call lasts beyond its end, a time of
 * loop_now_ms(); one that fails leaves why in the text given at the opening.
 */
#ifndef TOLLGATE_RDS_WIRE_H
#define TOLLGATE_RDS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf.h"

#define RDS_ERROR_MAX  512

typedef struct rds_wire_s  rds_wire_t;

/*
 * Connects to "unix:/path" or "host:port"; the error's text, of RDS_ERROR_MAX
 * bytes, is kept by reference.  NULL on failure; rds_wire_close() frees it.
 */
rds_wire_t *rds_wire_open(const struct conf *conf, const char *address,
    int64_t end_ms, char *error) __attribute__((warn_unused_result));
void rds_wire_close(rds_wire_t *wire);

/* All of the bytes, or failure. */
bool rds_wire_write(rds_wire_t *wire, const char *data, size_t len,
    int64_t end_ms) __attribute__((warn_unused_result));

/* Whether something came that can be read. */
bool rds_wire_ready(const rds_wire_t *wire);

/* What came, at least one byte; 0 on failure. */
size_t rds_wire_read(rds_wire_t *wire, char *data, size_t size, int64_t end_ms)
    __attribute__((warn_unused_result));

#endif
