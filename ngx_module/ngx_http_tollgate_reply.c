
/*
 * ngx_http_tollgate_reply.c owns the reading of Redis replies: hiredis parses,
 * and puts values into two arrays that are used again for every reply; errors
 * are told to the operator.
 */


#include "ngx_http_tollgate_redis.h"


/* the catalog is the largest text, 256 decisions the longest array */

#define NGX_HTTP_TOLLGATE_REPLY_TEXT    (16 * 1024 * 1024)
#define NGX_HTTP_TOLLGATE_REPLY_VALUES  8192


static void *ngx_http_tollgate_reply_string(const redisReadTask *task,
    char *data, size_t len);
static void *ngx_http_tollgate_reply_array(const redisReadTask *task, int n);
static void *ngx_http_tollgate_reply_integer(const redisReadTask *task,
    long long integer);
static void *ngx_http_tollgate_reply_nil(const redisReadTask *task);
static void ngx_http_tollgate_reply_drop(void *reply);
static ngx_http_tollgate_value_t *ngx_http_tollgate_reply_value(
    const redisReadTask *task);


/* what an operator can do about an error, by the first word of it */

static struct {
    ngx_str_t                        error;
    const char                      *hint;
} ngx_http_tollgate_redis_hints[] = {
    { ngx_string("NOAUTH"), "give \"password\" or \"password_file\" to "
                            "\"tollgate_redis\"" },
    { ngx_string("WRONGPASS"), "check the user and the password of "
                               "\"tollgate_redis\"" },
    { ngx_string("NOPERM"), "the Redis user may not run what the gate needs" },
    { ngx_string("READONLY"), "\"tollgate_redis\" names a replica, it follows "
                              "a failover with \"sentinel=\"" },
    { ngx_string("MASTERDOWN"), "\"tollgate_redis\" names a replica" },
    { ngx_string("MOVED"), "\"tollgate_redis\" names a node of a cluster, "
                           "give it \"cluster\"" },
    { ngx_string("CLUSTERDOWN"), "nodes of the cluster are away" },
    { ngx_string("LOADING"), "Redis is starting" },
    { ngx_string("BUSY"), "a script keeps Redis busy" },
    { ngx_string("OOM"), "Redis is at its \"maxmemory\"" },
    { ngx_string("MISCONF"), "Redis can't write its snapshot to disk" },
    { ngx_null_string, "see the log of Redis" }
};


static redisReplyObjectFunctions  ngx_http_tollgate_reply_functions = {
    ngx_http_tollgate_reply_string,
    ngx_http_tollgate_reply_array,
    ngx_http_tollgate_reply_integer,
    ngx_http_tollgate_reply_nil,
    ngx_http_tollgate_reply_drop
};


ngx_int_t
ngx_http_tollgate_reply_init(ngx_http_tollgate_parser_t *parser)
{
    parser->reader = redisReaderCreateWithFunctions(
                                           &ngx_http_tollgate_reply_functions);
    if (parser->reader == NULL) {
        return NGX_ERROR;
    }

    parser->reader->privdata = parser;

    parser->n = 0;
    parser->len = 0;
    parser->array = 0;

    return NGX_OK;
}


/* The arrays stay for the next connection. */

void
ngx_http_tollgate_reply_reset(ngx_http_tollgate_parser_t *parser)
{
    if (parser->reader != NULL) {
        redisReaderFree(parser->reader);
        parser->reader = NULL;
    }
}


void
ngx_http_tollgate_reply_free(ngx_http_tollgate_parser_t *parser)
{
    free(parser->values);
    free(parser->text);
    ngx_memzero(parser, sizeof(ngx_http_tollgate_parser_t));
}


