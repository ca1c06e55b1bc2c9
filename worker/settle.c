/*
 * settle.c: posts what the streams hold to the ledger, exactly once.
 *
 * The rows of a batch and the stream's cursor are one transaction; what was
 * committed is trimmed.  Whatever fails, the cursor in Postgres tells where
 * to go on.
 */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "key_names.h"
#include "log.h"
#include "loop.h"
#include "role.h"
#include "settle.h"


/* What differs between ledger and usage streams. */
static const struct {
    const char  *function;
    int          params;
} settle_kinds[] = {
    [SETTLE_LEDGER] = { "ledger.settle_ledger", 3 },
    [SETTLE_USAGE]  = { "ledger.settle_usage", 5 },
    [SETTLE_EPOCHS] = { "ledger.settle_epochs", 3 },
};

static bool settle_turn(struct settle *settle);


void
settle_run(const struct conf *conf)
{
    int            backoff = 0;
    struct settle  settle = { .conf = conf,
                              .batch = (int) conf->settle_batch };

    settle.pg = pg_new(conf->postgres_dsn, "settle", ROLE_POSTGRES,
                       conf->postgres_timeout);
    settle.rds = rds_new(conf);
    settle.ahead = rds_new(conf);
    loop_meanwhile(settle_meanwhile, &settle);

    while (!loop_stopping()) {
        role_beat(ROLE_SETTLE);

        if (settle_attach(&settle) && settle_claim(&settle)
            && settle_look(&settle) && settle_expire(&settle)
            && settle_lease(&settle) && settle_trim_kept(&settle)
            && settle_turn(&settle))
        {
            backoff = 0;
            continue;
        }

        settle_detach(&settle);
        loop_backoff(&backoff, ROLE_BACKOFF_MS);
    }

    settle_detach(&settle);
    loop_meanwhile(NULL, NULL);
    pg_free(settle.pg);
    rds_free(settle.rds);
    rds_free(settle.ahead);
    rows_free(&settle.rows);
    rows_free(&settle.seen);
    free(settle.sources.list);
    settle_lease_free(&settle);
    usage_free(&settle.usage);
    fold_free(&settle.fold);
}


/* Tells of accounts that the ledger froze because their register broke. */
static void
settle_report(const struct settle_stream *stream, const char *text)
{
    size_t   i;
    json_t  *summary, *account;

    log_debug("settled %s to %s: %s", stream->name, stream->cursor, text);

    summary = json_loads(text, 0, NULL);
    json_array_foreach(json_object_get(summary, "frozen"), i, account) {
        log_error("account %s is frozen: its register is broken",
                  json_string_value(account));
        log_hint("compare it with tollgate ledger verify");
    }
    json_decref(summary);
}


enum settle_outcome { SETTLE_POSTED, SETTLE_UNPOSTABLE, SETTLE_TOO_SLOW,
                      SETTLE_AGAIN, SETTLE_FAILED };

/* SQLSTATEs, or classes of them, that say something about a batch. */
static const struct {
    const char           *state;
    enum settle_outcome   outcome;
} settle_states[] = {
    { "22", SETTLE_UNPOSTABLE },
    { "23", SETTLE_UNPOSTABLE },
    { "57014", SETTLE_TOO_SLOW },
};


/* What the rows of a batch need to be posted, as one transaction. */
static enum settle_outcome
settle_commit(struct settle *settle, struct settle_stream *stream,
    enum settle_kind kind, const char *to)
{
    char                kept[32], rejected[32];
    const char         *params[] = { stream->name, stream->cursor, to, rejected,
                                     kept };
    bool                posted;
    pg_t               *pg = settle->pg;
    enum settle_plain   plain = SETTLE_PLAIN_DONE;

    snprintf(kept, sizeof(kept), "%lld", (long long) settle->usage.count);
    snprintf(rejected, sizeof(rejected), "%lld",
             (long long) settle->usage.rejected);

    if (pg_begin(pg)
        && settle_copy(settle, "settle_event", event_columns, &settle->rows)
        && settle_copy(settle, "settle_usage", usage_columns,
                       &settle->usage.special)
        && settle_copy(settle, "usage_event", usage_event_columns,
                       &settle->usage.plain))
    {
        if (fold_count(&settle->fold) > 0) {
            plain = settle_plain(settle, stream, to);
            params[1] = to;    /* the cursor has moved */
        }
        if (plain == SETTLE_PLAIN_AGAIN) {
            pg_rollback(pg);
            return SETTLE_AGAIN;
        }

        /* what was all plain is posted */
        posted = plain == SETTLE_PLAIN_DONE && params[1] == to
                 && settle->rows.len == 0;

        PG_RESULT result = plain == SETTLE_PLAIN_DONE && !posted
                           ? pg_call(pg, settle_kinds[kind].function,
                                     settle_kinds[kind].params, params)
                           : NULL;

        if ((posted || result != NULL) && settle_source_post(settle)
            && pg_commit(pg))
        {
            settle_source_done(settle);
            snprintf(stream->cursor, sizeof(stream->cursor), "%s", to);
            settle_report(stream, posted ? "{\"plain\": true}" : pg_value(result, 0, 0));
            return SETTLE_POSTED;
        }
    }

