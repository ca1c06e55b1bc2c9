/*
 * api_doctor.c: asks every part how it is.
 *
 * What SQL can see is in api.doctor; what needs Redis, files or the worker's
 * own processes is here.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "key_names.h"
#include "lag.h"
#include "log.h"
#include "loop.h"
#include "migrate.h"
#include "rds.h"
#include "role.h"


#define DOCTOR_BEAT_MS     15000
#define DOCTOR_LATE_MS      120000
#define DOCTOR_BACKLOG     100000
#define DOCTOR_REDIS_MAJOR 7
#define DOCTOR_MASTERS     64
#define DOCTOR_MEMORY_PERCENT  90

struct doctor {
    const struct conf  *conf;
    pg_t               *pg;
    rds_t              *rds;
    json_t             *checks;
    bool                ok;
};


static void
doctor_add(struct doctor *doctor, const char *name, bool ok,
    const char *detail, const char *hint)
{
    json_array_append_new(doctor->checks,
        json_pack("{s:s, s:b, s:s, s:s?}", "name", name, "ok", ok,
                  "detail", detail, "hint", ok ? NULL : hint));
    doctor->ok = doctor->ok && ok;
}


static void
doctor_roles(struct doctor *doctor)
{
    char     name[64], detail[128];
    int64_t  age;

    for (int role = 0; role < ROLE_MAX; role++) {
        if (!(doctor->conf->worker_roles & 1 << role)) {
            continue;
        }

        age = loop_now_ms() - role_states[role].beat_ms;
        snprintf(name, sizeof(name), "role %s", role_names[role]);
        snprintf(detail, sizeof(detail), "process %" PRId64 ", %" PRId64
                 " restarts, last turn %" PRId64 " ms ago",
                 role_states[role].pid, role_states[role].restarts, age);
        doctor_add(doctor, name,
                   role_states[role].pid != 0
                   && (age < DOCTOR_BEAT_MS || role == ROLE_JOBS),
                   detail, "see the worker's log");
    }
}


/* --- Postgres ------------------------------------------------------------ */


static void
doctor_postgres(struct doctor *doctor)
{
    char         text[256];
    bool         ok;
    const char  *params[] = { "server_version" };

    if (!pg_ready(doctor->pg)) {
        doctor_add(doctor, "postgres", false, "it can't be reached",
                   "check [postgres] dsn in worker.ini and the server");
        return;
    }

    PG_RESULT version = pg_call(doctor->pg, "current_setting", 1, params);

    snprintf(text, sizeof(text), "version %s",
             version ? pg_value(version, 0, 0) : "unknown");
    doctor_add(doctor, "postgres", version != NULL, text, NULL);

    ok = migrate_is_current(doctor->conf, text, sizeof(text));
    doctor_add(doctor, "migrations", ok, text,
               "run tollgate-worker --migrate");
}


static void
doctor_sql(struct doctor *doctor)
{
    size_t       i;
    json_t      *answer, *check, *checks;
    const char  *params[] = { "{\"_actor\":\"operator\"}" };

    if (!pg_ready(doctor->pg)) {
        return;
    }

    PG_RESULT result = pg_call(doctor->pg, "api.doctor", 1, params);

    if (result == NULL || pg_value(result, 0, 0) == NULL) {
        doctor_add(doctor, "ledger", false, "its checks can't be run",
                   "see the worker's log");
        log_error("api.doctor failed: %s", pg_error(doctor->pg)->message);
        return;
    }

    answer = json_loads(pg_value(result, 0, 0), 0, NULL);
    checks = json_is_array(answer) ? answer
                                   : json_object_get(answer, "checks");
    json_array_foreach(checks, i, check) {
        doctor->ok = doctor->ok && json_is_true(json_object_get(check, "ok"));
        json_array_append(doctor->checks, check);
    }
    json_decref(answer);
}


/* --- Redis --------------------------------------------------------------- */


