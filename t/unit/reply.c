/*
 * reply.c: tests the reader of Redis replies by itself, with replies cut at
 * every byte and with text that is no reply.  Prints TAP.
 */

#include <stdarg.h>
#include <stdio.h>

#include "ngx_http_tollgate_redis.h"


/* what the reader takes from nginx */

static char  logged[1024];

void
ngx_http_tollgate_complain(ngx_http_tollgate_complaint_t *complaint,
    ngx_uint_t level, ngx_log_t *log, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    (void) va_arg(args, ngx_str_t *);
    (void) snprintf(logged, sizeof(logged), "%s", va_arg(args, char *));
    va_end(args);
}


static int  tests;

static void
ok(int pass, const char *name)
{
    printf("%sok %d - %s\n", pass ? "" : "not ", ++tests, name);
}


/* Feeds text in pieces of n bytes; the last reply, or what went wrong. */

static ngx_int_t
read_text(ngx_http_tollgate_parser_t *parser, const char *text, size_t len,
    size_t n, ngx_http_tollgate_reply_t *reply)
{
    size_t     piece;
    ngx_int_t  rc;

    rc = NGX_AGAIN;

    for ( /* void */ ; len; text += piece, len -= piece) {
        piece = ngx_min(n, len);

        if (ngx_http_tollgate_reply_feed(parser, (u_char *) text, piece)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        rc = ngx_http_tollgate_reply_next(parser, reply);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    return rc;
}


static int
same(ngx_str_t *s, const char *text)
{
    return s->len == strlen(text) && memcmp(s->data, text, s->len) == 0;
}


static void
test_pieces(ngx_http_tollgate_parser_t *parser)
{
    size_t                     n;
    ngx_http_tollgate_reply_t  reply;

    static const char  text[] = "*5\r\n:-7\r\n$4\r\npass\r\n$0\r\n\r\n$-1\r\n"
                                "+OK\r\n";

    for (n = 1; n <= sizeof(text); n++) {
        if (read_text(parser, text, sizeof(text) - 1, n, &reply) != NGX_OK
            || reply.type != REDIS_REPLY_ARRAY || reply.n != 5
            || reply.value[0].integer != -7
            || !same(&reply.value[1].str, "pass")
            || reply.value[2].type != REDIS_REPLY_STRING
            || reply.value[2].str.len != 0
            || reply.value[3].type != REDIS_REPLY_NIL
            || !same(&reply.value[4].str, "OK"))
        {
            break;
        }
    }

    ok(n > sizeof(text), "an array is read whole, in pieces of any size");
}


static void
test_scalars(ngx_http_tollgate_parser_t *parser)
{
    char                       *text, *p;
    size_t                      i;
    ngx_http_tollgate_reply_t   reply;

    ok(read_text(parser, ":12\r\n", 5, 5, &reply) == NGX_OK
       && reply.type == REDIS_REPLY_INTEGER && reply.n == 1
       && reply.value[0].integer == 12, "an integer");
    ok(read_text(parser, "*0\r\n", 4, 4, &reply) == NGX_OK
       && reply.type == REDIS_REPLY_ARRAY && reply.n == 0, "an empty array");
    ok(read_text(parser, "$-1\r\n", 5, 5, &reply) == NGX_OK
       && reply.type == REDIS_REPLY_NIL, "nothing");

    text = malloc(200020);
    p = text + sprintf(text, "$200000\r\n");

    for (i = 0; i < 200000; i++) {
        *p++ = 'a' + i % 26;
    }

    memcpy(p, "\r\n", 2);

    ok(read_text(parser, text, p + 2 - text, 1000, &reply) == NGX_OK
       && reply.value[0].str.len == 200000
       && memcmp(reply.value[0].str.data, text + 9, 200000) == 0,
       "a text that is longer than any buffer");
    free(text);
}


static void
test_errors(ngx_http_tollgate_parser_t *parser)
{
    ngx_log_t                   log;
    ngx_http_tollgate_redis_t   redis;
    ngx_http_tollgate_reply_t   reply;

    static const char  noscript[] = "-NOSCRIPT No matching script.\r\n";
    static const char  loading[] = "-LOADING Redis is loading\r\n";

    memset(&redis, 0, sizeof(redis));
    memset(&log, 0, sizeof(log));
    log.log_level = NGX_LOG_ERR;
    redis.log = &log;

    ok(read_text(parser, noscript, sizeof(noscript) - 1, 9, &reply) == NGX_OK
       && ngx_http_tollgate_redis_noscript(&reply),
       "a missing script is told from other errors");
    ok(read_text(parser, loading, sizeof(loading) - 1, 9, &reply) == NGX_OK
       && reply.type == REDIS_REPLY_ERROR
       && !ngx_http_tollgate_redis_noscript(&reply), "as another one is");

    ngx_http_tollgate_redis_complain(&redis, "a test", &reply);
    ok(strcmp(logged, "a test") == 0, "an error is logged");
}


static void
test_garbage(void)
{
    size_t                      i;
    char                        name[128];
    ngx_http_tollgate_parser_t  parser;
    ngx_http_tollgate_reply_t   reply;

    static const char  *texts[] = {
        "HTTP/1.1 400 Bad Request\r\n",
        "*2\r\n*1\r\n:1\r\n:2\r\n",
        "*99999999\r\n",
        "*4294967297\r\n",
        "$-7\r\n",
        ":12x\r\n",
        "%1\r\n+a\r\n+b\r\n",
        "\r\n"
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        memset(&parser, 0, sizeof(parser));
        (void) ngx_http_tollgate_reply_init(&parser);
        (void) snprintf(name, sizeof(name), "refused: %.*s",
                        (int) strcspn(texts[i], "\r"), texts[i]);
        ok(read_text(&parser, texts[i], strlen(texts[i]), 100, &reply)
           == NGX_ERROR, name);
        ngx_http_tollgate_reply_reset(&parser);
        free(parser.values);
        free(parser.text);
    }
}


int
main(void)
{
    ngx_http_tollgate_parser_t  parser;

    memset(&parser, 0, sizeof(parser));

    if (ngx_http_tollgate_reply_init(&parser) != NGX_OK) {
        return 1;
    }

    test_pieces(&parser);
    test_scalars(&parser);
    test_errors(&parser);
    ngx_http_tollgate_reply_reset(&parser);
    free(parser.values);
    free(parser.text);

    test_garbage();

    printf("1..%d\n", tests);
    return 0;
}