    pg_rollback(pg);
    log_error("settle %s from %s to %s failed: %s", stream->name,
              stream->cursor, to, pg_error(pg)->message);
    log_hint("it is tried again, and nothing is lost");

    for (size_t i = 0; i < sizeof(settle_states) / sizeof(settle_states[0]);
         i++)
    {
        if (strncmp(pg_error(pg)->state, settle_states[i].state,
                    strlen(settle_states[i].state)) == 0)
        {
            return settle_states[i].outcome;
        }
    }

    return SETTLE_FAILED;
}


/* Folds what is plain; a batch that begins again knows what was not. */
static void
settle_fold(struct settle *settle, const rds_reply_t *entries, size_t from,
    size_t n)
{
    struct event   event;
    struct token  *account = &event.fields[EVENT_ACCOUNT];

    do {
        fold_again(&settle->fold);
        for (size_t i = from; i < from + n; i++) {
            if (event_read(&event, rds_at(entries, i)) != NULL) {
                fold_long_way(&settle->fold, account->text, account->len);
            } else {
                fold_event(&settle->fold, &event);
            }
        }
    } while (fold_spoilt(&settle->fold));
}


/* A batch's rows; entries that are malformed freeze their account. */
static void
settle_fill(struct settle *settle, const struct settle_stream *stream,
    const rds_reply_t *entries, size_t from, size_t n, bool unpostable)
{
    struct event         event;
    struct usage_batch  *usage = &settle->usage;
    bool                 folds = stream->kind == SETTLE_LEDGER && !unpostable
                                 && !event_is_epoch(rds_at(entries, from));

    rows_cut(&settle->rows, 0);
    usage_cut(usage);
    settle_source_begin(settle);
    if (folds) {
        settle_fold(settle, entries, from, n);
        if (fold_events(&settle->fold) == n) {
            return;
        }
    }

    for (size_t i = from; i < from + n; i++) {
        const char         *wrong = "the ledger can't take it";
        const rds_reply_t  *entry = rds_at(entries, i);

        if (stream->kind == SETTLE_USAGE) {
            if (!settle_source_take(settle, entry)) {
                continue;
            }
            if (unpostable) {
                usage->rejected++;
            } else {
                usage_rows(usage, stream->name + sizeof(TG_KEY_USAGE_FMT)
                                  - sizeof("%s"), entry);
            }
            continue;
        }

        if (!unpostable) {
            if (folds && event_read(&event, entry) == NULL
                && fold_has(&settle->fold, &event))
            {
                continue;
            }
            wrong = event_rows(&settle->rows, stream->name, entry);
        }
        if (wrong != NULL) {
            log_error("entry %s of %s is malformed: %s%s",
                      rds_text(rds_at(entry, 0)), stream->name, wrong,
                      event_malformed(&settle->rows, stream->name, entry)
                      ? "" : "; it names no account");
            log_hint("it is kept in suspense_event; tollgate ledger verify "
                     "shows what is missing");
        }
    }

    if (usage->rejected > 0) {
        log_warn("%lld usage records of %s are malformed",
                 (long long) usage->rejected, stream->name);
        log_hint("is nginx's module newer than the worker? upgrade the worker");
    }
}


/*
 * A batch as large as what Postgres posts in a part of the time that it may
 * take, at most as large as is configured.
 */
static void
settle_adapt(struct settle *settle, int64_t took_ms)
{
    const struct conf  *conf = settle->conf;

    if (took_ms > conf->postgres_timeout / 4) {
        settle->batch = settle->batch > 1 ? settle->batch / 2 : 1;
    } else if (took_ms < conf->postgres_timeout / 16) {
        settle->batch *= 2;
    }

    if (settle->batch > conf->settle_batch) {
        settle->batch = (int) conf->settle_batch;
    }
}


/*
 * How many of the entries, from one on, are posted by the same function, and
 * what they are: where an epoch begins another function knows whether it may.
 */
static size_t
settle_alike(const struct settle_stream *stream, const rds_reply_t *entries,
    size_t from, size_t n, enum settle_kind *kind)
{
    bool    epoch;
    size_t  count = n;

    *kind = stream->kind;
    for (size_t i = 0; stream->kind == SETTLE_LEDGER && i < count; i++) {
        epoch = event_is_epoch(rds_at(entries, from + i));
        if (i == 0) {
            *kind = epoch ? SETTLE_EPOCHS : SETTLE_LEDGER;
        } else if (epoch != (*kind == SETTLE_EPOCHS)) {
            count = i;
        }
    }

    return count;
}


