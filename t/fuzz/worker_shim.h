/*
 * worker_shim.h: what readers of the worker call, without servers behind it.
 */
#ifndef TOLLGATE_WORKER_SHIM_H
#define TOLLGATE_WORKER_SHIM_H

#include "fuzz.h"
#include "../../worker/rds.h"
#include "../../worker/rows.h"

/* A reply: a text, or one that is none where it begins with "#". */
rds_reply_t *shim_text(struct input piece);
/* An array, which owns what is put into it. */
rds_reply_t *shim_array(void);
void shim_push(rds_reply_t *array, rds_reply_t *element);
void shim_free(rds_reply_t *reply);

/* Ends the run where rows are no lines that COPY takes. */
void shim_check_rows(const struct rows *rows, int columns);

/* A path of the bytes as a file; shim_close() takes it back. */
const char *shim_file(const void *data, size_t size);
void shim_close(void);

/* The last message that was logged. */
extern char  shim_logged[2048];

#endif
