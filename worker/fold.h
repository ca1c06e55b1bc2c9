/*
 * fold.h: the accounts of a batch whose events are all plain, in sums.
 *
 * Most events say nothing but that credits were used: charges, refunds, holds
 * and their ends, each of which goes on from the one before.  Of an account
 * that has only such in a batch the ledger need not see each; it judges by the
 * two ends of the chain (ledger.settle_plain), and what the single requests
 * were goes straight to its table.  Whatever is not plain makes its account go
 * the long way with all its events of the batch, where SQL judges each
 * (ledger.settle_check): nothing is refused here.
 */
#ifndef TOLLGATE_FOLD_H
#define TOLLGATE_FOLD_H

#include <stdbool.h>

#include "event.h"
#include "rows.h"

struct fold_account {
    char      account[EVENT_ACCOUNT_LEN + 1];
    bool      long_way;
    int64_t   events;
    int64_t   expired;
    int64_t   epoch;
    int64_t   first_seq;
    int64_t   last_seq;
    int64_t   opening;        /* avail + held before the first event */
    int64_t   held_from;      /* what may have been held before it */
    int64_t   held_to;
    int64_t   avail;
    int64_t   held;
    int64_t   spent;          /* so far, and the least and the most of it */
    int64_t   spent_low;
    int64_t   spent_high;
    int64_t   first_us;
    int64_t   last_us;
    int64_t   units;
    int64_t   txn;            /* 0: none */
    int       spends;         /* the first of its sums, or -1 */
};

/* What an account used of a feature; without text: of none. */
struct fold_spent {
    int           account;
    int           next;
    struct token  feature;
    int64_t       credits;
    int64_t       at_us;
};

struct fold_hole;

struct fold {
    struct fold_account  *accounts;
    int                   count;
    int                   size;
    int                  *slots;
    int                   slots_size;
    struct fold_spent    *spent;
    int                   spent_count;
    int                   spent_size;
    struct fold_hole     *holes;
    size_t                holes_count;
    size_t                holes_size;
    struct rows           details;
    struct rows           out;
    bool                  spoilt;
};

/* Columns of the rows that fold_details() makes. */
extern const char  fold_detail_columns[];

/* A batch begins; or the same once more, since accounts went the long way. */
void fold_begin(struct fold *fold);
void fold_again(struct fold *fold);

/* Takes an event in; false: its account goes the long way. */
bool fold_event(struct fold *fold, const struct event *event);

/* An account of the batch goes the long way, with what it had before. */
void fold_long_way(struct fold *fold, const char *account, size_t len);

/* Whether the events of its account were taken. */
bool fold_has(struct fold *fold, const struct event *event);

/* Whether events were taken of an account that goes the long way after all. */
bool fold_spoilt(const struct fold *fold);

/* How many accounts were folded, of how many events; a transaction of one. */
int fold_count(const struct fold *fold);
size_t fold_events(const struct fold *fold);
void fold_set_txn(struct fold *fold, const char *account, int64_t txn);

/* The accounts as ledger.settle_plain wants them, which the caller frees. */
char *fold_text(const struct fold *fold);

/* Rows of the single requests. */
const struct rows *fold_details(struct fold *fold);

void fold_free(struct fold *fold);

#endif
