
/*
 * ngx_http_tollgate_idem.c owns the Idempotency-Key of a call, and the
 * fingerprint that tells another call from a retry of the same one.
 */


#include "ngx_http_tollgate_conf.h"


#define NGX_HTTP_TOLLGATE_IDEM_KEY    255       /* characters at most */
#define NGX_HTTP_TOLLGATE_IDEM_HASH   32        /* digits of a SHA-256 */
#define NGX_HTTP_TOLLGATE_IDEM_LEASE  30000     /* ms */
#define NGX_HTTP_TOLLGATE_IDEM_TTL    86400     /* s */
#define NGX_HTTP_TOLLGATE_IDEM_LONG   31536000
#define NGX_HTTP_TOLLGATE_IDEM_RETRIES  10
#define NGX_HTTP_TOLLGATE_IDEM_OFTEN  1000000


static ngx_uint_t ngx_http_tollgate_idem_text(ngx_str_t *key);
static ngx_int_t ngx_http_tollgate_idem_word(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *key);
static ngx_int_t ngx_http_tollgate_idem_call(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, u_char *hash);
static void ngx_http_tollgate_idem_cleanup(void *data);
static ngx_int_t ngx_http_tollgate_idem_param(
    ngx_http_tollgate_loc_conf_t *conf, ngx_str_t *arg);


/* The body is part of a call where the gate looks into it. */