ngx_int_t
ngx_http_tollgate_reply_feed(ngx_http_tollgate_parser_t *parser, u_char *data,
    size_t len)
{
    if (parser->reader->len - parser->reader->pos
        > NGX_HTTP_TOLLGATE_REPLY_TEXT)
    {
        return NGX_ERROR;
    }

    if (redisReaderFeed(parser->reader, (char *) data, len) != REDIS_OK) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_tollgate_reply_next(ngx_http_tollgate_parser_t *parser,
    ngx_http_tollgate_reply_t *reply)
{
    void                       *done;
    ngx_uint_t                  i;
    ngx_http_tollgate_value_t  *v;

    if (redisReaderGetReply(parser->reader, &done) != REDIS_OK) {
        return NGX_ERROR;
    }

    if (done == NULL) {
        return NGX_AGAIN;
    }

    /* the text may have moved while it grew, so values held offsets */

    for (i = 0; i < parser->n; i++) {
        v = &parser->values[i];

        if (v->str.len != 0) {
            v->str.data = parser->text + (size_t) v->integer;
        }
    }

    reply->type = parser->array ? REDIS_REPLY_ARRAY : parser->values[0].type;
    reply->n = parser->n;
    reply->value = parser->values;

    parser->n = 0;
    parser->len = 0;
    parser->array = 0;

    return NGX_OK;
}


/* hiredis asks for non-NULL objects and never looks into them. */

static void *
ngx_http_tollgate_reply_string(const redisReadTask *task, char *data,
    size_t len)
{
    u_char                      *text;
    size_t                       size;
    ngx_http_tollgate_value_t   *v;
    ngx_http_tollgate_parser_t  *parser;

    parser = task->privdata;

    if (parser->len + len > parser->size) {
        size = ngx_max(2 * parser->size, parser->len + len + 4096);

        if (size > 2 * NGX_HTTP_TOLLGATE_REPLY_TEXT) {
            return NULL;
        }

        text = realloc(parser->text, size);
        if (text == NULL) {
            return NULL;
        }

        parser->text = text;
        parser->size = size;
    }

    v = ngx_http_tollgate_reply_value(task);
    if (v == NULL) {
        return NULL;
    }

    v->integer = (int64_t) parser->len;
    v->str.len = len;

    if (len != 0) {
        ngx_memcpy(parser->text + parser->len, data, len);
        parser->len += len;
    }

    return v;
}


static void *
ngx_http_tollgate_reply_array(const redisReadTask *task, int n)
{
    ngx_http_tollgate_parser_t  *parser;

    parser = task->privdata;

    /* no reply that we ask for has arrays in arrays */

    if (task->parent != NULL || n < 0 || n > NGX_HTTP_TOLLGATE_REPLY_VALUES) {
        return NULL;
    }

    parser->array = 1;

    return parser;
}


static void *
ngx_http_tollgate_reply_integer(const redisReadTask *task, long long integer)
{
    ngx_http_tollgate_value_t  *v;

    v = ngx_http_tollgate_reply_value(task);

    if (v != NULL) {
        v->integer = integer;
    }

    return v;
}


static void *
ngx_http_tollgate_reply_nil(const redisReadTask *task)
{
    ngx_http_tollgate_value_t  *v;

    v = ngx_http_tollgate_reply_value(task);

    if (v != NULL) {
        v->type = REDIS_REPLY_NIL;
    }

    return v;
}


static void
ngx_http_tollgate_reply_drop(void *reply)
{
    /* values belong to the parser */
}


static ngx_http_tollgate_value_t *
ngx_http_tollgate_reply_value(const redisReadTask *task)
{
    ngx_uint_t                   max;
    ngx_http_tollgate_value_t   *v;
    ngx_http_tollgate_parser_t  *parser;

    parser = task->privdata;

    if (parser->n == parser->max) {
        max = parser->max ? 2 * parser->max : 64;

        v = realloc(parser->values, max * sizeof(ngx_http_tollgate_value_t));
        if (v == NULL) {
            return NULL;
        }

        parser->values = v;
        parser->max = max;
    }

    v = &parser->values[parser->n++];

    v->type = task->type;
    v->integer = 0;
    ngx_str_null(&v->str);

    return v;
}


void
ngx_http_tollgate_redis_complain(ngx_http_tollgate_redis_t *redis,
    const char *what, ngx_http_tollgate_reply_t *reply)
{
    ngx_str_t  *error, *text;
    ngx_uint_t  i;

    text = &reply->value[0].str;

    for (i = 0; /* void */ ; i++) {
        error = &ngx_http_tollgate_redis_hints[i].error;

        if (error->len == 0
            || (text->len >= error->len
                && ngx_memcmp(text->data, error->data, error->len) == 0))
        {
            break;
        }
    }

    ngx_http_tollgate_complain(&redis->said, NGX_LOG_ERR, redis->log,
                               "redis \"%V\" refused %s: \"%*s\", hint: %s",
                               &redis->name, what, ngx_min(text->len, 200),
                               text->data,
                               ngx_http_tollgate_redis_hints[i].hint);
}


ngx_uint_t
ngx_http_tollgate_redis_noscript(ngx_http_tollgate_reply_t *reply)
{
    return reply->type == REDIS_REPLY_ERROR && reply->value[0].str.len >= 8
           && ngx_memcmp(reply->value[0].str.data, "NOSCRIPT", 8) == 0;
}
