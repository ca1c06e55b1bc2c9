
/*
 * ngx_http_tollgate_meter_inflate.c owns metered responses that come
 * compressed: they pass as they are, and are inflated beside.
 */


#include "ngx_http_tollgate_meter.h"

#include <zlib.h>


#define NGX_HTTP_TOLLGATE_INFLATE_PIECE  4096

/* a response that grows beyond this is given up, for inflating takes time */

#define NGX_HTTP_TOLLGATE_INFLATE_MOST   (64 * 1024 * 1024)


typedef struct ngx_http_tollgate_inflate_s {
    z_stream                         stream;
    size_t                           total;
    unsigned                         begun:1;
    unsigned                         gzip:1;
    unsigned                         ended:1;
    u_char                           piece[NGX_HTTP_TOLLGATE_INFLATE_PIECE];
} ngx_http_tollgate_inflate_t;


static ngx_int_t ngx_http_tollgate_inflate_begin(
    ngx_http_tollgate_inflate_t *inf, u_char first);
static void *ngx_http_tollgate_inflate_alloc(void *opaque, u_int items,
    u_int size);
static void ngx_http_tollgate_inflate_free(void *opaque, void *address);


static ngx_str_t  ngx_http_tollgate_inflate_codings[] = {
    ngx_string("gzip"), ngx_string("x-gzip"), ngx_string("deflate"),
    ngx_null_string
};


ngx_int_t
ngx_http_tollgate_meter_encoding(ngx_http_request_t *r,
    ngx_http_tollgate_meter_t *meter)
{
    ngx_str_t                    *coding, *known;
    ngx_http_tollgate_inflate_t  *inf;

    if (r->headers_out.content_encoding == NULL
        || r->headers_out.content_encoding->hash == 0
        || r->headers_out.content_encoding->value.len == 0)
    {
        return NGX_OK;
    }

    coding = &r->headers_out.content_encoding->value;

    if (coding->len == 8
        && ngx_strncasecmp(coding->data, (u_char *) "identity", 8) == 0)
    {
        return NGX_OK;
    }

    for (known = ngx_http_tollgate_inflate_codings; known->len; known++) {
        if (known->len == coding->len
            && ngx_strncasecmp(known->data, coding->data, known->len) == 0)
        {
            break;
        }
    }

    if (known->len == 0) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "tollgate: a response in the encoding \"%V\" can't be "
                      "metered, hint: proxy_set_header Accept-Encoding \"\";",
                      coding);
        return NGX_DECLINED;
    }

    inf = ngx_palloc(r->pool, sizeof(ngx_http_tollgate_inflate_t));
    if (inf == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&inf->stream, sizeof(z_stream));

    inf->stream.zalloc = ngx_http_tollgate_inflate_alloc;
    inf->stream.zfree = ngx_http_tollgate_inflate_free;
    inf->stream.opaque = r->pool;
    inf->total = 0;
    inf->begun = 0;
    inf->gzip = coding->data[coding->len - 1] != 'e'
                && coding->data[coding->len - 1] != 'E';
    inf->ended = 0;

    meter->inflate = inf;

    return NGX_OK;
}


/* NGX_ERROR: what it says from here on is not known. */

ngx_int_t
ngx_http_tollgate_meter_inflate(ngx_http_tollgate_meter_t *meter, u_char *p,
    u_char *last)
{
    int                           rc;
    size_t                        n;
    ngx_http_tollgate_inflate_t  *inf;

    inf = meter->inflate;

    if (p == last || inf->ended) {
        return NGX_OK;
    }

    if (!inf->begun
        && ngx_http_tollgate_inflate_begin(inf, *p) != NGX_OK)
    {
        return NGX_ERROR;
    }

    inf->stream.next_in = p;
    inf->stream.avail_in = last - p;

    for ( ;; ) {
        inf->stream.next_out = inf->piece;
        inf->stream.avail_out = NGX_HTTP_TOLLGATE_INFLATE_PIECE;

        rc = inflate(&inf->stream, Z_SYNC_FLUSH);

        if (rc == Z_BUF_ERROR) {
            return NGX_OK;
        }

        n = inf->stream.next_out - inf->piece;
        inf->total += n;

        if ((rc != Z_OK && rc != Z_STREAM_END)
            || inf->total > NGX_HTTP_TOLLGATE_INFLATE_MOST)
        {
            return NGX_ERROR;
        }

        ngx_http_tollgate_meter_feed(&meter->scan, inf->piece, inf->piece + n);

        if (rc == Z_STREAM_END) {

            /* more of gzip may follow */

            inf->ended = !inf->gzip;

            if (inf->ended || inflateReset(&inf->stream) != Z_OK) {
                return NGX_OK;
            }
        }

        if (inf->stream.avail_in == 0 && inf->stream.avail_out != 0) {
            return NGX_OK;
        }
    }
}


/* Some send "deflate" without the header of zlib. */

static ngx_int_t
ngx_http_tollgate_inflate_begin(ngx_http_tollgate_inflate_t *inf, u_char first)
{
    int  bits;

    bits = inf->gzip ? MAX_WBITS + 16
           : (first & 0x0f) == Z_DEFLATED ? MAX_WBITS : -MAX_WBITS;

    inf->begun = 1;

    return inflateInit2(&inf->stream, bits) == Z_OK ? NGX_OK : NGX_ERROR;
}


static void *
ngx_http_tollgate_inflate_alloc(void *opaque, u_int items, u_int size)
{
    return ngx_palloc(opaque, items * size);
}


/* The pool of the request frees it. */

static void
ngx_http_tollgate_inflate_free(void *opaque, void *address)
{
}
