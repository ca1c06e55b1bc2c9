
/*
 * ngx_http_tollgate_pass.c owns the request headers that the backend sees:
 * the key is taken out, who the client is goes in.
 */


#include "ngx_http_tollgate.h"


static ngx_uint_t ngx_http_tollgate_pass_drops(ngx_http_tollgate_ctx_t *ctx,
    ngx_table_elt_t *h);
static ngx_int_t ngx_http_tollgate_pass_cut(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *value);
static ngx_int_t ngx_http_tollgate_pass_tell(ngx_http_tollgate_ctx_t *ctx,
    ngx_list_t *headers);
static ngx_int_t ngx_http_tollgate_pass_value(ngx_http_request_t *r,
    ngx_http_complex_value_t *cv, ngx_str_t *to, size_t max);


typedef enum {
    NGX_HTTP_TOLLGATE_PASS_ACCOUNT = 0,
    NGX_HTTP_TOLLGATE_PASS_APP,
    NGX_HTTP_TOLLGATE_PASS_PLAN,
    NGX_HTTP_TOLLGATE_PASS_USER,
    NGX_HTTP_TOLLGATE_PASS_REQUEST_ID,
    NGX_HTTP_TOLLGATE_PASS_HEADERS
} ngx_http_tollgate_pass_e;


/* in the order of ngx_http_tollgate_pass_e */

static struct {
    ngx_str_t                        name;
    ngx_str_t                        lowcase;
    ngx_uint_t                       hash;
} ngx_http_tollgate_pass_headers[] = {
    { ngx_string("Tollgate-Account"), ngx_string("tollgate-account"), 0 },
    { ngx_string("Tollgate-App"), ngx_string("tollgate-app"), 0 },
    { ngx_string("Tollgate-Plan"), ngx_string("tollgate-plan"), 0 },
    { ngx_string("Tollgate-User"), ngx_string("tollgate-user"), 0 },
    { ngx_string("Tollgate-Request-Id"), ngx_string("tollgate-request-id"), 0 }
};


/*
 * The list is made anew, since others point to its elements; those that stay
 * are copied, and nobody writes to their old places but _cut().
 */

ngx_int_t
ngx_http_tollgate_pass(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_uint_t        i, n;
    ngx_list_t        headers;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *to;

    n = NGX_HTTP_TOLLGATE_PASS_HEADERS;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        n += part->nelts;
    }

    if (ngx_list_init(&headers, r->pool, n, sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (ngx_http_tollgate_pass_drops(ctx, &h[i])) {

                if (r->headers_in.authorization == &h[i]) {
                    r->headers_in.authorization = NULL;
                }

                continue;
            }

            if (ngx_http_tollgate_pass_cut(r, ctx, &h[i].value) != NGX_OK) {
                return NGX_ERROR;
            }

            to = ngx_list_push(&headers);
            if (to == NULL) {
                return NGX_ERROR;
            }

            *to = h[i];
        }
    }

    if (!ctx->dry_run
        && ngx_http_tollgate_pass_tell(ctx, &headers) != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->headers_in.headers = headers;

    /* a list of one part points into itself */

    if (headers.last == &headers.part) {
        r->headers_in.headers.last = &r->headers_in.headers.part;
    }

    return NGX_OK;
}


/*
 * A client that could send Tollgate-... headers could be any account; to many
 * backends "_" is the same as "-".  With tollgate_key the headers go that are
 * nothing but the key.
 */

static ngx_uint_t
ngx_http_tollgate_pass_drops(ngx_http_tollgate_ctx_t *ctx, ngx_table_elt_t *h)
{
    ngx_str_t  *key, value;

    if (h->key.len > 9
        && ngx_strncasecmp(h->key.data, (u_char *) "tollgate", 8) == 0
        && ngx_strchr("-_.", h->key.data[8]) != NULL)
    {
        return 1;
    }

    if (!ctx->conf->strip_key || ctx->dry_run) {
        return 0;
    }

    if (ctx->conf->keys != NULL) {
        key = &ctx->presented;
        value = h->value;

        ngx_http_tollgate_key_bearer(&value);

        return key->len != 0 && value.len == key->len
               && ngx_memcmp(value.data, key->data, key->len) == 0;
    }

    if (h->key.len == 9
        && ngx_strncasecmp(h->key.data, (u_char *) "x-api-key", 9) == 0)
    {
        return 1;
    }

    return h->key.len == 13 && h->value.len >= 7
           && ngx_strncasecmp(h->key.data, (u_char *) "authorization", 13) == 0
           && ngx_strncasecmp(h->value.data, (u_char *) "Bearer ", 7) == 0;
}


