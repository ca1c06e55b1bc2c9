
/*
 * ngx_http_tollgate_meter.c owns the way of a metered response through the
 * filters: which are read, and what becomes of those that nobody waits for, or that are
 * to end early.
 *
 * Where no location has tollgate_meter these filters are not there.
 */


#include "ngx_http_tollgate_hold.h"
#include "ngx_http_tollgate_meter.h"


/* ms between looks whether a response that is cut has been sent */

#define NGX_HTTP_TOLLGATE_METER_CLOSE  100


static ngx_int_t ngx_http_tollgate_meter_headers(ngx_http_request_t *r);
static void ngx_http_tollgate_meter_begin(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static ngx_uint_t ngx_http_tollgate_meter_type(ngx_http_request_t *r,
    const char *type);
static ngx_int_t ngx_http_tollgate_meter_body(ngx_http_request_t *r,
    ngx_chain_t *in);
static void ngx_http_tollgate_meter_read(ngx_http_request_t *r,
    ngx_http_tollgate_meter_t *meter, ngx_chain_t *in);
static ngx_uint_t ngx_http_tollgate_meter_ended(
    ngx_http_tollgate_meter_t *meter);
static ngx_int_t ngx_http_tollgate_meter_cut(ngx_http_request_t *r,
    ngx_http_tollgate_meter_t *meter, ngx_chain_t *in);
static ngx_int_t ngx_http_tollgate_meter_keep(ngx_http_request_t *r,
    ngx_http_tollgate_meter_t *meter, ngx_chain_t *in, ngx_chain_t **ll);
static void ngx_http_tollgate_meter_drain(ngx_http_request_t *r,
    ngx_chain_t *in);
static void ngx_http_tollgate_meter_sent(ngx_chain_t *cl);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


ngx_int_t
ngx_http_tollgate_meter_init(ngx_conf_t *cf)
{
    ngx_http_tollgate_main_conf_t  *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_tollgate_module);

    if (!tmcf->meters) {
        return NGX_OK;
    }

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_tollgate_meter_headers;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_tollgate_meter_body;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_meter_headers(ngx_http_request_t *r)
{
    ngx_http_tollgate_ctx_t  *ctx;

    if (r == r->main && !r->post_action) {
        ctx = ngx_http_tollgate_ctx(r);

        if (ctx != NULL && ctx->meter != NULL) {
            ngx_http_tollgate_meter_begin(r, ctx);
        }
    }

    return ngx_http_next_header_filter(r);
}


/* Once more where an error_page takes the place of a response. */

static void
ngx_http_tollgate_meter_begin(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    ngx_uint_t                  stream;
    ngx_http_tollgate_meter_t  *meter;

    meter = ctx->meter;
    stream = ngx_http_tollgate_meter_type(r, "event-stream");

    ngx_http_tollgate_meter_start(&meter->scan, ctx->conf->meter, stream);

    meter->begun = 1;
    meter->whole = 0;
    meter->inflate = NULL;

    /* what has no body, or is a redirect or an error, has used nothing */

    meter->none = r->header_only || r->method == NGX_HTTP_HEAD
                  || r->headers_out.status == NGX_HTTP_NO_CONTENT
                  || r->headers_out.status >= NGX_HTTP_SPECIAL_RESPONSE;

    meter->reading = !r->header_only
                     && r->headers_out.status >= NGX_HTTP_OK
                     && (stream || ngx_http_tollgate_meter_type(r, "json"))
                     && ngx_http_tollgate_meter_encoding(r, meter) == NGX_OK;

    if (!meter->reading) {
        return;
    }

    /* nginx reads what it has put into a file for us, as it does for gzip */

    r->main_filter_need_in_memory = 1;

    /* the upstream watches the client no more: it is to come to its end */

    if (ctx->conf->meter_abort == NGX_HTTP_TOLLGATE_METER_DRAIN
        && r->upstream != NULL && !r->upstream->upgrade)
    {
        r->read_event_handler = ngx_http_block_reading;
    }
}


/* Whether the media type ends with it, as "application/problem+json" does. */

static ngx_uint_t
ngx_http_tollgate_meter_type(ngx_http_request_t *r, const char *type)
{
    size_t      len, n;
    ngx_str_t  *value;

    value = &r->headers_out.content_type;
    n = ngx_strlen(type);

    for (len = 0; len < value->len && value->data[len] != ';'; len++) {
        /* void */
    }

    while (len && value->data[len - 1] == ' ') {
        len--;
    }

    return len > n && ngx_strncasecmp(value->data + len - n, (u_char *) type,
                                      n) == 0;
}


static ngx_int_t
ngx_http_tollgate_meter_body(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t                   rc;
    ngx_http_tollgate_ctx_t    *ctx;
    ngx_http_tollgate_meter_t  *meter;

    ctx = r == r->main ? ngx_http_tollgate_ctx(r) : NULL;
    meter = ctx != NULL ? ctx->meter : NULL;

    if (meter == NULL || !meter->begun || r->post_action) {
        return ngx_http_next_body_filter(r, in);
    }

    if (meter->cut && !meter->whole) {
        return ngx_http_tollgate_meter_cut(r, meter, in);
    }

    ngx_http_tollgate_meter_read(r, meter, in);
    ngx_http_tollgate_extend(ctx);

    rc = meter->gone ? NGX_ERROR : ngx_http_next_body_filter(r, in);

    if (rc != NGX_ERROR || !meter->reading || r->upstream == NULL
        || ctx->conf->meter_abort != NGX_HTTP_TOLLGATE_METER_DRAIN)
    {
        return rc;
    }

    if (!meter->gone) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "tollgate: the client is gone, the response is read to "
                      "its end");
    }

    meter->gone = 1;
    ngx_http_tollgate_meter_drain(r, in);

    return NGX_OK;
}


