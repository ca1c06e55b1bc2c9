/* rds.c: one connection to Redis, with a time limit on every call. */

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "rds.h"
#include "tollgate_scripts.h"


#define RDS_SHA_LEN  40

static const struct {
    const char  *name;
    const char  *text;
} rds_scripts[] = {
    { "apply",   TG_SCRIPT_APPLY },
    { "replace", TG_SCRIPT_REPLACE },
};

#define RDS_SCRIPTS  (sizeof(rds_scripts) / sizeof(rds_scripts[0]))

struct rds_s {
    redisContext       *context;
    const struct conf  *conf;
    bool                complained;
    char                error[512];
    char                sha[RDS_SCRIPTS][RDS_SHA_LEN + 1];
};


rds_t *
rds_new(const struct conf *conf)
{
    rds_t  *rds = calloc(1, sizeof(*rds));

    if (rds == NULL) {
        die("out of memory");
    }
    rds->conf = conf;

    return rds;
}


void
rds_free(rds_t *rds)
{
    if (rds != NULL) {
        rds_drop(rds);
        free(rds);
    }
}


void
rds_drop(rds_t *rds)
{
    if (rds->context != NULL) {
        redisFree(rds->context);
        rds->context = NULL;
    }
}


static void
rds_note(rds_t *rds, const char *text)
{
    snprintf(rds->error, sizeof(rds->error), "%s", text);
}


static struct timeval
rds_timeout(const rds_t *rds)
{
    int64_t  ms = rds->conf->redis_timeout;

    return (struct timeval) { .tv_sec = ms / 1000,
                              .tv_usec = (ms % 1000) * 1000 };
}


static redisContext *
rds_connect(const rds_t *rds)
{
    char             host[CONF_STRING_MAX];
    char            *colon;
    const char      *server = rds->conf->redis_server;
    struct timeval   timeout = rds_timeout(rds);

    if (strncmp(server, "unix:", 5) == 0) {
        return redisConnectUnixWithTimeout(server + 5, timeout);
    }

    snprintf(host, sizeof(host), "%s", server);
    colon = strrchr(host, ':');
    *colon = '\0';

    return redisConnectWithTimeout(host, atoi(colon + 1), timeout);
}


static bool
rds_authenticate(rds_t *rds)
{
    int          argc = 1;
    bool         ok;
    char         secret[512];
    const char  *argv[3] = { "AUTH" };

    if (rds->conf->redis_password_file[0] == '\0') {
        return true;
    }
    if (!conf_secret(rds->conf->redis_password_file, secret, sizeof(secret))) {
        rds_note(rds, "no password");
        return false;
    }

    if (rds->conf->redis_user[0] != '\0') {
        argv[argc++] = rds->conf->redis_user;
    }
    argv[argc++] = secret;

    RDS_REPLY reply = rds_command(rds, argc, argv);

    ok = reply != NULL;
    explicit_bzero(secret, sizeof(secret));

    return ok;
}


static bool
rds_select(rds_t *rds)
{
    char         number[32];
    const char  *argv[] = { "SELECT", number };

    if (rds->conf->redis_database == 0) {
        return true;
    }

    snprintf(number, sizeof(number), "%lld",
             (long long) rds->conf->redis_database);
    RDS_REPLY reply = rds_command(rds, 2, argv);

    return reply != NULL;
}


bool
rds_ready(rds_t *rds)
{
    const char  *ping[] = { "PING" };
    RDS_REPLY reply = NULL;

    if (rds->context != NULL) {
        return true;
    }

    rds->context = rds_connect(rds);
    if (rds->context == NULL || rds->context->err) {
        rds_note(rds, rds->context ? rds->context->errstr : "out of memory");
        goto failed;
    }

    redisSetTimeout(rds->context, rds_timeout(rds));
    if (!rds_authenticate(rds) || !rds_select(rds)) {
        goto failed;
    }

    /* A server that loads its data or is a stranger says so here. */
    reply = rds_command(rds, 1, ping);
    if (reply == NULL) {
        goto failed;
    }

    if (rds->complained) {
        log_info("redis answers again");
    }
    rds->complained = false;

    return true;

failed:

    if (!rds->complained) {
        log_error("connect to redis \"%s\" failed: %s",
                  rds->conf->redis_server, rds->error);
    }
    rds->complained = true;
    rds_drop(rds);

    return false;
}


const char *
rds_error(const rds_t *rds)
{
    return rds->error;
}


bool
rds_connected(const rds_t *rds)
{
    return rds->context != NULL;
}


rds_reply_t *
rds_command(rds_t *rds, int argc, const char *const argv[])
{
    return rds_append(rds, argc, argv) ? rds_next(rds) : NULL;
}


bool
rds_append(rds_t *rds, int argc, const char *const argv[])
{
    if (rds->context == NULL) {
        rds_note(rds, "not connected to redis");
        return false;
    }

    if (redisAppendCommandArgv(rds->context, argc, (const char **) argv, NULL)
        != REDIS_OK)
    {
        rds_note(rds, rds->context->errstr);
        rds_drop(rds);
        return false;
    }

    return true;
}


rds_reply_t *
rds_next(rds_t *rds)
{
    void         *data = NULL;
    rds_reply_t  *reply;

    if (rds->context == NULL) {
        return NULL;
    }

    if (redisGetReply(rds->context, &data) != REDIS_OK) {
        rds_note(rds, rds->context->errstr);
        rds_drop(rds);
        return NULL;
    }

    reply = data;
    if (reply->type == REDIS_REPLY_ERROR) {
        rds_note(rds, reply->str);
        freeReplyObject(reply);
        return NULL;
    }

    return reply;
}


bool
rds_load(rds_t *rds, const char *script)
{
    for (size_t i = 0; i < RDS_SCRIPTS; i++) {
        if (strcmp(rds_scripts[i].name, script) == 0) {
            const char  *argv[] = { "SCRIPT", "LOAD", rds_scripts[i].text };
            RDS_REPLY reply = rds_command(rds, 3, argv);

            if (reply == NULL || rds_text(reply) == NULL
                || rds_len(reply) != RDS_SHA_LEN)
            {
                return false;
            }
            memcpy(rds->sha[i], rds_text(reply), RDS_SHA_LEN + 1);
            return true;
        }
    }

    rds_note(rds, "no such script");

    return false;
}


const char *
rds_sha(const rds_t *rds, const char *script)
{
    for (size_t i = 0; i < RDS_SCRIPTS; i++) {
        if (strcmp(rds_scripts[i].name, script) == 0) {
            return rds->sha[i];
        }
    }

    return "";
}


int64_t
rds_int(const rds_reply_t *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_INTEGER
           ? reply->integer : INT64_MIN;
}


const char *
rds_text(const rds_reply_t *reply)
{
    return reply != NULL
           && (reply->type == REDIS_REPLY_STRING
               || reply->type == REDIS_REPLY_STATUS)
           ? reply->str : NULL;
}


size_t
rds_len(const rds_reply_t *reply)
{
    if (reply == NULL) {
        return 0;
    }

    return reply->type == REDIS_REPLY_ARRAY ? reply->elements
           : rds_text(reply) != NULL ? (size_t) reply->len : 0;
}


const rds_reply_t *
rds_at(const rds_reply_t *reply, size_t i)
{
    return reply != NULL && reply->type == REDIS_REPLY_ARRAY
           && i < reply->elements ? reply->element[i] : NULL;
}


void
rds_clear(rds_reply_t *reply)
{
    if (reply != NULL) {
        freeReplyObject(reply);
    }
}


void
rds_clear_at(rds_reply_t **reply)
{
    rds_clear(*reply);
}
