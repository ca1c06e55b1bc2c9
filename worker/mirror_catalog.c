/* mirror_catalog.c: carries plans and the catalog, which have versions. */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key_names.h"
#include "log.h"
#include "loop.h"
#include "mirror.h"


#define MIRROR_FIELDS_MAX   32
#define MIRROR_NUMBER_SIZE  24


static const char *
mirror_json_text(const json_t *value, char *number, size_t size)
{
    if (json_is_integer(value)) {
        snprintf(number, size, "%lld", (long long) json_integer_value(value));
        return number;
    }

    return json_string_value(value);
}


/* Sends one newer hash, of a shard's store or none; the reply is read later. */
static bool
mirror_send_hash(struct mirror *mirror, const char *key, const char *store,
    const char *version, json_t *fields)
{
    bool                 ok = true;
    char                 numbers[MIRROR_FIELDS_MAX][MIRROR_NUMBER_SIZE];
    size_t               n = 0;
    json_t              *value;
    const char          *name, *text;
    struct mirror_words  words = { 0 };

    mirror_add(&words, "EVALSHA");
    mirror_add(&words, rds_sha("replace"));
    mirror_add(&words, store != NULL ? "2" : "1");
    mirror_add(&words, key);
    if (store != NULL) {
        mirror_add(&words, store);
    }
    mirror_add(&words, version);

    json_object_foreach(fields, name, value) {
        text = n < MIRROR_FIELDS_MAX
               ? mirror_json_text(value, numbers[n], MIRROR_NUMBER_SIZE)
               : NULL;
        if (text == NULL) {
            log_error("field \"%s\" of \"%s\" is neither a text nor an "
                      "integer", name, key);
            ok = false;
            break;
        }
        n++;
        if (strcmp(name, "version") != 0) {
            mirror_add(&words, name);
            mirror_add(&words, text);
        }
    }

    ok = ok && rds_append(mirror->rds, words.count, words.words);
    free(words.words);

    return ok;
}


/*
 * Reads n replies of replace.lua, of shards from 0 on, or that of the catalog.
 * A server of several that doesn't answer holds up its own shards alone.
 */
static bool
mirror_read_hashes(struct mirror *mirror, bool *waits, int n)
{
    bool  failed = false;

    for (int i = 0; i < n; i++) {
        RDS_REPLY reply = rds_next(mirror->rds);

        if (rds_int(reply) == INT64_MIN) {
            if (!failed) {
                mirror_redis_failed(mirror, "replace a copy");
            }
            if (!rds_connected(mirror->rds)) {
                return false;
            }
            failed = true;
            mirror->unanswered = true;
        }
        if (rds_int(reply) < 0) {
            waits[i] = true;
            mirror->waiting = true;
        }
    }

    return true;
}


static bool
mirror_put_plan(struct mirror *mirror, const char *code, const char *version,
    const char *text)
{
    int      sent;
    bool     ok = true;
    char     key[MIRROR_TEXT_MAX], store[MIRROR_TEXT_MAX];
    json_t  *fields = json_loads(text, 0, NULL);

    for (sent = 0; ok && sent < mirror->shards; sent++) {
        snprintf(key, sizeof(key), TG_KEY_PLAN_FMT, (unsigned) sent, code);
        snprintf(store, sizeof(store), TG_KEY_STORE_FMT, (unsigned) sent);
        ok = mirror_send_hash(mirror, key, store, version, fields);
    }
    json_decref(fields);

    return ok && mirror_read_hashes(mirror, mirror->waits, sent);
}


/*
 * Every plan to every shard, then the catalog that names them.  A shard whose
 * wallets are not back gets none: nobody is told that his key is unknown.
 */
