/*
 * migrate.c: versioned migrations once each and in order, then the
 * repeatable files whose checksum changed.
 */

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "locks.h"
#include "log.h"
#include "loop.h"
#include "migrate.h"
#include "pg.h"


#define MIGRATE_SHA_LEN   64
#define MIGRATE_FILE_MAX  (4 * 1024 * 1024)

struct migrate_file {
    char   name[128];       /* "0001_setting", "api/key_list" */
    char   sha256[MIGRATE_SHA_LEN + 1];
    char  *text;
};

struct migrate_set {
    struct migrate_file  *files;
    int                   count;
};

static const char *const migrate_schemas[] = { "lib", "ledger", "mirror",
                                               "job", "api" };

#define MIGRATE_SCHEMAS  (sizeof(migrate_schemas) / sizeof(migrate_schemas[0]))

static const char migrate_prepare[] =
    "set client_min_messages = warning;"
    "set check_function_bodies = off;"
    "create table if not exists schema_migration ("
    "    name text collate \"C\" primary key,"
    "    sha256 text not null,"
    "    applied_at timestamptz not null default now());"
    "create table if not exists schema_repeatable ("
    "    name text collate \"C\" primary key,"
    "    sha256 text not null,"
    "    applied_at timestamptz not null default now());";

static const char migrate_list[] =
    "select name, sha256 from schema_migration order by name";
static const char migrate_list_repeatable[] =
    "select name, sha256 from schema_repeatable order by name";
static const char migrate_record[] =
    "insert into schema_migration (name, sha256) values ($1, $2)";
static const char migrate_record_repeatable[] =
    "insert into schema_repeatable (name, sha256) values ($1, $2)"
    " on conflict (name) do update"
    " set sha256 = excluded.sha256, applied_at = excluded.applied_at";

static bool migrate_load(const struct conf *conf, struct migrate_set *versions,
    struct migrate_set *repeatables);
static void migrate_free(struct migrate_set *set);


static enum migrate_outcome
migrate_failed(pg_t *pg, const char *name)
{
    const struct pg_error  *error = pg_error(pg);

    pg_rollback(pg);
    log_error("migration %s failed: %s%s%s", name, error->message,
              error->detail[0] ? ": " : "", error->detail);

    return error->state[0] == '\0' ? MIGRATE_UNREACHABLE : MIGRATE_REFUSED;
}


static const struct migrate_file *
migrate_find(const struct migrate_set *set, const char *name)
{
    for (int i = 0; i < set->count; i++) {
        if (strcmp(set->files[i].name, name) == 0) {
            return &set->files[i];
        }
    }

    return NULL;
}


static const char *
migrate_recorded(const pg_result_t *recorded, const char *name)
{
    for (int row = 0; row < pg_rows(recorded); row++) {
        if (strcmp(pg_value(recorded, row, 0), name) == 0) {
            return pg_value(recorded, row, 1);
        }
    }

    return NULL;
}


/* What was applied must still be what the files say. */
static bool
migrate_agree(const pg_result_t *recorded, const struct migrate_set *versions)
{
    for (int row = 0; row < pg_rows(recorded); row++) {
        const char                 *name = pg_value(recorded, row, 0);
        const struct migrate_file  *file = migrate_find(versions, name);

        if (file == NULL) {
            log_error("the database is newer than this program: it has the "
                      "migration %s", name);
            log_hint("start the version of tollgate-worker that made it");
            return false;
        }
        if (strcmp(file->sha256, pg_value(recorded, row, 1)) != 0) {
            log_error("the migration %s was edited after it was applied",
                      name);
            log_hint("restore the file and put the change into a new one");
            return false;
        }
    }

    return true;
}


/* The row goes first: a second worker that got this far would stop at it. */
static bool
migrate_apply(pg_t *pg, const struct migrate_file *file, const char *record)
{
    const char  *params[] = { file->name, file->sha256 };
    PG_RESULT result = pg_query(pg, record, 2, params);

    if (result == NULL || !pg_exec(pg, file->text)) {
        return false;
    }
    log_info("applied %s", file->name);

    return true;
}


