/*
 * rds_script.h: the product's scripts, which a server has to be taught.
 */
#ifndef TOLLGATE_RDS_SCRIPT_H
#define TOLLGATE_RDS_SCRIPT_H

#include "rds_node.h"

/* Teaches the server all of them. */
bool rds_script_load(rds_node_t *node, int64_t end_ms)
    __attribute__((warn_unused_result));

#endif
