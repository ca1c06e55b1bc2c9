
/*
 * ngx_http_tollgate_greet.c owns what a connection to Redis begins with:
 * password, database, role, the server's clock and the scripts.
 */


#include <ngx_sha1.h>
#include <time.h>

#include "ngx_http_tollgate_metrics.h"
#include "tollgate_scripts.h"


/* a sample of Redis' clock is good for one to two periods, in ms */

#define NGX_HTTP_TOLLGATE_REDIS_PERIOD   10000


typedef struct {
    ngx_str_t                        text;
    u_char                           sha[40];
} ngx_http_tollgate_script_t;


static ngx_int_t ngx_http_tollgate_redis_say(ngx_http_tollgate_redis_t *redis,
    ngx_uint_t n, const char *command, ngx_str_t *one, ngx_str_t *two);
static ngx_int_t ngx_http_tollgate_redis_greeted(
    ngx_http_tollgate_call_t *call, ngx_http_tollgate_reply_t *reply);
static ngx_int_t ngx_http_tollgate_redis_time(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_reply_t *reply);
static void ngx_http_tollgate_redis_welcome(ngx_http_tollgate_redis_t *redis);
static ngx_int_t ngx_http_tollgate_redis_loaded(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);
static int64_t ngx_http_tollgate_redis_now(void);


static ngx_http_tollgate_script_t  ngx_http_tollgate_scripts[] = {
    { ngx_string(TG_SCRIPT_GATE), { 0 } },
    { ngx_string(TG_SCRIPT_REFUND), { 0 } },
    { ngx_string(TG_SCRIPT_VOID), { 0 } },
    { ngx_string(TG_SCRIPT_RELEASE), { 0 } },
    { ngx_string(TG_SCRIPT_COMMIT), { 0 } },
    { ngx_string(TG_SCRIPT_EXTEND), { 0 } },
    { ngx_string(TG_SCRIPT_LEASE), { 0 } }
};


/* The names of the scripts, by the master, for a process has to start soon. */

void
ngx_http_tollgate_redis_greet_init(void)
{
    u_char       digest[20];
    ngx_uint_t   i;
    ngx_sha1_t   sha1;

    for (i = 0; i < NGX_HTTP_TOLLGATE_SCRIPTS; i++) {
        ngx_sha1_init(&sha1);
        ngx_sha1_update(&sha1, ngx_http_tollgate_scripts[i].text.data,
                        ngx_http_tollgate_scripts[i].text.len);
        ngx_sha1_final(digest, &sha1);
        (void) ngx_hex_dump(ngx_http_tollgate_scripts[i].sha, digest, 20);
    }
}


/*
 * What a connection says first.  Calls follow only when all of it has been
 * answered well: a call in the wrong database would charge nobody.
 */