/*
 * With tollgate_key the key may be a part of a header, as of Cookie: it is cut
 * out of it.  $http_cookie and the like show what is left.
 */

static ngx_int_t
ngx_http_tollgate_pass_cut(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *value)
{
    u_char     *p, *at;
    ngx_str_t  *key;

    key = &ctx->presented;

    if (ctx->conf->keys == NULL || !ctx->conf->strip_key || ctx->dry_run
        || (!ctx->account && !ctx->hashed)
        || memmem(value->data, value->len, key->data, key->len) == NULL)
    {
        return NGX_OK;
    }

    /* nginx ends the values of headers with a zero */

    p = ngx_pnalloc(r->pool, value->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, value->data, value->len);
    value->data = p;

    /* what stood around a key may be one when it is gone */

    while ((at = memmem(p, value->len, key->data, key->len)) != NULL) {
        value->len -= key->len;
        ngx_memmove(at, at + key->len, p + value->len - at);
    }

    p[value->len] = '\0';

    return NGX_OK;
}


/* The values live in the context, as long as the request. */

static ngx_int_t
ngx_http_tollgate_pass_tell(ngx_http_tollgate_ctx_t *ctx, ngx_list_t *headers)
{
    ngx_uint_t                   i;
    ngx_table_elt_t             *h;
    ngx_http_tollgate_charge_t  *charge;

    charge = &ctx->charge;

    /* in the order of ngx_http_tollgate_pass_e */

    ngx_str_t  values[] = {
        { charge->key.len ? NGX_HTTP_TOLLGATE_ACCOUNT_LEN : 0,
          charge->account },
        { charge->app.len, charge->app.data },
        ctx->plan,
        ctx->user,
        { charge->request_id.len, charge->request_id.data }
    };

    for (i = 0; i < NGX_HTTP_TOLLGATE_PASS_HEADERS; i++) {
        if (values[i].len == 0) {
            continue;
        }

        h = ngx_list_push(headers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(h, sizeof(ngx_table_elt_t));

        h->key = ngx_http_tollgate_pass_headers[i].name;
        h->lowcase_key = ngx_http_tollgate_pass_headers[i].lowcase.data;
        h->hash = ngx_http_tollgate_pass_headers[i].hash;
        h->value = values[i];
    }

    return NGX_OK;
}


void
ngx_http_tollgate_pass_init(void)
{
    ngx_str_t   *s;
    ngx_uint_t   i;

    for (i = 0; i < NGX_HTTP_TOLLGATE_PASS_HEADERS; i++) {
        s = &ngx_http_tollgate_pass_headers[i].lowcase;
        ngx_http_tollgate_pass_headers[i].hash = ngx_hash_key(s->data, s->len);
    }
}


/*
 * User and label as usage records and the backend get them: percent-encoded,
 * never cut within an escape.
 */

ngx_int_t
ngx_http_tollgate_pass_encode(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    return ngx_http_tollgate_pass_value(r, ctx->conf->user, &ctx->user,
                                        NGX_HTTP_TOLLGATE_USER_LEN) == NGX_OK
           && ngx_http_tollgate_pass_value(r, ctx->conf->label, &ctx->label,
                                           NGX_HTTP_TOLLGATE_LABEL_LEN)
              == NGX_OK
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_tollgate_pass_value(ngx_http_request_t *r,
    ngx_http_complex_value_t *cv, ngx_str_t *to, size_t max)
{
    u_char     *p, *last, ch;
    size_t      i;
    ngx_str_t   text;

    static u_char  hex[] = "0123456789ABCDEF";

    if (cv == NULL) {
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, cv, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(r->pool, max);
    if (p == NULL) {
        return NGX_ERROR;
    }

    to->data = p;
    last = p + max;

    for (i = 0; i < text.len && p < last; i++) {
        ch = text.data[i];

        if ((ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z')
            || (ch >= 'a' && ch <= 'z')
            || (ch != '\0' && ngx_strchr("._~@+-", ch) != NULL))
        {
            *p++ = ch;
            continue;
        }

        if (last - p < 3) {
            break;
        }

        *p++ = '%';
        *p++ = hex[ch >> 4];
        *p++ = hex[ch & 0xf];
    }

    to->len = p - to->data;

    return NGX_OK;
}
