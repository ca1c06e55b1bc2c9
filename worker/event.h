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
#include "token.h"

#define EVENT_ACCOUNT_LEN  10

#define EVENT_FIELD(name, field)  EVENT_##name,
enum event_field {
#include "event_fields.h"
    EVENT_FIELDS
};

#define ITEM_FIELD(name, column)  ITEM_##name,
#define ITEM_LATER(name, column)  ITEM_##name,
enum item_field {
#include "event_fields.h"
    ITEM_FIELDS
};

/* The numbers of an event, in the order of their columns around the kind. */
enum event_number {
    EVENT_N_EPOCH,
    EVENT_N_SEQ,
    EVENT_N_TIME,
    EVENT_N_DELTA,
    EVENT_N_AVAIL,
    EVENT_N_HELD,
    EVENT_N_COMMAND,
    EVENT_NUMBERS
};

struct event {
    struct token   fields[EVENT_FIELDS];
    int64_t        numbers[EVENT_NUMBERS];
    const char    *kind;
};

/* Words that are "-" are empty. */
struct event_item {
    struct token   words[ITEM_CREDITS];
    int64_t        credits;
    int64_t        units;
};

/* The columns that the rows fill, as COPY wants them named. */
extern const char  event_columns[];
extern const char *const  usage_columns;
extern const char  usage_event_columns[];

/*
 * Reads a ledger entry, but for its items, whose memory it is; returns NULL,
 * or what is wrong with it.  An item of the shape that most have.
 */
const char *event_read(struct event *event, const rds_reply_t *entry);
bool event_item_read(struct event_item *item, struct token text);

/*
 * Adds one row an item of a ledger entry.  Returns NULL, or what is wrong
 * with the entry; then nothing was added.
 */
const char *event_rows(struct rows *rows, const char *stream,
    const rds_reply_t *entry);

/* Whether a ledger entry is one that begins an epoch, by its kind. */
bool event_is_epoch(const rds_reply_t *entry);

/*
 * Adds a row of kind "malformed" in the place of an entry, which makes the
 * ledger freeze its account.  Returns false, and adds nothing, where the
 * entry names no account: the register of the account it belonged to will
 * show the gap.
 */
bool event_malformed(struct rows *rows, const char *stream,
    const rds_reply_t *entry);

/* Records of usage: those that are only kept, and those with more to them. */
struct usage_batch {
    struct rows  plain;       /* rows of usage_event */
    struct rows  special;     /* rows for ledger.settle_usage */
    int64_t      count;       /* of the plain ones */
    int64_t      rejected;    /* records that are malformed */
};

/* Adds one row a record of a usage entry. */
void usage_rows(struct usage_batch *batch, const char *host,
    const rds_reply_t *entry);
void usage_cut(struct usage_batch *batch);
void usage_free(struct usage_batch *batch);

#endif
