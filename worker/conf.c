/* conf.c: one table is the configuration; worker.ini is read through it. */

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"


enum conf_type { CONF_STRING, CONF_INT, CONF_MS, CONF_OCTAL, CONF_SWITCH,
                 CONF_ROLES, CONF_LEVEL };

struct conf_row {
    const char      *section;
    const char      *key;
    enum conf_type   type;
    size_t           offset;
    const char      *fallback;
    int64_t          min;
    int64_t          max;
};

struct conf_reading {
    struct conf  *conf;
    const char   *path;
    FILE         *file;
    int           line;
    bool          failed;
    bool          seen[64];
};

static bool conf_parse_string(const struct conf_row *row, const char *value,
    void *field);
static bool conf_parse_int(const struct conf_row *row, const char *value,
    void *field);
static bool conf_parse_ms(const struct conf_row *row, const char *value,
    void *field);
static bool conf_parse_octal(const struct conf_row *row, const char *value,
    void *field);
static bool conf_parse_switch(const struct conf_row *row, const char *value,
    void *field);
static bool conf_parse_roles(const struct conf_row *row, const char *value,
    void *field);
static bool conf_parse_level(const struct conf_row *row, const char *value,
    void *field);


const char *const role_names[ROLE_MAX] = {
    [ROLE_SETTLE] = "settle",
    [ROLE_MIRROR] = "mirror",
    [ROLE_JOBS]   = "jobs",
    [ROLE_PROOF]  = "proof",
    [ROLE_API]    = "api",
};

static const char *const conf_levels[] = { "error", "warn", "info", "debug" };

static const struct {
    bool       (*parse)(const struct conf_row *row, const char *value,
                        void *field);
    const char  *wanted;
} conf_types[] = {
    [CONF_STRING] = { conf_parse_string, "at most 511 characters" },
    [CONF_INT]    = { conf_parse_int, "an integer" },
    [CONF_MS]     = { conf_parse_ms, "a time like 500ms, 5s or 10m" },
    [CONF_OCTAL]  = { conf_parse_octal, "an octal mode like 0660" },
    [CONF_SWITCH] = { conf_parse_switch, "on or off" },
    [CONF_ROLES]  = { conf_parse_roles,
                      "some of: settle mirror jobs proof api" },
    [CONF_LEVEL]  = { conf_parse_level,
                      "one of: error warn info debug" },
};

#define ROW(section, key, type, fallback, min, max)                           \
    { #section, #key, type, offsetof(struct conf, section##_##key),           \
      fallback, min, max }

/* In the order of conf/worker.ini; ranges of times are in milliseconds. */
static const struct conf_row conf_rows[] = {
    ROW(postgres, dsn, CONF_STRING, "dbname=tollgate", 0, 0),
    ROW(postgres, timeout, CONF_MS, "5s", 100, 600000),

    ROW(redis, server, CONF_STRING, "unix:/run/redis/redis-server.sock", 0, 0),
    ROW(redis, user, CONF_STRING, "", 0, 0),
    ROW(redis, password_file, CONF_STRING, "", 0, 0),
    ROW(redis, database, CONF_INT, "0", 0, 1000000),
    ROW(redis, timeout, CONF_MS, "2s", 100, 600000),
    ROW(redis, cluster, CONF_SWITCH, "off", 0, 0),
    ROW(redis, sentinel, CONF_STRING, "", 0, 0),
    ROW(redis, sentinel_user, CONF_STRING, "", 0, 0),
    ROW(redis, sentinel_password_file, CONF_STRING, "", 0, 0),
    ROW(redis, tls, CONF_SWITCH, "off", 0, 0),
    ROW(redis, tls_ca, CONF_STRING, "", 0, 0),
    ROW(redis, tls_cert, CONF_STRING, "", 0, 0),
    ROW(redis, tls_key, CONF_STRING, "", 0, 0),
    ROW(redis, tls_name, CONF_STRING, "", 0, 0),
    ROW(redis, tls_verify, CONF_SWITCH, "on", 0, 0),

    ROW(worker, roles, CONF_ROLES, "settle mirror jobs proof api", 0, 0),
    ROW(worker, log_level, CONF_LEVEL, "info", 0, 0),
    ROW(worker, pid_file, CONF_STRING, "", 0, 0),

    ROW(settle, batch, CONF_INT, "5000", 1, 100000),
    ROW(settle, idle_ms, CONF_INT, "200", 1, 60000),
    ROW(settle, keep, CONF_MS, "0s", 0, 2678400000),
    ROW(settle, lease_reclaim, CONF_MS, "60s", 5000, 86400000),

    ROW(mirror, idle_ms, CONF_INT, "500", 1, 60000),

    ROW(jobs, idle_ms, CONF_INT, "1000", 1, 60000),
    ROW(jobs, timeout, CONF_MS, "10m", 1000, 86400000),

    ROW(proof, round, CONF_MS, "1h", 1, 604800000),

    ROW(api, socket, CONF_STRING, "/run/tollgate/api.sock", 0, 0),
    ROW(api, admin_socket, CONF_STRING, "/run/tollgate/admin.sock", 0, 0),
    ROW(api, socket_mode, CONF_OCTAL, "0660", 0, 0777),
    ROW(api, token_file, CONF_STRING, "", 0, 0),
    ROW(api, link_secret_file, CONF_STRING, "", 0, 0),
    ROW(api, threads, CONF_INT, "4", 1, 64),

    ROW(sql, dir, CONF_STRING, "/usr/share/tollgate/sql", 0, 0),
};

