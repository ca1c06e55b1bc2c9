/*
 * api_metrics.c: what the worker counts, as a page in Prometheus' text format.
 *
 * Each source adds samples by the name of their metric; a source that can't
 * be asked adds none but its "up".  The table says what there is.
 */

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api.h"
#include "key_names.h"
#include "lag.h"
#include "log.h"
#include "rds.h"
#include "role.h"
#include "version.h"


#define METRICS_TYPE  "text/plain; version=0.0.4"

static const struct {
    const char  *name;
    const char  *type;
    const char  *help;
} metrics_table[] = {     /* in alphabetical order */
    { "process_cpu_seconds_total", "counter",
      "Time on the processor, of the master and each role." },
    { "process_open_fds", "gauge",
      "Open file descriptors, of the master and each role." },
    { "process_resident_memory_bytes", "gauge",
      "Memory that is resident, of the master and each role." },
    { "process_start_time_seconds", "gauge",
      "When the process started, unix time." },
    { "tollgate_accounts_frozen", "gauge",
      "Accounts frozen because their events did not add up." },
    { "tollgate_alerts_open", "gauge",
      "Alerts that nobody has closed." },
    { "tollgate_held_credits", "gauge",
      "Credits that are held or on lease, as far as settled." },
    { "tollgate_holds_expired_total", "counter",
      "Holds that ran out before their request was settled." },
    { "tollgate_job_failures_total", "counter",
      "Runs of a job that failed." },
    { "tollgate_job_last_success_timestamp_seconds", "gauge",
      "When a job last did what was due, unix time." },
    { "tollgate_leases", "gauge",
      "Leases of nginx hosts." },
    { "tollgate_leases_reclaimed_total", "counter",
      "Leases that returned since their host was not heard of." },
    { "tollgate_ledger_imbalance", "gauge",
      "Assets and wallets that did not add up at the last check; must be 0." },
    { "tollgate_ledger_oldest_pending_seconds", "gauge",
      "Age of the oldest ledger event that is not settled." },
    { "tollgate_ledger_settled_total", "counter",
      "Ledger events, posted (taken) or kept aside (refused)." },
    { "tollgate_ledger_shard_lag_entries", "gauge",
      "Ledger events that are not settled, of the shard with the most." },
    { "tollgate_ledger_stream_kept_entries", "gauge",
      "Ledger events in Redis that are settled and kept." },
    { "tollgate_ledger_stream_lag_entries", "gauge",
      "Ledger events in Redis that are not settled." },
    { "tollgate_mirror_oldest_pending_seconds", "gauge",
      "Age of the oldest command that Redis does not have." },
    { "tollgate_mirror_pending_commands", "gauge",
      "Commands that Redis does not have." },
    { "tollgate_pg_up", "gauge",
      "Whether Postgres answers." },
    { "tollgate_proof_accounts_total", "counter",
      "Accounts that rounds of the proof looked at." },
    { "tollgate_proof_differences", "gauge",
      "Accounts of which Redis and the ledger differ; must be 0." },
    { "tollgate_proof_last_round_timestamp_seconds", "gauge",
      "When the proof last ended a round of all accounts, unix time." },
    { "tollgate_proof_round_seconds", "gauge",
      "How long a round of the proof may take." },
    { "tollgate_proof_unproved_accounts", "gauge",
      "Accounts that moved whenever the last whole round looked." },
    { "tollgate_recoveries_oldest_open_seconds", "gauge",
      "Age of the oldest wallet that is still to be made again." },
    { "tollgate_recoveries_open", "gauge",
      "Wallets that are to be made again from the ledger." },
    { "tollgate_recoveries_total", "counter",
      "Wallets that were made again from the ledger." },
    { "tollgate_redis_up", "gauge",
      "Whether Redis answers the worker." },
    { "tollgate_role_restarts_total", "counter",
      "Times that a role's process died and was started again." },
    { "tollgate_role_up", "gauge",
      "Whether a role's process runs." },
    { "tollgate_streams_behind", "gauge",
      "Ledger streams of which Postgres has less than was settled before." },
    { "tollgate_usage_oldest_pending_seconds", "gauge",
      "Age of the oldest batch of usage records that is not settled." },
    { "tollgate_usage_settled_total", "counter",
      "Usage records, kept (taken) or malformed (refused)." },
    { "tollgate_usage_stream_lag_entries", "gauge",
      "Batches of usage records in Redis that are not settled." },
    { "tollgate_voids_open", "gauge",
      "Voided requests of which is not known yet whether they were charged." },
    { "tollgate_worker_build_info", "gauge",
      "Version of the worker." },
};


