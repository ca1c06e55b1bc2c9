/*
 * restore.c: reads the database from a file, and tells how it stands to Redis.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "backup.h"
#include "behind.h"
#include "log.h"
#include "rds.h"
#include "role.h"


#define RESTORE_SCRATCH  "tollgate_verify_"

/* In an empty database there is no function of ours that could be called. */
static const char restore_count[] =
    "select count(*) from pg_class c join pg_namespace n"
    " on n.oid = c.relnamespace"
    " where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'";

/* Roles are not in a backup of one database: as in the first migration. */
static const char restore_role[] =
    "do $$ begin"
    "    if not exists (select from pg_roles"
    "                   where rolname = 'tollgate_worker') then"
    "        create role tollgate_worker nologin;"
    "    end if;"
    "    if not pg_has_role(current_user, 'tollgate_worker', 'member') then"
    "        execute format('grant tollgate_worker to %I', current_user);"
    "    end if;"
    "end $$";


static bool
restore_failed(const pg_t *pg, const char *what)
{
    log_error("%s failed: %s", what, pg_error(pg)->message);

    return false;
}


/* An empty database, with the role that the rights in the file are of. */
static bool
restore_prepare(pg_t *pg)
{
    if (!pg_ready(pg)) {
        return false;
    }

    PG_RESULT count = pg_query(pg, restore_count, 0, NULL);

    if (count == NULL) {
        return restore_failed(pg, "look into the database");
    }
    if (strcmp(pg_value(count, 0, 0), "0") != 0) {
        log_error("the database is not empty");
        log_hint("stop the worker, then dropdb and createdb, or name another "
                 "database in [postgres] dsn");
        return false;
    }

    return pg_exec(pg, restore_role)
           || restore_failed(pg, "make the role tollgate_worker");
}


/* --- how it stands to Redis ---------------------------------------------- */


static bool
restore_tell_streams(pg_t *pg)
{
    int  gaps = 0;
    PG_RESULT list = pg_call(pg, "ledger.behind_list", 0, NULL);
    PG_RESULT forgotten = pg_call(pg, "ledger.forgotten_list", 0, NULL);

    if (list == NULL || forgotten == NULL) {
        return restore_failed(pg, "read what is behind");
    }

    for (int row = 0; row < pg_rows(list); row++) {
        bool  gap = pg_value(list, row, 4)[0] == 't';

        printf("%s: settled up to %s of %s, %s%s\n", pg_value(list, row, 0),
               pg_value(list, row, 1), pg_value(list, row, 3),
               gap ? "and events are gone up to "
                   : "and redis has what is missing",
               gap ? pg_value(list, row, 2) : "");
        gaps += gap;
    }
    for (int row = 0; row < pg_rows(forgotten); row++) {
        printf("account %s: commands %lld to %s are in redis alone\n",
               pg_value(forgotten, row, 0),
               atoll(pg_value(forgotten, row, 1)) + 1,
               pg_value(forgotten, row, 2));
    }

    if (pg_rows(list) == 0) {
        puts("redis knows of nothing later");
    } else if (gaps == 0) {
        puts("the worker will settle all of it again, by itself");
    } else {
        printf("%d streams wait for tollgate ledger catchup, once the worker "
               "runs\n", gaps);
    }

    return true;
}


static bool
restore_compare(const struct conf *conf)
{
    bool    ok;
    pg_t   *pg = pg_new(conf->postgres_dsn, "restore", ROLE_POSTGRES, 0);
    rds_t  *rds = rds_new(conf);

    ok = pg_ready(pg) && backup_totals(pg);
    if (ok && !rds_ready(rds)) {
        puts("redis can't be reached: how it stands to redis is seen when the "
             "worker starts");
    } else if (ok) {
        ok = behind_look(pg, rds) && restore_tell_streams(pg);
    }

    pg_free(pg);
    rds_free(rds);

    return ok;
}


bool
backup_restore(const struct conf *conf, const char *file)
{
    bool      ok;
    pg_t     *pg = pg_new(conf->postgres_dsn, "restore", NULL, 0);
    json_t   *manifest = backup_manifest(file);

    ok = manifest != NULL && backup_begin(conf) && restore_prepare(pg);
    pg_free(pg);

    if (ok) {
        printf("%s: of %s, its sum is right\n", file,
               json_string_value(json_object_get(manifest, "at")));
        ok = backup_fill(getenv("PGDATABASE") != NULL ? getenv("PGDATABASE")
                                                 : "", file) && restore_compare(conf);
    }
    json_decref(manifest);

    return ok;
}


/* --- verifying ----------------------------------------------------------- */


static bool
restore_check_audit(pg_t *pg)
{
    bool  ok;
    PG_RESULT breaks = pg_call(pg, "lib.audit_breaks", 0, NULL);

    if (breaks == NULL) {
        return restore_failed(pg, "look at the audit log");
    }
    ok = pg_rows(breaks) == 0;
    puts(ok ? "the audit log is whole" : "the audit log is broken");

    return ok;
}


static bool
restore_check(const char *database, const char *file)
{
    bool   ok;
    char   dsn[128];
    pg_t  *pg;

    snprintf(dsn, sizeof(dsn), "dbname=%s", database);
    pg = pg_new(dsn, "verify", NULL, 0);

    ok = pg_ready(pg)
         && (pg_exec(pg, restore_role)
             || restore_failed(pg, "make the role tollgate_worker"))
         && backup_fill(database, file) && backup_totals(pg);
    if (ok) {
        ok = restore_check_audit(pg);
    }
    pg_free(pg);

    return ok;
}


bool
backup_verify(const struct conf *conf, const char *file)
{
    bool          ok;
    char          database[64];
    unsigned      random;
    json_t       *manifest = backup_manifest(file);
    const char   *create[] = { "createdb", "--no-password", database, NULL };
    const char   *drop[] = { "dropdb", "--no-password", "--force",
                             "--if-exists", database, NULL };

    if (manifest == NULL) {
        return false;
    }
    json_decref(manifest);

    if (!backup_begin(conf)) {
        return false;
    }
    if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
        log_error("getrandom() failed: %m");
        return false;
    }
    snprintf(database, sizeof(database), RESTORE_SCRATCH "%08x", random);

    ok = backup_tool(create, -1);
    if (!ok && !backup_asked()) {
        log_hint("the role has to be allowed to make databases: alter role "
                 "... createdb; nothing was checked but the sum");
        return false;
    }
    ok = ok && restore_check(database, file);

    return backup_tool(drop, -1) && ok && !backup_asked();
}