ngx_int_t
ngx_http_tollgate_redis_greet(ngx_http_tollgate_redis_t *redis)
{
    u_char                           number[NGX_INT_T_LEN];
    ngx_str_t                       *user, *password, database;
    ngx_http_tollgate_redis_conf_t  *conf;

    static ngx_str_t  replication = ngx_string("replication");

    redis->greetings = 0;
    conf = redis->conf;

    user = &conf->user;
    password = &conf->password;

    if (redis->scout && conf->topology == NGX_HTTP_TOLLGATE_SENTINEL) {
        user = &conf->sentinel_user;
        password = &conf->sentinel_password;
    }

    if (password->len
        && (user->len
            ? ngx_http_tollgate_redis_say(redis, 3, "AUTH", user, password)
            : ngx_http_tollgate_redis_say(redis, 2, "AUTH", password, NULL))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (redis->scout) {
        return ngx_http_tollgate_redis_say(redis, 1, "PING", NULL, NULL);
    }

    if (conf->database) {
        database.data = number;
        database.len = ngx_sprintf(number, "%ui", conf->database) - number;

        if (ngx_http_tollgate_redis_say(redis, 2, "SELECT", &database, NULL)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    /* sentinels may still name a master that is one no more */

    if (conf->topology == NGX_HTTP_TOLLGATE_SENTINEL
        && ngx_http_tollgate_redis_say(redis, 2, "INFO", &replication, NULL)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_tollgate_redis_say(redis, 1, "TIME", NULL, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    redis->greetings += NGX_HTTP_TOLLGATE_SCRIPTS;

    return ngx_http_tollgate_redis_load(redis);
}


/* One command of the greeting, of n words. */

static ngx_int_t
ngx_http_tollgate_redis_say(ngx_http_tollgate_redis_t *redis, ngx_uint_t n,
    const char *command, ngx_str_t *one, ngx_str_t *two)
{
    size_t                     len;
    ngx_http_tollgate_call_t  *call;

    call = ngx_http_tollgate_redis_call(redis, ngx_http_tollgate_redis_greeted,
                                        NULL);
    if (call == NULL) {
        return NGX_ERROR;
    }

    len = ngx_strlen(command);

    if (ngx_http_tollgate_redis_command(redis, n, len + (one ? one->len : 0)
                                                  + (two ? two->len : 0))
        != NGX_OK)
    {
        ngx_http_tollgate_redis_forget(call);
        return NGX_ERROR;
    }

    ngx_http_tollgate_redis_arg(redis, command, len);

    if (one != NULL) {
        ngx_http_tollgate_redis_arg(redis, one->data, one->len);
    }

    if (two != NULL) {
        ngx_http_tollgate_redis_arg(redis, two->data, two->len);
    }

    ngx_http_tollgate_redis_expect(call);
    redis->greetings++;

    return NGX_OK;
}


ngx_int_t
ngx_http_tollgate_redis_load(ngx_http_tollgate_redis_t *redis)
{
    ngx_uint_t                 i;
    ngx_str_t                 *text;
    ngx_http_tollgate_call_t  *call;

    /* many calls may find a script missing, what is on its way serves all */

    if (redis->loads) {
        return NGX_OK;
    }

    for (i = 0; i < NGX_HTTP_TOLLGATE_SCRIPTS; i++) {
        text = &ngx_http_tollgate_scripts[i].text;

        call = ngx_http_tollgate_redis_call(redis,
                                            ngx_http_tollgate_redis_loaded,
                                            NULL);
        if (call == NULL) {
            return NGX_ERROR;
        }

        if (ngx_http_tollgate_redis_command(redis, 3, 10 + text->len)
            != NGX_OK)
        {
            ngx_http_tollgate_redis_forget(call);
            return NGX_ERROR;
        }

        ngx_http_tollgate_redis_arg(redis, "SCRIPT", 6);
        ngx_http_tollgate_redis_arg(redis, "LOAD", 4);
        ngx_http_tollgate_redis_arg(redis, text->data, text->len);
        ngx_http_tollgate_redis_expect(call);
        redis->loads++;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_redis_greeted(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_http_tollgate_redis_t  *redis;

    if (reply == NULL) {
        return NGX_OK;
    }

    redis = call->redis;

    switch (reply->type) {

    case REDIS_REPLY_ERROR:
        ngx_http_tollgate_redis_complain(redis, "the greeting", reply);
        return NGX_ABORT;

    case REDIS_REPLY_STATUS:
        break;

    case REDIS_REPLY_STRING: /* of INFO */
        if (ngx_strlcasestrn(reply->value[0].str.data,
                             reply->value[0].str.data
                             + reply->value[0].str.len,
                             (u_char *) "role:master", 11 - 1)
            == NULL)
        {
            ngx_http_tollgate_complain(&redis->said, NGX_LOG_WARN, redis->log,
                                       "redis \"%V\" is not the master that "
                                       "the sentinels say, hint: this ends "
                                       "with a failover; if not, see them",
                                       &redis->name);
            return NGX_ABORT;
        }

        break;

    case REDIS_REPLY_ARRAY: /* of TIME */
        if (ngx_http_tollgate_redis_time(redis, reply) != NGX_OK) {
            return NGX_ERROR;
        }

        break;

    default:
        return NGX_ERROR;
    }

    if (--redis->greetings == 0) {
        ngx_http_tollgate_redis_welcome(redis);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_redis_time(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_int_t  s, us;

    if (reply->n != 2) {
        return NGX_ERROR;
    }

    s = ngx_atoi(reply->value[0].str.data, reply->value[0].str.len);
    us = ngx_atoi(reply->value[1].str.data, reply->value[1].str.len);

    if (s == NGX_ERROR || us == NGX_ERROR) {
        return NGX_ERROR;
    }

    redis->offset[0] = INT64_MIN;
    redis->offset[1] = INT64_MIN;
    redis->offset_at = ngx_current_msec;

    ngx_http_tollgate_redis_heard(redis, (int64_t) s * 1000000 + us);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_redis_loaded(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_http_tollgate_redis_t  *redis;

    redis = call->redis;
    redis->loads--;

    if (reply == NULL) {
        return NGX_OK;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_tollgate_redis_complain(redis, "loading a script", reply);
        return NGX_ABORT;
    }

    if (reply->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    if (redis->state == NGX_HTTP_TOLLGATE_REDIS_GREETING
        && --redis->greetings == 0)
    {
        ngx_http_tollgate_redis_welcome(redis);
    }

    return NGX_OK;
}


static void
ngx_http_tollgate_redis_welcome(ngx_http_tollgate_redis_t *redis)
{
    ngx_log_error(NGX_LOG_INFO, redis->log, 0,
                  "tollgate: connected to redis \"%V\"", &redis->name);

    redis->state = NGX_HTTP_TOLLGATE_REDIS_READY;
    redis->backoff = 0;
    ngx_http_tollgate_metrics_up(redis, 1);

    /* it was that of the greeting */

    ngx_del_timer(&redis->timer);
    ngx_http_tollgate_redis_post(redis);
}


void
ngx_http_tollgate_redis_arg_script(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_script_e script)
{
    ngx_http_tollgate_redis_arg(redis, "EVALSHA", 7);
    ngx_http_tollgate_redis_arg(redis, ngx_http_tollgate_scripts[script].sha,
                                40);
}


static int64_t
ngx_http_tollgate_redis_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


/*
 * A sample is low by the time that its reply took, so the highest of the last
 * one or two periods is the best, and never tells a time that is yet to come.
 */

void
ngx_http_tollgate_redis_heard(ngx_http_tollgate_redis_t *redis,
    int64_t time_us)
{
    int64_t  offset;

    offset = time_us - ngx_http_tollgate_redis_now();

    if (ngx_current_msec - redis->offset_at > NGX_HTTP_TOLLGATE_REDIS_PERIOD) {
        redis->offset_at = ngx_current_msec;
        redis->offset[1] = redis->offset[0];
        redis->offset[0] = offset;
        return;
    }

    redis->offset[0] = ngx_max(redis->offset[0], offset);
}


int64_t
ngx_http_tollgate_redis_clock(ngx_http_tollgate_redis_t *redis)
{
    return ngx_http_tollgate_redis_now()
           + ngx_max(redis->offset[0], redis->offset[1]);
}
