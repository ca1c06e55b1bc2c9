/*
 * event.h: entries of streams as rows for Postgres.
 *
 * Shape is checked here, to the last byte, so that COPY can't fail on what a
 * stream holds; whether the numbers are true is the ledger's affair.
 */
#ifndef TOLLGATE_EVENT_H
#define TOLLGATE_EVENT_H

#include <stdbool.h>

#include "rds.h"
#include "rows.h"

/* The columns that the rows fill, as COPY wants them named. */
extern const char  event_columns[];
extern const char *const  usage_columns;

/*
 * Adds one row an item of a ledger entry.  Returns NULL, or what is wrong
 * with the entry; then nothing was added.
 */
const char *event_rows(struct rows *rows, const char *stream,
    const rds_reply_t *entry);

/*
 * Adds a row of kind "malformed" in the place of an entry, which makes the
 * ledger freeze its account.  Returns false, and adds nothing, where the
 * entry names no account: the register of the account it belonged to will
 * show the gap.
 */
bool event_malformed(struct rows *rows, const char *stream,
    const rds_reply_t *entry);

/*
 * Adds one row a record of a usage entry and counts the records that are
 * malformed.
 */
void usage_rows(struct rows *rows, const rds_reply_t *entry,
    int64_t *rejected);

#endif