/*
 * Posts n entries; after a failure the cursor has to be read again, which
 * goes for "cursor_moved" too.  A batch that Postgres refuses for what it
 * holds is halved until the entry stands alone, so one account can't stop
 * the others; and so is one that takes too long.
 */
static bool
settle_post(struct settle *settle, struct settle_stream *stream,
    const rds_reply_t *entries, size_t from, size_t n, bool unpostable)
{
    char                 before[SETTLE_ID_MAX];
    size_t               alike;
    int64_t              start_ms = loop_now_ms();
    enum settle_kind     kind;
    enum settle_outcome  outcome;
    const char          *to;

    alike = settle_alike(stream, entries, from, n, &kind);
    if (alike < n) {
        return settle_post(settle, stream, entries, from, alike, unpostable)
               && settle_post(settle, stream, entries, from + alike, n - alike,
                              unpostable);
    }

    to = rds_text(rds_at(rds_at(entries, from + n - 1), 0));
    if (to == NULL) {
        log_error("redis answered nonsense for %s", stream->name);
        return false;
    }

    memcpy(before, stream->cursor, sizeof(before));
    fold_begin(&settle->fold);
    do {
        settle_fill(settle, stream, entries, from, n, unpostable);
        outcome = settle_commit(settle, stream, kind, to);
    } while (outcome == SETTLE_AGAIN);
    settle_adapt(settle, loop_now_ms() - start_ms);

    switch (outcome) {
    case SETTLE_POSTED:
        return settle_trim(settle, stream, before, n);

    case SETTLE_UNPOSTABLE:
    case SETTLE_TOO_SLOW:
        if (n == 1) {
            return outcome == SETTLE_UNPOSTABLE && !unpostable
                   && settle_post(settle, stream, entries, from, 1, true);
        }
        return settle_post(settle, stream, entries, from, n / 2, false)
               && settle_post(settle, stream, entries, from + n / 2,
                              n - n / 2, false);

    default:
        return false;
    }
}


/* Posts what was read. */
static bool
settle_post_all(struct settle *settle, rds_reply_t *const *replies)
{
    const rds_reply_t  *entries;

    for (int i = 0; i < settle->count && !loop_stopping(); i++) {
        if (rds_len(replies[i]) == 0 || !settle->streams[i].sound) {
            continue;
        }

        entries = rds_at(rds_at(replies[i], 0), 1);
        if (rds_len(entries) == 0) {
            log_error("redis answered nonsense to XREAD");
            return false;
        }
        if (!settle_post(settle, &settle->streams[i], entries, 0,
                         rds_len(entries), false))
        {
            return false;
        }
        settle->found = true;
        role_beat(ROLE_SETTLE);
    }

    return true;
}


bool
settle_drain(struct settle *settle, struct settle_stream *stream)
{
    bool         ok = true;
    char         last[SETTLE_ID_MAX], batch[32];
    const char  *argv[] = { "XREAD", "COUNT", batch, "STREAMS", stream->name,
                            stream->cursor };

    if (!settle_last_id(settle, stream, last, sizeof(last))) {
        return false;
    }

    while (ok && settle_is_below(stream->cursor, last) && !loop_stopping()) {
        snprintf(batch, sizeof(batch), "%d", settle->batch);
        RDS_REPLY reply = rds_command(settle->rds, 6, argv);
        const rds_reply_t  *entries = rds_at(rds_at(reply, 0), 1);

        if (rds_len(entries) == 0) {
            return rds_connected(settle->rds);
        }
        if (stream->sound && !settle_store_same(settle, stream)) {
            return false;
        }
        ok = settle_post(settle, stream, entries, 0, rds_len(entries), false);
        role_beat(ROLE_SETTLE);
    }

    return ok;
}


static bool
settle_turn(struct settle *settle)
{
    bool          ok, last;
    rds_reply_t **replies;

    replies = calloc((size_t) settle->count + 1, sizeof(*replies));
    if (replies == NULL) {
        die("out of memory");
    }

    ok = (settle->asked || settle_ask(settle))
         && settle_take(settle, replies)
         && settle_stores_same(settle, replies);
    last = settle->next >= settle->count;

    /* where there is something to do meanwhile the next ones are read */
    for (int i = 0; ok && !last && i < settle->count && !settle->asked; i++) {
        ok = rds_len(replies[i]) == 0 || settle_ask(settle);
    }
    ok = ok && settle_post_all(settle, replies);

    for (int i = 0; i < settle->count; i++) {
        rds_clear(replies[i]);
    }
    free(replies);

    if (last) {
        if (ok && !settle->found) {
            loop_wait(-1, 0, settle->conf->settle_idle_ms);
        }
        settle->next = 0;
        settle->found = false;
    }

    return ok;
}