static enum migrate_outcome
migrate_versions(pg_t *pg, const struct migrate_set *versions)
{
    PG_RESULT recorded = pg_query(pg, migrate_list, 0, NULL);

    if (recorded == NULL) {
        return migrate_failed(pg, "bookkeeping");
    }
    if (!migrate_agree(recorded, versions)) {
        return MIGRATE_REFUSED;
    }

    for (int i = 0; i < versions->count; i++) {
        const struct migrate_file  *file = &versions->files[i];

        if (migrate_recorded(recorded, file->name) != NULL) {
            continue;
        }
        if (!pg_begin(pg) || !migrate_apply(pg, file, migrate_record)
            || !pg_commit(pg))
        {
            return migrate_failed(pg, file->name);
        }
    }

    return MIGRATE_DONE;
}


/* All in one transaction: nobody sees half of a new set of functions. */
static enum migrate_outcome
migrate_repeatables(pg_t *pg, const struct migrate_set *repeatables)
{
    PG_RESULT recorded = pg_query(pg, migrate_list_repeatable, 0, NULL);

    if (recorded == NULL || !pg_begin(pg)) {
        return migrate_failed(pg, "bookkeeping");
    }

    for (int i = 0; i < repeatables->count; i++) {
        const struct migrate_file  *file = &repeatables->files[i];
        const char  *sha256 = migrate_recorded(recorded, file->name);

        if (sha256 != NULL && strcmp(sha256, file->sha256) == 0) {
            continue;
        }
        if (!migrate_apply(pg, file, migrate_record_repeatable)) {
            return migrate_failed(pg, file->name);
        }
    }

    return pg_commit(pg) ? MIGRATE_DONE : migrate_failed(pg, "bookkeeping");
}


enum migrate_outcome
migrate_run(const struct conf *conf)
{
    pg_t                  *pg;
    const char            *lock[] = { LOCK_CLASS_MIGRATE, "0" };
    struct migrate_set     versions = { 0 }, repeatables = { 0 };
    enum migrate_outcome   outcome = MIGRATE_UNREACHABLE;

    if (!migrate_load(conf, &versions, &repeatables)) {
        migrate_free(&versions);
        migrate_free(&repeatables);
        return MIGRATE_REFUSED;
    }

    pg = pg_new(conf->postgres_dsn, "migrate", NULL, 0);

    if (pg_ready(pg)) {
        if (!pg_do(pg, "pg_advisory_lock", 2, lock)
            || !pg_exec(pg, migrate_prepare))
        {
            outcome = migrate_failed(pg, "bookkeeping");

        } else {
            outcome = migrate_versions(pg, &versions);
            if (outcome == MIGRATE_DONE) {
                outcome = migrate_repeatables(pg, &repeatables);
            }
        }
    }

    pg_free(pg);
    migrate_free(&versions);
    migrate_free(&repeatables);

    return outcome;
}


static int
migrate_missing(const pg_result_t *recorded, const struct migrate_set *set)
{
    int  missing = 0;

    for (int i = 0; i < set->count; i++) {
        const char  *sha256 = migrate_recorded(recorded, set->files[i].name);

        missing += sha256 == NULL || strcmp(sha256, set->files[i].sha256) != 0;
    }

    return missing;
}


bool
migrate_is_current(const struct conf *conf, char *text, int size)
{
    int                 missing = -1;
    pg_t               *pg;
    struct migrate_set  versions = { 0 }, repeatables = { 0 };

    pg = pg_new(conf->postgres_dsn, "doctor", NULL, conf->postgres_timeout);

    if (!migrate_load(conf, &versions, &repeatables)) {
        snprintf(text, (size_t) size, "the files can't be read");

    } else if (!pg_ready(pg)) {
        snprintf(text, (size_t) size, "%s", pg_error(pg)->message);

    } else {
        PG_RESULT first = pg_query(pg, migrate_list, 0, NULL);
        PG_RESULT second = pg_query(pg, migrate_list_repeatable, 0, NULL);

        if (first == NULL || second == NULL) {
            snprintf(text, (size_t) size, "%s", pg_error(pg)->message);
        } else {
            missing = migrate_missing(first, &versions)
                      + migrate_missing(second, &repeatables);
            snprintf(text, (size_t) size, "%d migrations, %d functions, %d "
                     "not applied", versions.count, repeatables.count, missing);
        }
    }

    pg_free(pg);
    migrate_free(&versions);
    migrate_free(&repeatables);

    return missing == 0;
}


