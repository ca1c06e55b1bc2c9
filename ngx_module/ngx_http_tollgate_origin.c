
/*
 * ngx_http_tollgate_origin.c owns what the rules of a key are checked against:
 * from where a request comes, and what it wants to do.
 */


#include "ngx_http_tollgate.h"


/* "address method scope path" fits into NGX_HTTP_TOLLGATE_ORIGIN_LEN */

#define NGX_HTTP_TOLLGATE_ORIGIN_METHOD  16
#define NGX_HTTP_TOLLGATE_ORIGIN_PATH    256    /* rules have less */


static u_char *ngx_http_tollgate_origin_scope(u_char *p, ngx_str_t *scope);


ngx_int_t
ngx_http_tollgate_origin(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_ask_t *ask)
{
    u_char              *p;
    ngx_str_t            scope;
    ngx_http_request_t  *r;

    r = ctx->request;
    ngx_str_null(&scope);

    if (ctx->conf->scope != NULL
        && ngx_http_complex_value(r, ctx->conf->scope, &scope) != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = ngx_http_tollgate_origin_address(ask->origin, r->connection->sockaddr);
    *p++ = ' ';

    /* one that is longer than any rule fits none */

    if (r->method_name.len <= NGX_HTTP_TOLLGATE_ORIGIN_METHOD) {
        p = ngx_cpymem(p, r->method_name.data, r->method_name.len);

    } else {
        *p++ = '-';
    }

    *p++ = ' ';
    p = ngx_http_tollgate_origin_scope(p, &scope);
    *p++ = ' ';

    p = ngx_cpymem(p, r->uri.data,
                   ngx_min(r->uri.len, NGX_HTTP_TOLLGATE_ORIGIN_PATH));

    ask->origin_len = p - ask->origin;

    return NGX_OK;
}


/* Hex digits; an IPv4 address is that also where it is mapped into IPv6. */

u_char *
ngx_http_tollgate_origin_address(u_char *p, struct sockaddr *sockaddr)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    switch (sockaddr->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sockaddr;

        return IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)
               ? ngx_hex_dump(p, &sin6->sin6_addr.s6_addr[12], 4)
               : ngx_hex_dump(p, sin6->sin6_addr.s6_addr, 16);
#endif

    case AF_INET:
        sin = (struct sockaddr_in *) sockaddr;

        return ngx_hex_dump(p, (u_char *) &sin->sin_addr, 4);

    default:
        *p++ = '-';

        return p;
    }
}


/* What is no code is a scope that no key has. */

static u_char *
ngx_http_tollgate_origin_scope(u_char *p, ngx_str_t *scope)
{
    u_char  ch;
    size_t  i;

    if (scope->len == 0) {
        *p++ = '-';
        return p;
    }

    for (i = 0; i < scope->len; i++) {
        ch = scope->data[i];

        if (i == NGX_HTTP_TOLLGATE_CODE_LEN || ch <= ' '
            || (i == 0 && ch == '-'))
        {
            *p++ = '?';
            return p;
        }
    }

    return ngx_cpymem(p, scope->data, scope->len);
}
