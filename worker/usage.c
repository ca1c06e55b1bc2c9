/* usage.c: checks records of usage streams and makes rows of them. */

#include <string.h>

#include "event.h"
#include "token.h"


#define USAGE_FIELD(name, column)  USAGE_##name,
enum usage_field {
#include "event_fields.h"
    USAGE_FIELDS
};

#define USAGE_FIELD(name, column)  ", \"" column "\""
static const char  usage_listed[] =
#include "event_fields.h"
    ;

const char *const  usage_columns = usage_listed + sizeof(", ") - 1;

/* What isn't text is a number of at least 0 and at most this. */
static const int64_t  usage_max[USAGE_FIELDS] = {
    [USAGE_AT_MS]      = TOKEN_INT_MAX,
    [USAGE_STATUS]     = 999,
    [USAGE_CREDITS]    = TOKEN_INT_MAX,
    [USAGE_UNITS]      = TOKEN_INT_MAX,
    [USAGE_REFUNDED]   = 1,
    [USAGE_LATENCY_MS] = INT32_MAX,
    [USAGE_BYTES_IN]   = TOKEN_INT_MAX,
    [USAGE_BYTES_OUT]  = TOKEN_INT_MAX,
    [USAGE_DRY_RUN]    = 1,
};

/* Without these a record says nothing. */
static const bool  usage_required[USAGE_FIELDS] = {
    [USAGE_REQUEST_ID] = true,
    [USAGE_VERDICT]    = true,
};


static bool
usage_record(struct rows *rows, struct token record)
{
    int           f;
    int64_t       number;
    struct token  part;

    for (f = 0; f < USAGE_FIELDS && token_cut(&record, '\t', &part); f++) {
        if (usage_max[f] != 0) {
            if (!token_int(part, 0, &number) || number > usage_max[f]) {
                return false;
            }
            rows_int(rows, number);

        } else if (!usage_required[f] && token_is(part, "-")) {
            rows_null(rows);

        } else {
            if (!token_is_word(part)) {
                return false;
            }
            rows_text(rows, part.text, part.len);
        }
    }

    return f == USAGE_FIELDS && record.text == NULL;
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