#define CONF_ROWS  (sizeof(conf_rows) / sizeof(conf_rows[0]))


static bool
conf_set(struct conf *conf, const struct conf_row *row, const char *value)
{
    return conf_types[row->type].parse(row, value,
                                       (char *) conf + row->offset);
}


__attribute__((format(printf, 2, 3)))
static int
conf_refuse(struct conf_reading *reading, const char *fmt, ...)
{
    char     message[1024];
    va_list  args;

    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);

    if (!reading->failed) {
        log_error("%s:%d: %s", reading->path, reading->line, message);
    }
    reading->failed = true;

    return 0;
}


static int
conf_take(void *data, const char *section, const char *key, const char *value)
{
    size_t                 i;
    struct conf_reading   *reading = data;
    const struct conf_row *row;

    for (i = 0; i < CONF_ROWS; i++) {
        row = &conf_rows[i];
        if (strcmp(row->section, section) == 0 && strcmp(row->key, key) == 0) {
            break;
        }
    }

    if (i == CONF_ROWS) {
        return conf_refuse(reading, "unknown key \"%s\" in section [%s]", key,
                           section);
    }
    if (reading->seen[i]) {
        return conf_refuse(reading, "\"%s\" of section [%s] is duplicate", key,
                           section);
    }
    reading->seen[i] = true;

    if (conf_set(reading->conf, row, value)) {
        return 1;
    }

    if (row->max == 0 || row->type == CONF_OCTAL) {
        return conf_refuse(reading, "\"%s\" of section [%s] must be %s, "
                           "not \"%s\"", key, section,
                           conf_types[row->type].wanted, value);
    }

    return conf_refuse(reading, "\"%s\" of section [%s] must be %s from %lld "
                       "to %lld%s, not \"%s\"", key, section,
                       conf_types[row->type].wanted, (long long) row->min,
                       (long long) row->max, row->type == CONF_MS ? " ms" : "",
                       value);
}


/* inih would split a line that is longer than its buffer into two. */
static char *
conf_line(char *line, int size, void *data)
{
    struct conf_reading  *reading = data;

    if (reading->failed || fgets(line, size, reading->file) == NULL) {
        return NULL;
    }

    reading->line++;
    if (strchr(line, '\n') == NULL && !feof(reading->file)) {
        conf_refuse(reading, "the line is longer than %d characters", size - 2);
        return NULL;
    }
    if (line[0] == '[' && strchr(line, ']') == NULL) {
        conf_refuse(reading, "wanted [section] or key = value");
        return NULL;
    }

    return line;
}


