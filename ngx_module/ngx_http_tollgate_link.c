
/*
 * ngx_http_tollgate_link.c owns signed download links: the token in the
 * argument "tg", its signature, and what can be checked of it without Redis.
 */


#include "ngx_http_tollgate_link.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>


#define NGX_HTTP_TOLLGATE_LINK_MAX        256   /* of a token */
#define NGX_HTTP_TOLLGATE_LINK_SIGNATURE  43    /* base64url of 32 bytes */
#define NGX_HTTP_TOLLGATE_LINK_WINDOW     (7 * 86400)


static ngx_int_t ngx_http_tollgate_link_token(ngx_http_request_t *r,
    ngx_str_t *token, ngx_str_t *query);
static ngx_int_t ngx_http_tollgate_link_parse(ngx_str_t *token,
    ngx_http_tollgate_link_t *link);
static ngx_uint_t ngx_http_tollgate_link_signed(ngx_http_request_t *r,
    ngx_array_t *secrets, ngx_http_tollgate_link_t *link, ngx_str_t *query);
static ngx_uint_t ngx_http_tollgate_link_inside(ngx_str_t *network,
    struct sockaddr *sockaddr);
static void ngx_http_tollgate_link_take(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_link_t *link);


/* Whether the request shows a link, which goes before any key. */

ngx_uint_t
ngx_http_tollgate_link_shown(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    ngx_str_t  value;

    return ctx->conf->link && !ctx->look
           && ngx_http_arg(r, (u_char *) "tg", 2, &value) == NGX_OK;
}


/* A token that isn't ours, or not for this, is told nothing but that. */

ngx_http_tollgate_verdict_e
ngx_http_tollgate_link(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_str_t                  token, query;
    ngx_http_tollgate_link_t  *link;

    ctx->account = 0;

    link = ngx_pcalloc(r->pool, sizeof(ngx_http_tollgate_link_t));
    if (link == NULL) {
        return NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
    }

    rc = ngx_http_tollgate_link_token(r, &token, &query);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
    }

    if (rc != NGX_OK
        || ngx_http_tollgate_link_parse(&token, link) != NGX_OK
        || !ngx_http_tollgate_link_signed(r, ctx->conf->link_secrets, link,
                                          &query))
    {
        return NGX_HTTP_TOLLGATE_LINK_INVALID;
    }

    ngx_http_tollgate_link_take(r, ctx, link);

    if (ngx_time() >= link->expires) {
        return NGX_HTTP_TOLLGATE_LINK_EXPIRED;
    }

    if (!ngx_http_tollgate_link_inside(&link->network,
                                       r->connection->sockaddr))
    {
        return NGX_HTTP_TOLLGATE_IP_FORBIDDEN;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_TOLLGATE_METHOD_FORBIDDEN;
    }

    return NGX_HTTP_TOLLGATE_PASS;
}


/*
 * The token is the last argument, and what stands before it is signed with it:
 * else who has a link could add to it what the backend listens to.
 */

static ngx_int_t
ngx_http_tollgate_link_token(ngx_http_request_t *r, ngx_str_t *token,
    ngx_str_t *query)
{
    u_char     *src, *dst;
    ngx_str_t   value;

    if (ngx_http_arg(r, (u_char *) "tg", 2, &value) != NGX_OK
        || value.data + value.len != r->args.data + r->args.len
        || value.len > 3 * NGX_HTTP_TOLLGATE_LINK_MAX)
    {
        return NGX_DECLINED;
    }

    query->data = r->args.data;
    query->len = value.data - (sizeof("tg=") - 1) - r->args.data;

    if (query->len) {
        query->len--;   /* "&" */
    }

    dst = ngx_pnalloc(r->pool, value.len + 1);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    /* some programs escape more than they need to */

    token->data = dst;
    src = value.data;
    ngx_unescape_uri(&dst, &src, value.len, 0);
    token->len = dst - token->data;

    return token->len <= NGX_HTTP_TOLLGATE_LINK_MAX ? NGX_OK : NGX_DECLINED;
}