static bool
migrate_sha256(const char *text, size_t len, char hex[MIGRATE_SHA_LEN + 1])
{
    unsigned int   n;
    unsigned char  digest[EVP_MAX_MD_SIZE];

    if (!EVP_Digest(text, len, digest, &n, EVP_sha256(), NULL)) {
        return false;
    }
    for (unsigned int i = 0; i < n; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }

    return true;
}


/* The text of a file, which the caller frees; NULL with the reason logged. */
static char *
migrate_slurp(const char *path, size_t *len)
{
    char  *text;
    FILE  *file = fopen(path, "re");

    if (file == NULL) {
        log_error("open \"%s\" failed: %s", path, strerror(errno));
        return NULL;
    }

    text = malloc(MIGRATE_FILE_MAX + 1);
    if (text == NULL) {
        die("out of memory");
    }

    *len = fread(text, 1, MIGRATE_FILE_MAX, file);
    if (ferror(file) || !feof(file)) {
        log_error("read \"%s\" failed or it is over %d bytes", path,
                  MIGRATE_FILE_MAX);
        free(text);
        text = NULL;
    } else {
        text[*len] = '\0';
        text = realloc(text, *len + 1);
    }
    fclose(file);

    return text;
}


static bool
migrate_add(struct migrate_set *set, const char *path, const char *prefix,
    const char *base)
{
    size_t                len;
    struct migrate_file  *files, *file;

    files = realloc(set->files, sizeof(*files) * (size_t) (set->count + 1));
    if (files == NULL) {
        die("out of memory");
    }
    set->files = files;

    file = &files[set->count];
    snprintf(file->name, sizeof(file->name), "%s%.*s", prefix,
             (int) (strlen(base) - strlen(".sql")), base);
    file->text = migrate_slurp(path, &len);
    if (file->text == NULL) {
        return false;
    }
    set->count++;

    return migrate_sha256(file->text, len, file->sha256);
}


static int
migrate_is_sql(const struct dirent *entry)
{
    size_t  n = strlen(entry->d_name);

    return n > 4 && n < 64 && entry->d_name[0] != '.'
           && strcmp(entry->d_name + n - 4, ".sql") == 0;
}


static int
migrate_compare(const struct dirent **one, const struct dirent **other)
{
    return strcmp((*one)->d_name, (*other)->d_name);
}


static bool
migrate_scan(struct migrate_set *set, const char *dir, const char *prefix)
{
    int              n;
    bool             ok = true;
    char             path[CONF_STRING_MAX + 256];
    struct dirent  **entries;

    n = scandir(dir, &entries, migrate_is_sql, migrate_compare);
    if (n == -1) {
        log_error("read directory \"%s\" failed: %s", dir, strerror(errno));
        return false;
    }

    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
        ok = ok && migrate_add(set, path, prefix, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);

    return ok;
}


static bool
migrate_load(const struct conf *conf, struct migrate_set *versions,
    struct migrate_set *repeatables)
{
    char  dir[CONF_STRING_MAX + 64], prefix[32];

    snprintf(dir, sizeof(dir), "%s/migrations", conf->sql_dir);
    if (!migrate_scan(versions, dir, "")) {
        return false;
    }

    for (size_t i = 0; i < MIGRATE_SCHEMAS; i++) {
        snprintf(dir, sizeof(dir), "%s/functions/%s", conf->sql_dir,
                 migrate_schemas[i]);
        snprintf(prefix, sizeof(prefix), "%s/", migrate_schemas[i]);
        if (!migrate_scan(repeatables, dir, prefix)) {
            return false;
        }
    }

    return true;
}


static void
migrate_free(struct migrate_set *set)
{
    for (int i = 0; i < set->count; i++) {
        free(set->files[i].text);
    }
    free(set->files);
}
