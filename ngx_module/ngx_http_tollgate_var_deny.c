
/*
 * ngx_http_tollgate_var_deny.c owns the variables that say why a request was
 * refused and what would help, as for a page of the operator's own.
 */


#include "ngx_http_tollgate_deny.h"


static ngx_int_t ngx_http_tollgate_var_limit(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_fact(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_retry_after(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_wait(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


ngx_http_variable_t  ngx_http_tollgate_deny_vars[] = {
    { ngx_string("tollgate_limit"), NULL, ngx_http_tollgate_var_limit,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_required_plan"), NULL, ngx_http_tollgate_var_fact,
      NGX_HTTP_TOLLGATE_FACT_REQUIRED_PLAN, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_resets_at"), NULL, ngx_http_tollgate_var_fact,
      NGX_HTTP_TOLLGATE_FACT_RESETS_AT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_retry_after"), NULL,
      ngx_http_tollgate_var_retry_after,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_wait"), NULL, ngx_http_tollgate_var_wait,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


static ngx_int_t
ngx_http_tollgate_var_limit(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_tollgate_ctx_t  *ctx;
    ngx_str_t                *s;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    s = ngx_http_tollgate_verdict_limit_name(ctx);

    return s ? ngx_http_tollgate_var_set(v, s->data, s->len) : NGX_OK;
}


/* data is the fact */

static ngx_int_t
ngx_http_tollgate_var_fact(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                 facts[NGX_HTTP_TOLLGATE_FACTS];
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    if (ngx_http_tollgate_fact(r, ctx, facts) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_tollgate_var_set(v, facts[data].data, facts[data].len);
}


static ngx_int_t
ngx_http_tollgate_var_retry_after(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    int64_t                   ms;
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    ms = ngx_min(ngx_http_tollgate_fact_wait(ctx),
                 NGX_HTTP_TOLLGATE_FACT_SHORT);

    return ms <= 0 ? NGX_OK
           : ngx_http_tollgate_var_print(r, v, "%L", (ms + 999) / 1000, 0);
}


static ngx_int_t
ngx_http_tollgate_var_wait(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    return ctx->wait_ms <= 0 ? NGX_OK
           : ngx_http_tollgate_var_print(r, v, "%L.%03L", ctx->wait_ms / 1000,
                                         ctx->wait_ms % 1000);
}