static ngx_uint_t
ngx_http_tollgate_link_is(ngx_str_t *text, size_t min, size_t max,
    const char *extra)
{
    u_char  ch;
    size_t  i;

    if (text->len < min || text->len > max) {
        return 0;
    }

    for (i = 0; i < text->len; i++) {
        ch = text->data[i];

        if (!((ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z')
              || (ch >= 'a' && ch <= 'z')
              || (ch != '\0' && ngx_strchr(extra, ch) != NULL)))
        {
            return 0;
        }
    }

    return 1;
}


/* "-", or 8 or 32 lower-case hex digits, "/" and the number of bits. */

static ngx_uint_t
ngx_http_tollgate_link_network(ngx_str_t *text)
{
    size_t     n;
    ngx_int_t  bits;

    if (text->len == 1 && text->data[0] == '-') {
        return 1;
    }

    for (n = 0; n < text->len && text->data[n] != '/'; n++) {
        if (!((text->data[n] >= '0' && text->data[n] <= '9')
              || (text->data[n] >= 'a' && text->data[n] <= 'f')))
        {
            return 0;
        }
    }

    if ((n != 8 && n != 32) || n == text->len || text->len - n > 4) {
        return 0;
    }

    bits = ngx_atoi(text->data + n + 1, text->len - n - 1);

    return bits != NGX_ERROR && bits <= (ngx_int_t) n * 4;
}


/*
 * "1.account.app.id.expires.downloads.window.network.feature.signature"; of
 * these only a feature may hold dots.
 */

static ngx_int_t
ngx_http_tollgate_link_parse(ngx_str_t *token, ngx_http_tollgate_link_t *link)
{
    u_char      *p, *last, *dot;
    ngx_str_t    part[9];
    ngx_uint_t   i;

    p = token->data;
    last = token->data + token->len;

    if (token->len < NGX_HTTP_TOLLGATE_LINK_SIGNATURE + 1
        || last[-NGX_HTTP_TOLLGATE_LINK_SIGNATURE - 1] != '.')
    {
        return NGX_DECLINED;
    }

    link->signature.len = NGX_HTTP_TOLLGATE_LINK_SIGNATURE;
    link->signature.data = last - NGX_HTTP_TOLLGATE_LINK_SIGNATURE;

    last = link->signature.data - 1;
    link->claims.data = p;
    link->claims.len = last - p;

    for (i = 0; i < 8; i++) {
        dot = ngx_strlchr(p, last, '.');
        if (dot == NULL) {
            return NGX_DECLINED;
        }

        part[i].data = p;
        part[i].len = dot - p;
        p = dot + 1;
    }

    part[8].data = p;
    part[8].len = last - p;

    link->account = part[1];
    link->app = part[2];
    link->id = part[3];
    link->expires = ngx_atoi(part[4].data, ngx_min(part[4].len, 12));
    link->max = ngx_atoi(part[5].data, ngx_min(part[5].len, 12));
    link->window = ngx_atoi(part[6].data, ngx_min(part[6].len, 12));
    link->network = part[7];
    link->feature = part[8];

    if (link->feature.len == 1 && link->feature.data[0] == '-') {
        link->feature.len = 0;
    }

    return part[0].len == 1 && part[0].data[0] == '1'
           && ngx_http_tollgate_link_is(&link->account, 10, 10, "")
           && ngx_http_tollgate_link_is(&link->app, 10, 10, "")
           && ngx_http_tollgate_link_is(&link->id, 10, 32, "")
           && part[4].len <= 11 && link->expires > 0
           && part[5].len <= 9 && link->max >= 0
           && part[6].len <= 6 && link->window > 0
           && link->window <= NGX_HTTP_TOLLGATE_LINK_WINDOW
           && ngx_http_tollgate_link_network(&link->network)
           && part[8].len > 0
           && ngx_http_tollgate_link_is(&link->feature, 0,
                                        NGX_HTTP_TOLLGATE_CODE_LEN, "._:-")
           ? NGX_OK : NGX_DECLINED;
}


/* Every secret is tried, in the same time for every signature. */

static ngx_uint_t
ngx_http_tollgate_link_signed(ngx_http_request_t *r, ngx_array_t *secrets,
    ngx_http_tollgate_link_t *link, ngx_str_t *query)
{
    u_char        mac[EVP_MAX_MD_SIZE], text[EVP_MAX_MD_SIZE * 2], *p, *last;
    ngx_str_t     raw, encoded, *secret;
    ngx_uint_t    i, good;
    unsigned int  len;

    p = ngx_pnalloc(r->pool, link->claims.len + query->len + r->uri.len + 2);
    if (p == NULL) {
        return 0;
    }

    last = ngx_cpymem(p, link->claims.data, link->claims.len);
    *last++ = LF;
    last = ngx_cpymem(last, query->data, query->len);
    *last++ = LF;
    last = ngx_cpymem(last, r->uri.data, r->uri.len);

    good = 0;
    secret = secrets->elts;

    for (i = 0; i < secrets->nelts; i++) {
        if (HMAC(EVP_sha256(), secret[i].data, secret[i].len, p, last - p,
                 mac, &len)
            == NULL)
        {
            return 0;
        }

        raw.data = mac;
        raw.len = len;
        encoded.data = text;
        ngx_encode_base64url(&encoded, &raw);

        good |= CRYPTO_memcmp(text, link->signature.data,
                              NGX_HTTP_TOLLGATE_LINK_SIGNATURE) == 0;
    }

    return good;
}


static ngx_uint_t
ngx_http_tollgate_link_inside(ngx_str_t *network, struct sockaddr *sockaddr)
{
    u_char      address[32], nibble[2];
    size_t      len, whole;
    ngx_uint_t  bits;

    if (network->data[0] == '-') {
        return 1;
    }

    len = ngx_http_tollgate_origin_address(address, sockaddr) - address;

    if (len >= network->len || network->data[len] != '/') {
        return 0;
    }

    bits = ngx_atoi(network->data + len + 1, network->len - len - 1);
    whole = bits / 4;

    if (ngx_memcmp(address, network->data, whole) != 0) {
        return 0;
    }

    if (bits % 4 == 0) {
        return 1;
    }

    nibble[0] = (u_char) ngx_hextoi(address + whole, 1);
    nibble[1] = (u_char) ngx_hextoi(network->data + whole, 1);

    return (nibble[0] ^ nibble[1]) >> (4 - bits % 4) == 0;
}


/* The signature says that it is theirs, though Redis should not be there. */

static void
ngx_http_tollgate_link_take(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_link_t *link)
{
    ngx_http_tollgate_charge_t     *charge;
    ngx_http_tollgate_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tollgate_module);
    charge = &ctx->charge;

    ngx_memcpy(charge->account, link->account.data,
               NGX_HTTP_TOLLGATE_ACCOUNT_LEN);
    charge->shard = ngx_crc32_long(charge->account,
                                   NGX_HTTP_TOLLGATE_ACCOUNT_LEN)
                    % tmcf->nshards;

    charge->key.len = ngx_sprintf(charge->key.data, "dl_%V", &link->id)
                      - charge->key.data;
    charge->app.len = ngx_sprintf(charge->app.data, "app_%V", &link->app)
                      - charge->app.data;

    ctx->account = 1;
    ctx->link = link;
}