static bool
mirror_put_all(struct mirror *mirror, const char *version, const char *body)
{
    bool     ok, catalog_waits = false;
    json_t  *fields;
    PG_RESULT plans = pg_call(mirror->pg, "mirror.plans", 0, NULL);

    if (plans == NULL) {
        return mirror_failed(mirror, "read the plans");
    }

    mirror->waiting = false;
    mirror->unanswered = false;
    memset(mirror->waits, 0, (size_t) mirror->shards * sizeof(*mirror->waits));
    for (int row = 0; row < pg_rows(plans); row++) {
        if (!mirror_put_plan(mirror, pg_value(plans, row, 0),
                             pg_value(plans, row, 1), pg_value(plans, row, 2)))
        {
            return false;
        }
    }

    fields = json_pack("{s:s}", "body", body);
    ok = mirror_send_hash(mirror, TG_KEY_CATALOG, NULL, version, fields)
         && mirror_read_hashes(mirror, &catalog_waits, 1);
    json_decref(fields);

    if (ok && mirror->waiting) {
        mirror->version = strtoll(version, NULL, 10);
        mirror->compare_at_ms = loop_now_ms()
                                + (mirror->unanswered ? MIRROR_COMPARE_MS
                                                      : MIRROR_WAIT_MS);

    } else if (ok) {
        mirror->version = strtoll(version, NULL, 10);
        log_info("carried catalog %s and %d plans to redis", version,
                 pg_rows(plans));
    }

    return ok;
}


/*
 * Whether Redis still has what was carried to it: the catalog, and on every
 * shard a plan that always exists.  A server of several that doesn't answer is
 * believed to have it.  Answers 1, 0, or -1 on failure.
 */
static int
mirror_stored(struct mirror *mirror, const char *version)
{
    int          answer = 1;
    bool         failed = false;
    char         key[MIRROR_TEXT_MAX];
    const char  *argv[] = { "HGET", TG_KEY_CATALOG, "version" };

    if (!rds_append(mirror->rds, 3, argv)) {
        return -1;
    }
    argv[1] = key;
    for (int shard = 0; shard < mirror->shards; shard++) {
        snprintf(key, sizeof(key), TG_KEY_PLAN_FMT, (unsigned) shard, "payg");
        if (!rds_append(mirror->rds, 3, argv)) {
            return -1;
        }
    }

    for (int i = 0; i <= mirror->shards; i++) {
        RDS_REPLY reply = rds_next(mirror->rds);

        if (reply == NULL) {
            if (!failed) {
                mirror_redis_failed(mirror, "compare versions");
            }
            if (!rds_connected(mirror->rds)) {
                return -1;
            }
            failed = true;
            continue;
        }
        if (rds_text(reply) == NULL
            || (i == 0 && strtoll(rds_text(reply), NULL, 10)
                          < strtoll(version, NULL, 10)))
        {
            answer = 0;
        }
    }

    return answer;
}


bool
mirror_catalog(struct mirror *mirror)
{
    int          stored;
    const char  *version, *body;
    PG_RESULT catalog = pg_call(mirror->pg, "mirror.catalog", 0, NULL);

    if (catalog == NULL || pg_rows(catalog) != 1) {
        return mirror_failed(mirror, "read the catalog");
    }
    version = pg_value(catalog, 0, 0);
    body = pg_value(catalog, 0, 1);

    if (mirror->version == strtoll(version, NULL, 10)) {
        if (loop_now_ms() < mirror->compare_at_ms) {
            return true;
        }
        mirror->compare_at_ms = loop_now_ms() + MIRROR_COMPARE_MS;

        if (!mirror->waiting) {
            stored = mirror_stored(mirror, version);
            if (stored != 0) {
                return stored == 1;
            }
            mirror_hurry(mirror);
            log_warn("redis lost the catalog or copies of plans");
            log_hint("they are written again; see with tollgate ledger verify "
                     "whether it lost more");
        }
    }

    mirror->compare_at_ms = loop_now_ms() + MIRROR_COMPARE_MS;

    return mirror_put_all(mirror, version, body != NULL ? body : "");
}