bool
conf_read(struct conf *conf, const char *path)
{
    int                  rc;
    struct conf_reading  reading = { .conf = conf, .path = path };

    memset(conf, 0, sizeof(*conf));
    for (size_t i = 0; i < CONF_ROWS; i++) {
        if (!conf_set(conf, &conf_rows[i], conf_rows[i].fallback)) {
            die("default of \"%s\" is wrong", conf_rows[i].key);
        }
    }

    reading.file = fopen(path, "re");
    if (reading.file == NULL) {
        log_error("open \"%s\" failed: %s", path, strerror(errno));
        return false;
    }

    rc = ini_parse_stream(conf_line, &reading, conf_take, &reading);
    if (rc != 0 && !reading.failed) {
        log_error("%s:%d: wanted [section] or key = value", path,
                  rc > 0 ? rc : reading.line);
        reading.failed = true;
    }
    if (ferror(reading.file)) {
        log_error("read \"%s\" failed", path);
        reading.failed = true;
    }
    fclose(reading.file);

    return !reading.failed && conf_check(conf, path);
}


bool
conf_secret(const char *path, char *secret, int size)
{
    FILE   *file;
    size_t  n;

    file = fopen(path, "re");
    if (file == NULL) {
        log_error("open \"%s\" failed: %s", path, strerror(errno));
        return false;
    }

    if (fgets(secret, size, file) == NULL) {
        secret[0] = '\0';
    }
    fclose(file);

    n = strcspn(secret, "\r\n");
    if (n == 0 || n + 1 == (size_t) size) {
        log_error("\"%s\" must hold a secret of 1 to %d characters", path,
                  size - 2);
        return false;
    }
    secret[n] = '\0';

    return true;
}


static bool
conf_parse_string(const struct conf_row *row, const char *value, void *field)
{
    size_t  n = strlen(value);

    (void) row;
    if (n >= CONF_STRING_MAX) {
        return false;
    }
    memcpy(field, value, n + 1);

    return true;
}


static bool
conf_number(const char *value, int base, const char **end, int64_t *number)
{
    char  *rest;

    if (value[0] < '0' || value[0] > '9') {
        return false;
    }

    errno = 0;
    *number = strtoll(value, &rest, base);
    *end = rest;

    return errno == 0;
}


static bool
conf_parse_int(const struct conf_row *row, const char *value, void *field)
{
    int64_t      number;
    const char  *end;

    if (!conf_number(value, 10, &end, &number) || *end != '\0'
        || number < row->min || number > row->max)
    {
        return false;
    }
    *(int64_t *) field = number;

    return true;
}


static bool
conf_parse_ms(const struct conf_row *row, const char *value, void *field)
{
    static const struct { const char *name; int64_t ms; } units[] = {
        { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
    };
    int64_t      number;
    const char  *end;

    if (!conf_number(value, 10, &end, &number) || number > row->max) {
        return false;
    }

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].name) == 0) {
            number *= units[i].ms;
            *(int64_t *) field = number;
            return number >= row->min && number <= row->max;
        }
    }

    return false;
}


static bool
conf_parse_octal(const struct conf_row *row, const char *value, void *field)
{
    int64_t      number;
    const char  *end;

    if (!conf_number(value, 8, &end, &number) || *end != '\0'
        || number > row->max)
    {
        return false;
    }
    *(int64_t *) field = number;

    return true;
}


static bool
conf_parse_switch(const struct conf_row *row, const char *value, void *field)
{
    (void) row;

    *(int64_t *) field = strcmp(value, "on") == 0;

    return *(int64_t *) field || strcmp(value, "off") == 0;
}


static bool
conf_parse_roles(const struct conf_row *row, const char *value, void *field)
{
    int     role;
    char    copy[CONF_STRING_MAX];
    char   *word, *rest = NULL;
    int64_t roles = 0;

    if (!conf_parse_string(row, value, copy)) {
        return false;
    }

    for (word = strtok_r(copy, " \t,", &rest); word != NULL;
         word = strtok_r(NULL, " \t,", &rest))
    {
        for (role = 0; role < ROLE_MAX; role++) {
            if (strcmp(word, role_names[role]) == 0) {
                break;
            }
        }
        if (role == ROLE_MAX) {
            return false;
        }
        roles |= 1 << role;
    }

    *(int64_t *) field = roles;

    return roles != 0;
}


static bool
conf_parse_level(const struct conf_row *row, const char *value, void *field)
{
    (void) row;

    for (size_t i = 0; i < sizeof(conf_levels) / sizeof(conf_levels[0]); i++) {
        if (strcmp(value, conf_levels[i]) == 0) {
            *(int64_t *) field = (int64_t) i;
            return true;
        }
    }

    return false;
}