static void
ngx_http_tollgate_meter_read(ngx_http_request_t *r,
    ngx_http_tollgate_meter_t *meter, ngx_chain_t *in)
{
    ngx_buf_t  *b;

    for ( /* void */ ; in; in = in->next) {
        b = in->buf;

        if (meter->reading && ngx_buf_in_memory(b)) {
            if (meter->inflate == NULL) {
                ngx_http_tollgate_meter_feed(&meter->scan, b->pos, b->last);

            } else if (ngx_http_tollgate_meter_inflate(meter, b->pos, b->last)
                       != NGX_OK)
            {
                ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                              "tollgate: the encoding of the response is "
                              "broken, it can't be metered");
                meter->reading = 0;
            }
        }

        if (b->last_buf) {
            meter->whole = 1;
        }
    }
}


/* Whether it can be cut here: of a stream that we can read, behind an event. */

static ngx_uint_t
ngx_http_tollgate_meter_ended(ngx_http_tollgate_meter_t *meter)
{
    return !meter->reading || !meter->scan.stream || meter->inflate != NULL
           || meter->scan.ended;
}


/*
 * What is left of the event under way still passes.  Once it is sent the
 * connection is closed without an end of the response, so that the client
 * sees that there would have been more.
 */

static ngx_int_t
ngx_http_tollgate_meter_cut(ngx_http_request_t *r,
    ngx_http_tollgate_meter_t *meter, ngx_chain_t *in)
{
    ngx_int_t          rc;
    ngx_uint_t         ended;
    ngx_chain_t       *out;
    ngx_connection_t  *c;

    c = r->connection;
    out = NULL;
    ended = 0;

    rc = ngx_http_tollgate_meter_keep(r, meter, in, &out);

    if (rc == NGX_OK) {
        ended = !meter->whole && ngx_http_tollgate_meter_ended(meter);
        rc = meter->gone ? NGX_ERROR : ngx_http_next_body_filter(r, out);
    }

    if (rc != NGX_ERROR && (!ended || r->out != NULL || c->buffered)) {
        return rc;
    }

    c->error = 1;
    c->close = 1;

    ngx_post_event(c->read, &ngx_posted_events);

    return NGX_ERROR;
}


/* A chain of what still passes; the rest counts as sent. */

static ngx_int_t
ngx_http_tollgate_meter_keep(ngx_http_request_t *r,
    ngx_http_tollgate_meter_t *meter, ngx_chain_t *in, ngx_chain_t **ll)
{
    u_char       *p;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    for ( /* void */ ; in; in = in->next) {
        b = in->buf;

        if (meter->dropped
            || (ngx_buf_size(b) && ngx_http_tollgate_meter_ended(meter)))
        {
            meter->dropped = 1;
            ngx_http_tollgate_meter_sent(in);
            break;
        }

        if (ngx_buf_in_memory(b)) {
            p = ngx_http_tollgate_meter_event(&meter->scan, b->pos, b->last);

            if (p < b->last) {
                b->last = p;
                b->last_buf = 0;
                b->last_in_chain = 0;
                meter->dropped = 1;
            }
        }

        if (b->last_buf) {
            meter->whole = 1;
        }

        cl = ngx_alloc_chain_link(r->pool);
        if (cl == NULL) {
            return NGX_ERROR;
        }

        cl->buf = b;
        cl->next = NULL;
        *ll = cl;
        ll = &cl->next;
    }

    if (meter->whole || !ngx_http_tollgate_meter_ended(meter)) {
        return NGX_OK;
    }

    /* gzip and the like are to let go of what they have */

    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    meter->flush.flush = 1;

    cl->buf = &meter->flush;
    cl->next = NULL;
    *ll = cl;

    return NGX_OK;
}


/* It is cut, and the backend may be silent: looks whether all is sent. */

void
ngx_http_tollgate_meter_close(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_request_t  *r;

    r = ctx->request->main;

    ngx_add_timer(&ctx->hold, NGX_HTTP_TOLLGATE_METER_CLOSE);

    if (r->connection->data == r && !r->aio
        && ngx_http_tollgate_meter_ended(ctx->meter))
    {
        (void) ngx_http_tollgate_meter_cut(r, ctx->meter, NULL);
    }
}


/*
 * Nobody is there to send it to: what waits for that counts as sent, so that
 * the upstream's buffers are free for the rest.  The connection has had its
 * error, which ends the request once the upstream is done.
 */

static void
ngx_http_tollgate_meter_drain(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_http_tollgate_meter_sent(in);
    ngx_http_tollgate_meter_sent(r->out);
    ngx_http_tollgate_meter_sent(r->upstream->busy_bufs);

    if (r->upstream->pipe != NULL) {
        ngx_http_tollgate_meter_sent(r->upstream->pipe->busy);
    }

    r->out = NULL;
    r->connection->error = 1;
    r->connection->buffered = 0;
}


static void
ngx_http_tollgate_meter_sent(ngx_chain_t *cl)
{
    for ( /* void */ ; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;
    }
}
