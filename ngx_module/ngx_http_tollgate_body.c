
/*
 * ngx_http_tollgate_body.c owns the body of a request whose price depends on
 * it: when it is read, the variables that tollgate_json makes of it, and that
 * it then goes on as it came.
 */


#include "ngx_http_tollgate_hold.h"
#include "ngx_http_tollgate_scan.h"


#define NGX_HTTP_TOLLGATE_BODY_PIECE  16384     /* of a file */


static ngx_int_t ngx_http_tollgate_body_wanted(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static const char *ngx_http_tollgate_body_type(ngx_http_request_t *r);
static ngx_uint_t ngx_http_tollgate_body_charset(ngx_str_t *params);
static ngx_int_t ngx_http_tollgate_body_again(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static void ngx_http_tollgate_body_feed(ngx_http_tollgate_ctx_t *ctx,
    u_char *p, u_char *last);
static void ngx_http_tollgate_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_tollgate_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_tollgate_body_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_http_request_body_filter_pt  ngx_http_next_request_body_filter;


/*
 * A body that nothing depends on is left alone.  Without one there are no
 * fields; one that can't be looked into is refused, for the backend may.
 */

ngx_http_tollgate_verdict_e
ngx_http_tollgate_body(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_int_t                       rc;
    ngx_http_tollgate_body_t       *body;
    ngx_http_tollgate_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tollgate_module);

    if (ctx->body == NULL) {
        if (tmcf->json == NULL || r->discard_body
            || (r->headers_in.content_length_n <= 0
                && !r->headers_in.chunked))
        {
            return NGX_HTTP_TOLLGATE_PASS;
        }

        rc = ngx_http_tollgate_body_wanted(r, ctx);

        if (rc == NGX_DECLINED) {
            return NGX_HTTP_TOLLGATE_PASS;
        }

        body = ngx_palloc(r->pool, sizeof(ngx_http_tollgate_body_t));

        if (rc == NGX_ERROR || body == NULL
            || ngx_http_tollgate_scan_start(&body->scan, tmcf->json, r->pool)
               != NGX_OK
            || ngx_http_tollgate_idem_start(r, ctx) != NGX_OK)
        {
            return NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
        }

        body->scan.fault = ngx_http_tollgate_body_type(r);
        body->reading = body->scan.fault == NULL;
        body->waiting = 0;
        body->come = 0;

        ctx->body = body;
    }

    if (ctx->body->scan.fault == NULL) {
        return NGX_HTTP_TOLLGATE_PASS;
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "tollgate: the body can't be priced: %s",
                  ctx->body->scan.fault);

    return NGX_HTTP_TOLLGATE_BODY_INVALID;
}


/*
 * NGX_OK: some value asks for a field, be it over a map or the like.  Those
 * keep what they come to, so that they have to forget that they were asked.
 */

static ngx_int_t
ngx_http_tollgate_body_wanted(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    size_t                         size;
    ngx_str_t                      text;
    ngx_uint_t                     i;
    ngx_http_core_main_conf_t     *cmcf;
    ngx_http_variable_value_t     *saved;
    ngx_http_tollgate_loc_conf_t  *conf;

    conf = ctx->conf;

    ngx_http_complex_value_t  *values[] = {
        conf->feature, conf->model, conf->tier, conf->cost, conf->user,
        conf->label, conf->idempotency, conf->content,
        conf->hold != NULL ? conf->hold->credits : NULL
    };

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    size = cmcf->variables.nelts * sizeof(ngx_http_variable_value_t);

    saved = ngx_palloc(r->pool, size);
    if (saved == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(saved, r->variables, size);

    ctx->wanted = 0;

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (values[i] != NULL && values[i]->lengths != NULL
            && ngx_http_complex_value(r, values[i], &text) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (!ctx->wanted) {
        return NGX_DECLINED;
    }

    ngx_memcpy(r->variables, saved, size);

    return NGX_OK;
}


/* NULL, or why it can't be looked into.  Some look at the last of two types. */

static const char *
ngx_http_tollgate_body_type(ngx_http_request_t *r)
{
    ngx_str_t         type, params;
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    n = 0;
    ngx_str_null(&type);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == 12
                && ngx_strncasecmp(h[i].key.data, (u_char *) "content-type",
                                   12) == 0)
            {
                type = h[i].value;
                n++;
            }
        }
    }

    params = type;

    for (type.len = 0; type.len < params.len; type.len++) {
        if (params.data[type.len] == ';') {
            break;
        }
    }

    params.data += type.len;
    params.len -= type.len;

    while (type.len && (type.data[type.len - 1] == ' '
                        || type.data[type.len - 1] == '\t'))
    {
        type.len--;
    }

    if (n != 1 || type.len < 5
        || ngx_strncasecmp(type.data + type.len - 4, (u_char *) "json", 4) != 0
        || (type.data[type.len - 5] != '/' && type.data[type.len - 5] != '+')
        || ngx_strlchr(type.data, type.data + type.len, ',') != NULL)
    {
        return "its Content-Type is not that of JSON";
    }

    return ngx_http_tollgate_body_charset(&params)
           ? NULL : "its charset is not UTF-8";
}


static ngx_uint_t
ngx_http_tollgate_body_charset(ngx_str_t *params)
{
    u_char  *p, *last;

    p = params->data;
    last = params->data + params->len;

    p = ngx_strlcasestrn(p, last, (u_char *) "charset", 7 - 1);

    if (p == NULL) {
        return 1;
    }

    p += 7;

    while (p < last && (*p == '=' || *p == '"' || *p == ' ')) {
        p++;
    }

    return last - p >= 5 && ngx_strncasecmp(p, (u_char *) "utf-8", 5) == 0
           && ngx_strlcasestrn(p, last, (u_char *) "charset", 7 - 1) == NULL;
}


