/* usage.c: checks records of usage streams and makes rows of them. */

#include <string.h>

#include "event.h"
#include "token.h"


#define USAGE_FIELD(name, column)  USAGE_##name,
#define USAGE_LATER(name, column)  USAGE_##name,
enum usage_field {
#include "event_fields.h"
    USAGE_FIELDS
};

/* A record of a gate that has no later fields ends here. */
#define USAGE_FIELD(name, column)  + 1
enum {
    USAGE_EARLIER = 0
#include "event_fields.h"
};

#define USAGE_FIELD(name, column)  ", \"" column "\""
#define USAGE_LATER(name, column)  ", \"" column "\""
static const char  usage_listed[] =
#include "event_fields.h"
    ;

const char *const  usage_columns = usage_listed + sizeof(", ") - 1;

/* What isn't text is a number in a range; below 0 it isn't known. */
static const struct {
    int64_t  min;
    int64_t  max;
} usage_range[USAGE_FIELDS] = {
    [USAGE_AT_MS]       = { 0, TOKEN_INT_MAX },
    [USAGE_STATUS]      = { 0, 999 },
    [USAGE_CREDITS]     = { 0, TOKEN_INT_MAX },
    [USAGE_UNITS]       = { 0, TOKEN_INT_MAX },
    [USAGE_REFUNDED]    = { 0, 1 },
    [USAGE_LATENCY_MS]  = { 0, INT32_MAX },
    [USAGE_BYTES_IN]    = { 0, TOKEN_INT_MAX },
    [USAGE_BYTES_OUT]   = { 0, TOKEN_INT_MAX },
    [USAGE_DRY_RUN]     = { 0, 1 },
    [USAGE_COST]        = { -1, TOKEN_INT_MAX },
    [USAGE_COST_UNITS]  = { 0, TOKEN_INT_MAX },
    [USAGE_AVAIL]       = { -1, TOKEN_INT_MAX },
    [USAGE_DAY_LEFT]    = { -1, TOKEN_INT_MAX },
    [USAGE_MONTH_LEFT]  = { -1, TOKEN_INT_MAX },
    [USAGE_TIER_NEEDED] = { 0, INT32_MAX },
    [USAGE_WAIT_MS]     = { 0, TOKEN_INT_MAX },
    [USAGE_STORE_US]    = { -1, TOKEN_INT_MAX },
    [USAGE_TOKENS_INPUT]  = { -1, TOKEN_INT_MAX },
    [USAGE_TOKENS_CACHED] = { -1, TOKEN_INT_MAX },
    [USAGE_TOKENS_OUTPUT] = { -1, TOKEN_INT_MAX },
    [USAGE_DOWNLOAD]    = { 0, 1 },
};

/* Without these a record says nothing. */
static const bool  usage_required[USAGE_FIELDS] = {
    [USAGE_REQUEST_ID] = true,
    [USAGE_VERDICT]    = true,
};


/* Writes one column; false where the part can't be what it should. */
static bool
usage_column(struct rows *rows, int f, struct token part)
{
    int64_t  number;

    if (usage_range[f].max != 0) {
        if (!token_int(part, usage_range[f].min, &number)
            || number > usage_range[f].max)
        {
            return false;
        }
        if (number < 0) {
            rows_null(rows);
        } else {
            rows_int(rows, number);
        }
        return true;
    }

    if (!usage_required[f] && token_is(part, "-")) {
        rows_null(rows);
        return true;
    }

    if (!token_is_word(part)) {
        return false;
    }
    rows_text(rows, part.text, part.len);

    return true;
}


static bool
usage_record(struct rows *rows, struct token record)
{
    int           f;
    struct token  part;

    for (f = 0; f < USAGE_FIELDS && token_cut(&record, '\t', &part); f++) {
        if (!usage_column(rows, f, part)) {
            return false;
        }
    }

    if (record.text != NULL || (f != USAGE_FIELDS && f != USAGE_EARLIER)) {
        return false;
    }

    for ( ; f < USAGE_FIELDS; f++) {
        rows_null(rows);
    }

    return true;
}


void
usage_rows(struct rows *rows, const rds_reply_t *entry, int64_t *rejected)
{
    size_t              mark;
    struct token        records = { 0 }, record;
    const char         *name;
    const rds_reply_t  *pairs = rds_at(entry, 1);

    for (size_t i = 0; i + 1 < rds_len(pairs); i += 2) {
        name = rds_text(rds_at(pairs, i));
        if (name != NULL && strcmp(name, "b") == 0) {
            records.text = rds_text(rds_at(pairs, i + 1));
            records.len = rds_len(rds_at(pairs, i + 1));
        }
    }

    if (records.text == NULL) {
        (*rejected)++;
    }

    while (token_cut(&records, '\n', &record)) {
        if (record.len == 0 && records.text == NULL) {
            break;    /* after the last line's end */
        }

        mark = rows->len;
        if (usage_record(rows, record)) {
            rows_end(rows);
        } else {
            rows_cut(rows, mark);
            (*rejected)++;
        }
    }
}
