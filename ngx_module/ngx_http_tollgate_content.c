
/*
 * ngx_http_tollgate_content.c owns what a request for a piece of content asks
 * for: what a view of it costs, and what gate.lua has to know of it.
 */


#include "ngx_http_tollgate_catalog.h"


static ngx_http_tollgate_content_t *ngx_http_tollgate_content_find(
    ngx_http_tollgate_ctx_t *ctx);


/* A view has a price and no units; what is in the plan gate.lua finds out. */

ngx_http_tollgate_verdict_e
ngx_http_tollgate_content(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx,
    int64_t cost)
{
    ngx_http_tollgate_content_t  *content;

    if (ngx_http_complex_value(r, ctx->conf->content, &ctx->content)
        != NGX_OK)
    {
        return NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
    }

    if (ctx->content.len == 0) {
        return NGX_HTTP_TOLLGATE_PASS;
    }

    ctx->cost = 0;
    ctx->cost_units = 0;

    if (ctx->feature.len == 0) {
        ngx_str_set(&ctx->feature, "content");
    }

    if (ngx_http_tollgate_price_catalog(r, ctx) == NULL) {
        return NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
    }

    content = ngx_http_tollgate_content_find(ctx);
    if (content == NULL) {
        return NGX_HTTP_TOLLGATE_CONTENT_UNKNOWN;
    }

    if (content->sold) {
        ctx->cost = cost < 0 ? content->credits : cost;
    }

    return NGX_HTTP_TOLLGATE_PASS;
}


/* It may be in an open view or in what the account has: nothing is owed. */

void
ngx_http_tollgate_content_undecided(ngx_http_tollgate_ctx_t *ctx)
{
    if (ctx->content.len) {
        ctx->cost = 0;
    }
}


/* "content=sold,window,tier,code,bundle,..." */

u_char *
ngx_http_tollgate_content_extra(ngx_http_tollgate_ctx_t *ctx, u_char *p,
    u_char *last)
{
    ngx_http_tollgate_content_t  *content;

    if (ctx->content.len == 0 || ctx->look) {
        return p;
    }

    content = ngx_http_tollgate_content_find(ctx);

    if (content == NULL
        || (size_t) (last - p) < sizeof("content=1,,,,") + 2 * NGX_INT_T_LEN
                                 + content->code.len + content->bundles.len)
    {
        return NULL;
    }

    p = ngx_sprintf(p, "content=%ui,%ui,", content->sold, content->window);

    p = content->tier == NGX_HTTP_TOLLGATE_NO_TIER
        ? ngx_cpymem(p, "-,", 2) : ngx_sprintf(p, "%ui,", content->tier);

    p = ngx_cpymem(p, content->code.data, content->code.len);

    if (content->bundles.len) {
        *p++ = ',';
        p = ngx_cpymem(p, content->bundles.data, content->bundles.len);
    }

    return p;
}


static ngx_http_tollgate_content_t *
ngx_http_tollgate_content_find(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_tollgate_catalog_t  *catalog;

    catalog = ngx_http_tollgate_catalog_get(
                  ngx_http_get_module_main_conf(ctx->request,
                                                ngx_http_tollgate_module));

    return catalog ? ngx_http_tollgate_catalog_item(&catalog->contents,
                                                    &ctx->content)
                   : NULL;
}
