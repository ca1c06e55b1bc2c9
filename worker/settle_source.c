/*
 * settle_source.c: which batches of usage records were taken.
 *
 * A process of nginx numbers its batches, and sends one again where it can't
 * know whether Redis has it: each counts once, by the last number of its
 * source, which is a row in Postgres and moves with the records.
 */

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "settle.h"
#include "token.h"


#define SOURCE_MAX  64

struct settle_source {
    char     name[SOURCE_MAX];
    int64_t  no;        /* of the last batch that is committed */
    int64_t  staged;    /* with those of the transaction that is open */
};


/* The source of that name, made where it is new. */
static struct settle_source *
source_get(struct settle_sources *sources, struct token name)
{
    struct settle_source  *source;

    for (size_t i = 0; i < sources->count; i++) {
        if (token_is(name, sources->list[i].name)) {
            return &sources->list[i];
        }
    }

    sources->list = realloc(sources->list,
                            (sources->count + 1) * sizeof(*sources->list));
    if (sources->list == NULL) {
        die("out of memory");
    }

    source = &sources->list[sources->count++];
    *source = (struct settle_source) { 0 };
    memcpy(source->name, name.text, name.len);

    return source;
}


bool
settle_source_load(struct settle *settle)
{
    struct settle_source  *source;
    PG_RESULT result = pg_call(settle->pg, "ledger.usage_sources", 0, NULL);

    if (result == NULL) {
        return settle_failed(settle, "read the sources of usage records");
    }

    settle->sources.count = 0;
    for (int row = 0; row < pg_rows(result); row++) {
        struct token  name = { .text = pg_value(result, row, 0) };

        name.len = strlen(name.text);
        if (name.len < SOURCE_MAX) {
            source = source_get(&settle->sources, name);
            source->no = strtoll(pg_value(result, row, 1), NULL, 10);
            source->staged = source->no;
        }
    }

    return true;
}


/* Cuts "source:number" from the field of an entry that has it. */
static bool
source_read(const rds_reply_t *entry, struct token *name, int64_t *no)
{
    const char         *field;
    struct token        rest;
    const rds_reply_t  *pairs = rds_at(entry, 1);

    for (size_t i = 0; i + 1 < rds_len(pairs); i += 2) {
        field = rds_text(rds_at(pairs, i));
        if (field == NULL || strcmp(field, "s") != 0) {
            continue;
        }

        rest.text = rds_text(rds_at(pairs, i + 1));
        rest.len = rds_len(rds_at(pairs, i + 1));

        return rest.text != NULL && token_cut(&rest, ':', name)
               && token_is_word(*name) && name->len < SOURCE_MAX
               && rest.text != NULL && token_int(rest, 1, no);
    }

    return false;
}


void
settle_source_begin(struct settle *settle)
{
    for (size_t i = 0; i < settle->sources.count; i++) {
        settle->sources.list[i].staged = settle->sources.list[i].no;
    }
}


bool
settle_source_take(struct settle *settle, const rds_reply_t *entry)
{
    int64_t                no;
    struct token           name;
    struct settle_source  *source;

    if (!source_read(entry, &name, &no)) {
        return true;
    }

    source = source_get(&settle->sources, name);
    if (no <= source->staged) {
        log_debug("usage batch %lld of %s came again", (long long) no,
                  source->name);
        return false;
    }
    source->staged = no;

    return true;
}


bool
settle_source_post(struct settle *settle)
{
    bool         ok;
    char        *text;
    json_t      *moved = json_object();
    const char  *params[1];

    for (size_t i = 0; i < settle->sources.count; i++) {
        struct settle_source  *source = &settle->sources.list[i];

        if (source->staged != source->no) {
            json_object_set_new(moved, source->name,
                                json_integer(source->staged));
        }
    }

    text = json_dumps(moved, JSON_COMPACT);
    params[0] = text;
    ok = json_object_size(moved) == 0
         || pg_do(settle->pg, "ledger.usage_taken", 1, params);
    free(text);
    json_decref(moved);

    return ok;
}


void
settle_source_done(struct settle *settle)
{
    for (size_t i = 0; i < settle->sources.count; i++) {
        settle->sources.list[i].no = settle->sources.list[i].staged;
    }
}
