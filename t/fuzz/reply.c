
/*
 * reply.c: fuzzes the reader of Redis replies: the same bytes cut anywhere
 * make the same replies, and values that are written as a reply read the same.
 */


#include "ngx_shim.h"


/* what was read, as text */

typedef struct {
    u_char                       text[65536];
    size_t                       len;
} reply_record_t;


static reply_record_t  reply_whole, reply_cut;


static void
reply_write(reply_record_t *record, const void *data, size_t len)
{
    len = ngx_min(len, sizeof(record->text) - record->len);

    if (len) {
        ngx_memcpy(record->text + record->len, data, len);
        record->len += len;
    }
}


static void
reply_note(reply_record_t *record, ngx_http_tollgate_reply_t *reply)
{
    char                        head[96];
    ngx_uint_t                  i;
    ngx_log_t                   log;
    ngx_http_tollgate_value_t  *v;
    ngx_http_tollgate_redis_t   redis;

    CHECK(reply->type == REDIS_REPLY_ARRAY || reply->n == 1);

    reply_write(record, head, sprintf(head, "[%d %d]", (int) reply->type,
                                      (int) reply->n));

    for (i = 0; i < reply->n; i++) {
        v = &reply->value[i];
        CHECK(v->type != REDIS_REPLY_ARRAY);

        reply_write(record, head,
                    sprintf(head, "(%d %lld %d)", (int) v->type,
                            v->type == REDIS_REPLY_INTEGER
                            ? (long long) v->integer : 0, (int) v->str.len));
        reply_write(record, v->str.data, v->str.len);
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_memzero(&redis, sizeof(redis));
        ngx_memzero(&log, sizeof(log));
        log.log_level = NGX_LOG_ERR;
        redis.log = &log;
        shim_logged[0] = '\0';

        ngx_http_tollgate_redis_complain(&redis, "it", reply);
        CHECK(shim_logged[0] != '\0');
        CHECK(ngx_http_tollgate_redis_noscript(reply)
              == (v->str.len >= 8
                  && memcmp(v->str.data, "NOSCRIPT", 8) == 0));
    }
}


/* Feeds what is left in pieces that the seed chooses, 0 = as a whole. */

static void
reply_read(reply_record_t *record, struct input input, uint32_t seed)
{
    size_t                      len;
    u_char                     *piece;
    ngx_int_t                   rc;
    ngx_http_tollgate_reply_t   reply;
    ngx_http_tollgate_parser_t  parser;

    record->len = 0;
    rc = NGX_AGAIN;
    ngx_memzero(&parser, sizeof(parser));
    CHECK(ngx_http_tollgate_reply_init(&parser) == NGX_OK);

    while (input.size != 0 && rc == NGX_AGAIN) {
        seed = seed ? seed * 1664525 + 1013904223 : 0;
        len = seed ? 1 + (seed >> 24) % 24 : input.size;
        len = ngx_min(len, input.size);

        piece = malloc(len);
        CHECK(piece != NULL);
        memcpy(piece, input.data, len);
        rc = ngx_http_tollgate_reply_feed(&parser, piece, len);
        free(piece);

        CHECK(rc == NGX_OK);
        input.data += len;
        input.size -= len;

        while ((rc = ngx_http_tollgate_reply_next(&parser, &reply)) == NGX_OK)
        {
            reply_note(record, &reply);
        }
    }

    reply_write(record, rc == NGX_ERROR ? "!" : ".", 1);

    ngx_http_tollgate_reply_reset(&parser);
    free(parser.values);
    free(parser.text);
}


/* Lines as an array: a text each, or a number where it begins with ":". */

static size_t
reply_print(u_char *out, struct input input, ngx_uint_t *n)
{
    u_char        *p;
    struct input   line, count;

    count = input;

    for (*n = 0; input_cut(&count, '\n', &line); (*n)++) { /* void */ }

    p = out + sprintf((char *) out, "*%d\r\n", (int) *n);

    while (input_cut(&input, '\n', &line)) {
        if (line.size != 0 && line.data[0] == ':') {
            p += sprintf((char *) p, ":%lld\r\n",
                         (long long) line.size * (line.size % 2 ? -1 : 1));
            continue;
        }

        p += sprintf((char *) p, "$%d\r\n", (int) line.size);

        if (line.size != 0) {
            p = ngx_cpymem(p, line.data, line.size);
        }

        p = ngx_cpymem(p, "\r\n", 2);
    }

    return p - out;
}


static void
reply_check_printed(struct input input, uint32_t seed)
{
    size_t                      len, piece;
    u_char                     *out, *p;
    ngx_uint_t                  i, n;
    ngx_int_t                   rc;
    struct input                line;
    ngx_http_tollgate_value_t  *v;
    ngx_http_tollgate_reply_t   reply;
    ngx_http_tollgate_parser_t  parser;

    ngx_memzero(&parser, sizeof(parser));
    CHECK(ngx_http_tollgate_reply_init(&parser) == NGX_OK);

    out = malloc(32 + 32 * input.size);
    CHECK(out != NULL);
    len = reply_print(out, input, &n);
    rc = NGX_AGAIN;

    for (p = out; p < out + len; p += piece) {
        CHECK(rc == NGX_AGAIN);
        seed = seed * 1664525 + 1013904223;
        piece = ngx_min(1 + (seed >> 24), (size_t) (out + len - p));
        CHECK(ngx_http_tollgate_reply_feed(&parser, p, piece) == NGX_OK);
        rc = ngx_http_tollgate_reply_next(&parser, &reply);
    }

    CHECK(rc == NGX_OK && reply.type == REDIS_REPLY_ARRAY && reply.n == n);

    for (i = 0; input_cut(&input, '\n', &line); i++) {
        v = &reply.value[i];

        if (line.size != 0 && line.data[0] == ':') {
            CHECK(v->type == REDIS_REPLY_INTEGER && v->integer
                  == (int64_t) line.size * (line.size % 2 ? -1 : 1));
            continue;
        }

        CHECK(v->type == REDIS_REPLY_STRING && v->str.len == line.size);
        CHECK(line.size == 0
              || memcmp(v->str.data, line.data, line.size) == 0);
    }

    free(out);
    ngx_http_tollgate_reply_reset(&parser);
    free(parser.values);
    free(parser.text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t      seed;
    struct input  input = { data, size };

    seed = 1 + input_byte(&input);

    reply_read(&reply_whole, input, 0);
    reply_read(&reply_cut, input, seed);
    reply_check_printed(input, seed);

    CHECK(reply_whole.len == reply_cut.len);
    CHECK(memcmp(reply_whole.text, reply_cut.text, reply_cut.len) == 0);

    return 0;
}