/* The value of a line "name:value" of INFO, copied. */
static void
doctor_info(const char *info, const char *name, char *value, size_t size)
{
    size_t       n = strlen(name);
    const char  *line = info;

    value[0] = '\0';
    while (line != NULL && *line != '\0') {
        if (strncmp(line, name, n) == 0 && line[n] == ':') {
            line += n + 1;
            snprintf(value, size, "%.*s", (int) strcspn(line, "\r\n"), line);
            return;
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
}


/* What INFO has to say on every server that holds keys. */
enum doctor_check { DOCTOR_VERSION, DOCTOR_EVICTION, DOCTOR_PERSISTENCE,
                    DOCTOR_MEMORY, DOCTOR_REPLICAS, DOCTOR_CHECKS };

static bool doctor_is_recent(const char *value, const char *info);
static bool doctor_is_kept(const char *value, const char *info);
static bool doctor_is_persistent(const char *value, const char *info);
static bool doctor_has_room(const char *value, const char *info);
static bool doctor_has_replicas(const char *value, const char *info);

static const struct {
    const char  *name;
    const char  *field;
    const char  *label;
    bool       (*is_well)(const char *value, const char *info);
    const char  *hint;
} doctor_checks[DOCTOR_CHECKS] = {
    [DOCTOR_VERSION] = {
        "redis", "redis_version", "version", doctor_is_recent,
        "Tollgate is made for Redis 7 and later" },
    [DOCTOR_EVICTION] = {
        "redis eviction", "maxmemory_policy", "maxmemory-policy",
        doctor_is_kept, "set maxmemory-policy noeviction: Redis must never "
        "throw a wallet away" },
    [DOCTOR_PERSISTENCE] = {
        "redis persistence", "aof_enabled", "aof_enabled",
        doctor_is_persistent, "set appendonly yes: a crash of Redis would "
        "lose what was charged and not settled yet" },
    [DOCTOR_MEMORY] = {
        "redis memory", "used_memory_human", "used", doctor_has_room,
        "raise maxmemory: a full store refuses every request" },
    [DOCTOR_REPLICAS] = {
        "redis replicas", "connected_slaves", "replicas",
        doctor_has_replicas, "start a replica: nothing would take over from "
        "this master" },
};


static bool
doctor_is_recent(const char *value, const char *info)
{
    (void) info;

    return atoi(value) >= DOCTOR_REDIS_MAJOR;
}


static bool
doctor_is_kept(const char *value, const char *info)
{
    (void) info;

    return strcmp(value, "noeviction") == 0;
}


static bool
doctor_is_persistent(const char *value, const char *info)
{
    (void) info;

    return strcmp(value, "1") == 0;
}


static bool
doctor_has_room(const char *value, const char *info)
{
    char       used[32], most[32];
    long long  limit;

    (void) value;
    doctor_info(info, "used_memory", used, sizeof(used));
    doctor_info(info, "maxmemory", most, sizeof(most));
    limit = atoll(most);

    return limit == 0 || atoll(used) <= limit / 100 * DOCTOR_MEMORY_PERCENT;
}


static bool
doctor_has_replicas(const char *value, const char *info)
{
    (void) info;

    return atoi(value) > 0;
}


/* One check over all masters: what each says, or the one that isn't well. */
static void
doctor_redis_check(struct doctor *doctor, enum doctor_check check,
    rds_reply_t *const *infos, int masters)
{
    bool  well = true;
    char  value[128], text[256] = "";

    for (int i = 0; i < masters && well; i++) {
        const char  *info = rds_text(infos[i]);

        if (info == NULL) {
            continue;    /* told already */
        }
        doctor_info(info, doctor_checks[check].field, value, sizeof(value));
        well = doctor_checks[check].is_well(value, info);
        snprintf(text, sizeof(text), "%s %s%s%.100s",
                 doctor_checks[check].label, value,
                 masters > 1 && !well ? " at " : "",
                 masters > 1 && !well ? rds_master(doctor->rds, i) : "");
    }

    if (text[0] != '\0') {
        doctor_add(doctor, doctor_checks[check].name, well, text,
                   doctor_checks[check].hint);
    }
}


static void
doctor_redis_info(struct doctor *doctor)
{
    int           masters = 0;
    char          text[256];
    const char   *argv[] = { "INFO" };
    rds_reply_t  *infos[DOCTOR_MASTERS];

    while (masters < DOCTOR_MASTERS
           && rds_master(doctor->rds, masters) != NULL)
    {
        infos[masters] = rds_ask(doctor->rds, masters, 1, argv);
        if (rds_text(infos[masters]) == NULL) {
            snprintf(text, sizeof(text), "%.100s: %.140s",
                     rds_master(doctor->rds, masters), rds_error(doctor->rds));
            doctor_add(doctor, "redis", false, text,
                       "check that server, and that the worker's user may "
                       "call INFO");
        }
        masters++;
    }

    for (int check = 0; check < DOCTOR_CHECKS; check++) {
        if (check != DOCTOR_REPLICAS
            || strcmp(rds_topology(doctor->rds), "single") != 0)
        {
            doctor_redis_check(doctor, check, infos, masters);
        }
    }
    for (int i = 0; i < masters; i++) {
        rds_clear(infos[i]);
    }
}


/* What the worker takes the store for. */
static void
doctor_topology(struct doctor *doctor)
{
    int   masters = 0, missing = rds_slots_missing(doctor->rds);
    char  text[256];

    while (rds_master(doctor->rds, masters) != NULL) {
        masters++;
    }
    snprintf(text, sizeof(text), "%s: %d %s, the first %.100s, %d slots "
             "without a server", rds_topology(doctor->rds), masters,
             masters == 1 ? "master" : "masters", rds_master(doctor->rds, 0),
             missing);
    doctor_add(doctor, "redis topology", missing == 0, text,
               "give every slot to a master: accounts in the others are "
               "refused");
}


static void
doctor_catalog(struct doctor *doctor)
{
    char         text[128];
    const char  *stored, *argv[] = { "HGET", TG_KEY_CATALOG, "version" };
    RDS_REPLY reply = rds_command(doctor->rds, 3, argv);
    PG_RESULT catalog = pg_ready(doctor->pg)
                        ? pg_call(doctor->pg, "mirror.catalog", 0, NULL)
                        : NULL;

    if (catalog == NULL || pg_rows(catalog) != 1) {
        return;    /* the check of Postgres tells */
    }

    stored = rds_text(reply) ? rds_text(reply) : "none";
    snprintf(text, sizeof(text), "version %s, in redis %s",
             pg_value(catalog, 0, 0), stored);
    doctor_add(doctor, "catalog", strcmp(pg_value(catalog, 0, 0), stored) == 0,
               text, "the mirror role carries it; see the worker's log");
}


/* Entries that wait to be settled, over all shards. */
static void
doctor_backlog(struct doctor *doctor)
{
    char         text[128];
    const char  *params[] = { "shards" };
    struct lag   lag;
    PG_RESULT result = pg_ready(doctor->pg)
                       ? pg_call(doctor->pg, "lib.setting", 1, params) : NULL;

    if (result == NULL || pg_value(result, 0, 0) == NULL
        || !lag_ledger(doctor->rds, atol(pg_value(result, 0, 0)), &lag))
    {
        return;    /* the checks of Postgres and Redis tell */
    }

    snprintf(text, sizeof(text), "%" PRId64 " events wait in redis, the oldest "
             "for %.1f s; %" PRId64 " are kept", lag.entries,
             (double) lag.oldest_ms / 1000, lag.kept);
    doctor_add(doctor, "settle backlog",
               lag.entries < DOCTOR_BACKLOG && lag.oldest_ms < DOCTOR_LATE_MS,
               text, "the settle role is behind or stuck; see the worker's log");

    if (lag_usage(doctor->rds, &lag)) {
        snprintf(text, sizeof(text), "%" PRId64 " batches wait in redis, the "
                 "oldest for %.1f s", lag.entries,
                 (double) lag.oldest_ms / 1000);
        doctor_add(doctor, "usage backlog", lag.oldest_ms < DOCTOR_LATE_MS,
                   text, "the settle role is behind or stuck; see the worker's "
                   "log");
    }
}


void
api_doctor(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    struct doctor  doctor = { .conf = conf, .pg = pg, .rds = rds_new(conf),
                              .checks = json_array(), .ok = true };

    (void) args;
    doctor_roles(&doctor);
    doctor_postgres(&doctor);

    if (rds_ready(doctor.rds)) {
        doctor_topology(&doctor);
        doctor_redis_info(&doctor);
        doctor_catalog(&doctor);
        doctor_backlog(&doctor);
    } else {
        doctor_add(&doctor, "redis", false, rds_error(doctor.rds),
                   "check [redis] server in worker.ini and the server");
    }

    doctor_sql(&doctor);

    api_reply(answer, 200, json_pack("{s:b, s:o}", "ok", doctor.ok,
                                     "checks", doctor.checks));
    rds_free(doctor.rds);
}