/* Adds a sample; label is NULL for one that stands alone. */
static void
metrics_add(json_t *samples, const char *name, const char *label,
    const char *of, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static void
metrics_add(json_t *samples, const char *name, const char *label,
    const char *of, const char *format, ...)
{
    char     value[64];
    json_t  *list = json_object_get(samples, name);
    va_list  args;

    va_start(args, format);
    vsnprintf(value, sizeof(value), format, args);
    va_end(args);

    if (list == NULL) {
        list = json_array();
        json_object_set_new(samples, name, list);
    }
    json_array_append_new(list, json_pack("{s:s?, s:s?, s:s}", "label", label,
                                          "of", of, "value", value));
}


/* --- Postgres ------------------------------------------------------------ */


/* Fixed at set-up, so that what was heard once goes for an outage too. */
static _Atomic long  metrics_shards;


static void
metrics_postgres(json_t *samples, pg_t *pg)
{
    json_t      *answer = NULL;
    const char  *params[] = { "{\"_actor\":\"operator\"}" };
    const char  *setting[] = { "shards" };

    if (pg_ready(pg)) {
        PG_RESULT shards = pg_call(pg, "lib.setting", 1, setting);
        PG_RESULT result = pg_call(pg, "api.metrics", 1, params);

        if (shards == NULL || result == NULL) {
            log_error("api.metrics failed: %s", pg_error(pg)->message);
        } else {
            metrics_shards = atol(pg_value(shards, 0, 0));
            answer = json_loads(pg_value(result, 0, 0), 0, NULL);
        }
    }

    metrics_add(samples, "tollgate_pg_up", NULL, NULL, "%d",
                answer != NULL);
    if (answer != NULL) {
        json_object_update(samples, answer);
        json_decref(answer);
    }
}


/* --- Redis --------------------------------------------------------------- */


static void
metrics_lag(json_t *samples, rds_t *rds)
{
    struct lag  lag;

    if (metrics_shards != 0 && lag_ledger(rds, metrics_shards, &lag)) {
        metrics_add(samples, "tollgate_ledger_stream_lag_entries", NULL, NULL,
                    "%" PRId64, lag.entries);
        metrics_add(samples, "tollgate_ledger_shard_lag_entries", NULL, NULL,
                    "%" PRId64, lag.most);
        metrics_add(samples, "tollgate_ledger_stream_kept_entries", NULL, NULL,
                    "%" PRId64, lag.kept);
        metrics_add(samples, "tollgate_ledger_oldest_pending_seconds", NULL,
                    NULL, "%.3f", (double) lag.oldest_ms / 1000);
    }
    if (lag_usage(rds, &lag)) {
        metrics_add(samples, "tollgate_usage_stream_lag_entries", NULL, NULL,
                    "%" PRId64, lag.entries);
        metrics_add(samples, "tollgate_usage_oldest_pending_seconds", NULL,
                    NULL, "%.3f", (double) lag.oldest_ms / 1000);
    }
}


static void
metrics_leases(json_t *samples, rds_t *rds)
{
    char         key[64];
    int64_t      leases = 0;
    const char  *argv[] = { "HLEN", key };

    for (long shard = 0; shard < metrics_shards; shard++) {
        snprintf(key, sizeof(key), TG_KEY_LEASES_FMT, (unsigned) shard);
        if (!rds_append(rds, 2, argv)) {
            return;
        }
    }

    for (long shard = 0; shard < metrics_shards; shard++) {
        RDS_REPLY reply = rds_next(rds);

        if (reply == NULL) {
            leases = -1;
        } else if (leases != -1) {
            leases += rds_int(reply);
        }
    }

    if (leases != -1 && metrics_shards != 0) {
        metrics_add(samples, "tollgate_leases", NULL, NULL, "%" PRId64,
                    leases);
    }
}


static void
metrics_redis(json_t *samples, const struct conf *conf)
{
    rds_t  *rds = rds_new(conf);
    bool    up = rds_ready(rds);

    if (up) {
        metrics_lag(samples, rds);
        metrics_leases(samples, rds);
        up = rds_connected(rds);
    }
    metrics_add(samples, "tollgate_redis_up", "server", conf->redis_server,
                "%d", up);

    rds_free(rds);
}


/* --- processes ----------------------------------------------------------- */


/* One line of a file below /proc, or NULL. */
static char *
metrics_proc(char *text, size_t size, pid_t pid, const char *file)
{
    char   path[64];
    char  *got;
    FILE  *in;

    snprintf(path, sizeof(path), "/proc/%ld/%s", (long) pid, file);
    in = fopen(path, "re");
    if (in == NULL) {
        return NULL;
    }
    got = fgets(text, (int) size, in);
    fclose(in);

    return got;
}


static long
metrics_open_fds(pid_t pid)
{
    char            path[64];
    DIR            *dir;
    long            count = 0;
    struct dirent  *entry;

    snprintf(path, sizeof(path), "/proc/%ld/fd", (long) pid);
    dir = opendir(path);
    if (dir == NULL) {
        return -1;
    }
    while ((entry = readdir(dir)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    closedir(dir);

    return count;
}


/* The unix time at which the clock of "start" in /proc began. */
static double
metrics_boot_time(void)
{
    struct timespec  wall, boot;

    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &boot);

    return (double) (wall.tv_sec - boot.tv_sec)
           + (double) (wall.tv_nsec - boot.tv_nsec) / 1e9;
}


/* A process that ends while it is looked at has no samples. */
static void
metrics_process(json_t *samples, const char *role, pid_t pid)
{
    char                text[1024], *rest;
    long                fds = metrics_open_fds(pid), pages;
    double              tick = (double) sysconf(_SC_CLK_TCK);
    unsigned long       user, system;
    unsigned long long  start;

    if (metrics_proc(text, sizeof(text), pid, "stat") == NULL) {
        return;
    }

    /* the name in parentheses can hold anything; fields 14, 15, 22 and 24 */
    rest = strrchr(text, ')');
    if (fds == -1 || rest == NULL
        || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
                  "%lu %lu %*d %*d %*d %*d %*d %*d %llu %*u %ld",
                  &user, &system, &start, &pages) != 4)
    {
        return;
    }

    metrics_add(samples, "process_cpu_seconds_total", "role", role, "%.2f",
                (double) (user + system) / tick);
    metrics_add(samples, "process_open_fds", "role", role, "%ld", fds);
    metrics_add(samples, "process_resident_memory_bytes", "role", role, "%ld",
                pages * sysconf(_SC_PAGESIZE));
    metrics_add(samples, "process_start_time_seconds", "role", role, "%.2f",
                metrics_boot_time() + (double) start / tick);
}


static void
metrics_roles(json_t *samples, const struct conf *conf)
{
    pid_t  pid;

    metrics_process(samples, "master", getppid());

    for (int role = 0; role < ROLE_MAX; role++) {
        if (!(conf->worker_roles & 1 << role)) {
            continue;
        }

        pid = (pid_t) role_states[role].pid;
        metrics_add(samples, "tollgate_role_up", "role", role_names[role],
                    "%d", pid != 0);
        metrics_add(samples, "tollgate_role_restarts_total", "role",
                    role_names[role], "%" PRId64,
                    (int64_t) role_states[role].restarts);
        if (pid != 0) {
            metrics_process(samples, role_names[role], pid);
        }
    }
}


/* --- the page ------------------------------------------------------------ */


static void
metrics_print_label(FILE *page, const char *label, const char *value)
{
    fprintf(page, "{%s=\"", label);
    for ( ; *value != '\0'; value++) {
        if (*value == '\n') {
            fputs("\\n", page);
            continue;
        }
        if (*value == '"' || *value == '\\') {
            fputc('\\', page);
        }
        fputc(*value, page);
    }
    fputs("\"}", page);
}


static void
metrics_print(FILE *page, const json_t *samples)
{
    size_t       n;
    json_t      *sample;
    const char  *name, *label, *of, *value;

    for (size_t i = 0; i < sizeof(metrics_table) / sizeof(metrics_table[0]);
         i++)
    {
        name = metrics_table[i].name;
        fprintf(page, "# HELP %s %s\n# TYPE %s %s\n", name,
                metrics_table[i].help, name, metrics_table[i].type);

        json_array_foreach(json_object_get(samples, name), n, sample) {
            label = json_string_value(json_object_get(sample, "label"));
            of = json_string_value(json_object_get(sample, "of"));
            value = json_string_value(json_object_get(sample, "value"));

            if (value == NULL) {
                continue;
            }
            fputs(name, page);
            if (label != NULL && of != NULL) {
                metrics_print_label(page, label, of);
            }
            fprintf(page, " %s\n", value);
        }
    }
}


void
api_metrics(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    char    *text = NULL;
    size_t   len;
    FILE    *page = open_memstream(&text, &len);
    json_t  *samples = json_object();

    (void) args;

    metrics_postgres(samples, pg);
    metrics_redis(samples, conf);
    metrics_roles(samples, conf);
    metrics_add(samples, "tollgate_worker_build_info", "version",
                TOLLGATE_VERSION, "1");

    if (page == NULL) {
        api_problem(answer, 500, "internal_error", "out of memory", NULL);
    } else {
        metrics_print(page, samples);
        fclose(page);
        answer->status = 200;
        answer->type = METRICS_TYPE;
        answer->body = text;
    }

    json_decref(samples);
}