/*
 * NGX_OK: it is there.  NGX_DONE: the phase runs again when it is.  Nobody
 * has decided anything yet, so a body that doesn't come costs nothing.
 */

ngx_int_t
ngx_http_tollgate_body_read(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_http_tollgate_body_t  *body;

    body = ctx->body;

    /* another module was first */

    if (r->request_body != NULL) {
        return ngx_http_tollgate_body_again(r, ctx);
    }

    rc = ngx_http_read_client_request_body(r, ngx_http_tollgate_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    if (ngx_http_tollgate_body_came(ctx)) {
        return NGX_OK;
    }

    body->waiting = 1;

    return NGX_DONE;
}


ngx_uint_t
ngx_http_tollgate_body_came(ngx_http_tollgate_ctx_t *ctx)
{
    if (ctx->body == NULL || !ctx->body->come) {
        return 0;
    }

    ctx->body->come = 0;

    return 1;
}


static ngx_int_t
ngx_http_tollgate_body_again(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    off_t         at;
    u_char       *piece;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    piece = NULL;
    ctx->body->reading = 0;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_in_memory(b)) {
            ngx_http_tollgate_body_feed(ctx, b->pos, b->last);
            continue;
        }

        if (piece == NULL) {
            piece = ngx_pnalloc(r->pool, NGX_HTTP_TOLLGATE_BODY_PIECE);
            if (piece == NULL) {
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            }
        }

        for (at = b->file_pos; at < b->file_last; at += n) {
            n = ngx_read_file(b->file, piece,
                              (size_t) ngx_min(NGX_HTTP_TOLLGATE_BODY_PIECE,
                                               b->file_last - at), at);
            if (n <= 0) {
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            }

            ngx_http_tollgate_body_feed(ctx, piece, piece + n);
        }
    }

    (void) ngx_http_tollgate_scan_end(&ctx->body->scan);

    return NGX_OK;
}


static void
ngx_http_tollgate_body_feed(ngx_http_tollgate_ctx_t *ctx, u_char *p,
    u_char *last)
{
    (void) ngx_http_tollgate_scan_feed(&ctx->body->scan, p, last);
    ngx_http_tollgate_idem_body(ctx, p, last);
}


static void
ngx_http_tollgate_body_handler(ngx_http_request_t *r)
{
    ngx_http_tollgate_ctx_t   *ctx;
    ngx_http_tollgate_body_t  *body;

    ctx = ngx_http_tollgate_ctx(r);
    body = ctx->body;

    (void) ngx_http_tollgate_scan_end(&body->scan);

    body->reading = 0;
    body->come = 1;

    /* the time that a decision takes begins now */

    ctx->start_us = ngx_http_tollgate_now_us();

    if (body->waiting) {
        r->write_event_handler = ngx_http_core_run_phases;
        ngx_http_core_run_phases(r);
    }
}


/* Looks at the body on its way into memory or a file. */

static ngx_int_t
ngx_http_tollgate_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_chain_t              *cl;
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_tollgate_module);

    if (ctx != NULL && ngx_http_tollgate_body_reads(ctx)) {
        for (cl = in; cl; cl = cl->next) {
            ngx_http_tollgate_body_feed(ctx, cl->buf->pos, cl->buf->last);
        }
    }

    return ngx_http_next_request_body_filter(r, in);
}


/* data is the field */

static ngx_int_t
ngx_http_tollgate_body_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                *value;
    ngx_http_tollgate_ctx_t  *ctx;

    v->not_found = 1;

    ctx = ngx_http_tollgate_ctx(r);

    if (ctx == NULL) {
        return NGX_OK;
    }

    ctx->wanted = 1;

    if (ctx->body == NULL || ctx->body->reading
        || ctx->body->scan.fault != NULL)
    {
        return NGX_OK;
    }

    value = &ctx->body->scan.values[data];

    if (value->len) {
        v->data = value->data;
        v->len = value->len;
        v->valid = 1;
        v->no_cacheable = 0;
        v->not_found = 0;
    }

    return NGX_OK;
}


char *
ngx_http_tollgate_body_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_main_conf_t *tmcf = conf;

    ngx_str_t            *value, name;
    const char           *fault;
    ngx_http_variable_t  *var;

    value = cf->args->elts;

    if (value[1].data[0] != '$' || value[1].len == 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid variable \"%V\" in \"%V\" directive, it "
                           "must be a name that begins with \"$\"",
                           &value[1], &cmd->name);
        return NGX_CONF_ERROR;
    }

    if (tmcf->json == NULL) {
        tmcf->json = ngx_http_tollgate_scan_want(cf->pool);
        if (tmcf->json == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    name.data = value[1].data + 1;
    name.len = value[1].len - 1;

    var = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_CONF_ERROR;
    }

    var->get_handler = ngx_http_tollgate_body_variable;
    var->data = tmcf->json->nfields;

    fault = ngx_http_tollgate_scan_path(tmcf->json, cf->pool, &value[2]);

    if (fault != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "path \"%V\" in \"%V\" directive %s", &value[2],
                           &cmd->name, fault);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


void
ngx_http_tollgate_body_init(void)
{
    ngx_http_next_request_body_filter = ngx_http_top_request_body_filter;
    ngx_http_top_request_body_filter = ngx_http_tollgate_body_filter;
}