ngx_int_t
ngx_http_tollgate_idem_start(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    ngx_pool_cleanup_t  *cln;

    if (ctx->conf->idempotency == NULL) {
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    ctx->body_digest = EVP_MD_CTX_new();

    cln->handler = ngx_http_tollgate_idem_cleanup;
    cln->data = ctx->body_digest;

    return ctx->body_digest != NULL
           && EVP_DigestInit_ex(ctx->body_digest, EVP_sha256(), NULL) == 1
           ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_tollgate_idem_cleanup(void *data)
{
    EVP_MD_CTX_free(data);
}


void
ngx_http_tollgate_idem_body(ngx_http_tollgate_ctx_t *ctx, u_char *p,
    u_char *last)
{
    if (ctx->body_digest != NULL) {
        (void) EVP_DigestUpdate(ctx->body_digest, p, last - p);
    }
}


ngx_http_tollgate_verdict_e
ngx_http_tollgate_idem(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_str_t                      key;
    ngx_http_tollgate_loc_conf_t  *conf;

    conf = ctx->conf;

    /* of a download link the window tells what is the same */

    if (conf->idempotency == NULL || ctx->look || ctx->idem.len
        || ctx->link != NULL)
    {
        return NGX_HTTP_TOLLGATE_PASS;
    }

    if (ngx_http_complex_value(r, conf->idempotency, &key) != NGX_OK) {
        return NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
    }

    if (key.len == 0) {
        return conf->idem_required
               && (r->method & (NGX_HTTP_POST|NGX_HTTP_PATCH))
               ? NGX_HTTP_TOLLGATE_IDEMPOTENCY_INVALID
               : NGX_HTTP_TOLLGATE_PASS;
    }

    if (!ngx_http_tollgate_idem_text(&key)) {
        return NGX_HTTP_TOLLGATE_IDEMPOTENCY_INVALID;
    }

    return ngx_http_tollgate_idem_word(r, ctx, &key) == NGX_OK
           ? NGX_HTTP_TOLLGATE_PASS : NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
}


/* With quotes around it, as the draft has it, or without, as Stripe does. */

static ngx_uint_t
ngx_http_tollgate_idem_text(ngx_str_t *key)
{
    size_t  i;

    if (key->data[0] == '"') {
        if (key->len < 2 || key->data[key->len - 1] != '"') {
            return 0;
        }

        key->data++;
        key->len -= 2;
    }

    for (i = 0; i < key->len; i++) {
        if (key->data[i] < ' ' || key->data[i] == 0x7f) {
            return 0;
        }
    }

    return key->len > 0 && key->len <= NGX_HTTP_TOLLGATE_IDEM_KEY;
}


/* What gate.lua gets, and makes a word of its ticket of. */

static ngx_int_t
ngx_http_tollgate_idem_word(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *key)
{
    u_char  hash[NGX_HTTP_TOLLGATE_HASH_LEN], call[NGX_HTTP_TOLLGATE_HASH_LEN];
    u_char  *p;

    p = ngx_pnalloc(r->pool, sizeof("idem=::::") + 3 * NGX_INT64_LEN
                             + 2 * NGX_HTTP_TOLLGATE_IDEM_HASH);

    if (p == NULL || ngx_http_tollgate_key_hash(hash, key) != NGX_OK
        || ngx_http_tollgate_idem_call(r, ctx, call) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->idem.data = p;
    ctx->idem.len = ngx_sprintf(p, "idem=%d:%*s:%*s:%T:%i",
                                NGX_HTTP_TOLLGATE_IDEM_LEASE,
                                (size_t) NGX_HTTP_TOLLGATE_IDEM_HASH, hash,
                                (size_t) NGX_HTTP_TOLLGATE_IDEM_HASH, call,
                                ctx->conf->idem_ttl,
                                ctx->conf->idem_retries) - p;

    return NGX_OK;
}


/* The fingerprint of a call; a body that is not read counts by its length. */

static ngx_int_t
ngx_http_tollgate_idem_call(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, u_char *hash)
{
    u_char     *p, digest[EVP_MAX_MD_SIZE];
    ngx_str_t   text;

    text.data = ngx_pnalloc(r->pool, r->method_name.len + r->unparsed_uri.len
                                     + NGX_HTTP_TOLLGATE_HASH_LEN
                                     + sizeof("   body"));
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(text.data, "%V %V ", &r->method_name, &r->unparsed_uri);

    if (ctx->body_digest == NULL) {
        p = ngx_sprintf(p, "%O", r->headers_in.content_length_n);

    } else if (EVP_DigestFinal_ex(ctx->body_digest, digest, NULL) == 1) {
        p = ngx_cpymem(p, "body ", 5);
        p = ngx_hex_dump(p, digest, NGX_HTTP_TOLLGATE_HASH_LEN / 2);

    } else {
        return NGX_ERROR;
    }

    text.len = p - text.data;

    return ngx_http_tollgate_key_hash(hash, &text);
}


u_char *
ngx_http_tollgate_idem_extra(ngx_http_tollgate_ctx_t *ctx, u_char *p,
    u_char *last)
{
    if (ctx->idem.len == 0) {
        return p;
    }

    return (size_t) (last - p) < ctx->idem.len ? NULL
           : ngx_cpymem(p, ctx->idem.data, ctx->idem.len);
}


/*
 * Whether gate.lua has run is not known, but what it would have written in its
 * ticket is: who tries again is not to be taken for a second call.
 */

ngx_int_t
ngx_http_tollgate_idem_ticket(ngx_http_tollgate_ask_t *ask,
    ngx_http_tollgate_ticket_t *ticket)
{
    u_char  *p, *end, *last;

    last = ask->extras + ask->extras_len;
    p = ngx_strlcasestrn(ask->extras, last, (u_char *) "idem=", 5 - 1);

    if (p == NULL) {
        return NGX_DECLINED;
    }

    p += 5;
    end = ngx_strlchr(p, last, ' ');

    last = ngx_cpymem(ticket->data, "ei:", 3);
    last = ngx_cpymem(last, p, (end ? end : ask->extras + ask->extras_len) - p);
    ticket->len = last - ticket->data;

    return NGX_OK;
}


char *
ngx_http_tollgate_conf_idempotency(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_tollgate_loc_conf_t *tlcf = conf;

    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_http_complex_value_t  *cv;

    if (tlcf->idempotency != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    tlcf->idempotency = NULL;
    tlcf->idem_ttl = NGX_HTTP_TOLLGATE_IDEM_TTL;
    tlcf->idem_retries = NGX_HTTP_TOLLGATE_IDEM_RETRIES;

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_tollgate_idem_param(tlcf, &value[i]) == NGX_OK) {
            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"%V\" directive, it "
                           "must be \"ttl=time\" of 1s to 365d, "
                           "\"retries=number\" or \"required\"", &value[i],
                           &cmd->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {
        return cf->args->nelts == 2 ? NGX_CONF_OK
                                    : "has no parameters beside \"off\"";
    }

    if (ngx_strcmp(value[1].data, "on") == 0) {
        ngx_str_set(&value[1], "$http_idempotency_key");
    }

    cv = ngx_http_tollgate_conf_complex(cf, &value[1]);
    if (cv == NULL) {
        return NGX_CONF_ERROR;
    }

    if (cv->lengths == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"%V\" directive, it must "
                           "be \"off\", \"on\" or contain a variable",
                           &value[1], &cmd->name);
        return NGX_CONF_ERROR;
    }

    tlcf->idempotency = cv;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_tollgate_idem_param(ngx_http_tollgate_loc_conf_t *conf,
    ngx_str_t *arg)
{
    ngx_str_t  s;

    if (ngx_http_tollgate_conf_param(arg, "ttl=", &s)) {
        conf->idem_ttl = ngx_parse_time(&s, 1);

        return conf->idem_ttl > 0
               && conf->idem_ttl <= NGX_HTTP_TOLLGATE_IDEM_LONG
               ? NGX_OK : NGX_ERROR;
    }

    if (ngx_http_tollgate_conf_param(arg, "retries=", &s)) {
        conf->idem_retries = ngx_atoi(s.data, s.len);

        return conf->idem_retries >= 0
               && conf->idem_retries <= NGX_HTTP_TOLLGATE_IDEM_OFTEN
               ? NGX_OK : NGX_ERROR;
    }

    conf->idem_required = 1;

    return ngx_strcmp(arg->data, "required") == 0 ? NGX_OK : NGX_ERROR;
}