/* In the place of a key's hash gate.lua gets the record that a key has. */

void
ngx_http_tollgate_link_record(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_ask_t *ask)
{
    ask->hash_len = NGX_HTTP_TOLLGATE_HASH_LEN;

    if (ctx->link == NULL) {
        return;
    }

    ask->hash_len = ngx_sprintf(ask->hash, "dl_%V app_%V active 0",
                                &ctx->link->id, &ctx->link->app)
                    - ask->hash;

    ngx_http_tollgate_link_ticket(ctx, &ask->charge);
}


/* What gate.lua's ticket is if it counts, to give back what a lost reply told. */

void
ngx_http_tollgate_link_ticket(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_charge_t *charge)
{
    u_char  *p;

    if (ctx->link == NULL) {
        return;
    }

    p = ngx_sprintf(charge->ticket.data, "link:%V:", &ctx->link->id);
    p = ngx_http_tollgate_origin_address(p,
                                         ctx->request->connection->sockaddr);
    *p++ = ':';
    p = ngx_cpymem(p, charge->request_id.data, charge->request_id.len);

    charge->ticket.len = p - charge->ticket.data;
}


u_char *
ngx_http_tollgate_link_extra(ngx_http_tollgate_ctx_t *ctx, u_char *p,
    u_char *last)
{
    if (ctx->link == NULL) {
        return p;
    }

    return ngx_slprintf(p, last, "link=%V:%L:%L:%L", &ctx->link->id,
                        ctx->link->expires, ctx->link->max,
                        ctx->link->window);
}


/* Whether the request is the one by which its download was counted. */

ngx_uint_t
ngx_http_tollgate_link_counts(ngx_http_tollgate_ctx_t *ctx)
{
    u_char                      *p, *last;
    ngx_http_tollgate_ticket_t  *ticket;

    ticket = &ctx->charge.ticket;
    last = ticket->data + ticket->len;

    if (ctx->link == NULL || ctx->dry_run) {
        return 0;
    }

    for (p = ticket->data; p != NULL && last - p > 5;
         p = ngx_strlchr(p, last, ';'))
    {
        if (*p == ';') {
            p++;
        }

        if (ngx_strncmp(p, "link:", 5) == 0) {
            return 1;
        }
    }

    return 0;
}
