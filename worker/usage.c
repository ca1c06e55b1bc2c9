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

#define USAGE_FIELD(name, column)  "\"" column "\", "
#define USAGE_LATER(name, column)  "\"" column "\", "
const char  usage_event_columns[] =
#include "event_fields.h"
    "at, host";

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

#define USAGE_AT_MAX  INT64_C(253402300799999)    /* the end of the year 9999 */

/* Without these a record says nothing. */
static const bool  usage_required[USAGE_FIELDS] = {
    [USAGE_REQUEST_ID] = true,
    [USAGE_VERDICT]    = true,
};


/*
 * Records by which more is done than to keep them: their key or their verdict
 * begins so.
 */
static const struct {
    enum usage_field   field;
    const char        *prefix;
} usage_special[] = {
    { USAGE_KEY,     "sha256:" },           /* whose key it is */
    { USAGE_KEY,     "dl_" },               /* downloads count */
    { USAGE_VERDICT, "pass_" },             /* may be owed */
    { USAGE_VERDICT, "quota_exceeded" },    /* is told of */
};

/* What a record turned out to be. */
struct usage_seen {
    int64_t  at_ms;
    bool     special;
};


static bool
usage_is_special(int f, struct token part)
{
    for (size_t i = 0; i < sizeof(usage_special) / sizeof(usage_special[0]);
         i++)
    {
        size_t  len = strlen(usage_special[i].prefix);

        if (usage_special[i].field == (enum usage_field) f && part.len >= len
            && memcmp(part.text, usage_special[i].prefix, len) == 0)
        {
            return true;
        }
    }

    return false;
}


/* Writes one column; false where the part can't be what it should. */
static bool
usage_column(struct rows *rows, int f, struct token part,
    struct usage_seen *seen)
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
        if (f == USAGE_AT_MS) {
            seen->at_ms = number;
            seen->special = number > USAGE_AT_MAX;
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
    seen->special = seen->special || usage_is_special(f, part);

    return true;
}


static bool
usage_record(struct rows *rows, struct token record, struct usage_seen *seen)
{
    int           f;
    struct token  part;

    for (f = 0; f < USAGE_FIELDS && token_cut(&record, '\t', &part); f++) {
        if (!usage_column(rows, f, part, seen)) {
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


/* As it is in usage_event; or, where there is more to it, as it came. */
static bool
usage_sort(struct usage_batch *batch, const char *host, struct token record)
{
    size_t             mark = batch->plain.len;
    struct usage_seen  seen = { 0 };

    if (!usage_record(&batch->plain, record, &seen)) {
        rows_cut(&batch->plain, mark);
        return false;
    }

    if (seen.special) {
        rows_raw(&batch->special, batch->plain.text + mark,
                 batch->plain.len - mark);
        rows_cut(&batch->plain, mark);
        rows_end(&batch->special);
        return true;
    }

    rows_time(&batch->plain, seen.at_ms * 1000);
    rows_text(&batch->plain, host, strlen(host));
    rows_end(&batch->plain);
    batch->count++;

    return true;
}


void
usage_rows(struct usage_batch *batch, const char *host,
    const rds_reply_t *entry)
{
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
        batch->rejected++;
    }

    while (token_cut(&records, '\n', &record)) {
        if (record.len == 0 && records.text == NULL) {
            break;    /* after the last line's end */
        }

        if (!usage_sort(batch, host, record)) {
            batch->rejected++;
        }
    }
}


void
usage_cut(struct usage_batch *batch)
{
    rows_cut(&batch->plain, 0);
    rows_cut(&batch->special, 0);
    batch->count = 0;
    batch->rejected = 0;
}


void
usage_free(struct usage_batch *batch)
{
    rows_free(&batch->plain);
    rows_free(&batch->special);
}
