
/*
 * ngx_http_tollgate_var.c owns the variables: one row each, by what they
 * show of a decision; those of a refusal are in _var_deny.c.
 */


#include "ngx_http_tollgate_catalog.h"
#include "ngx_http_tollgate_deny.h"
#include "ngx_http_tollgate_meter.h"


static ngx_int_t ngx_http_tollgate_var_rank(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, ngx_uint_t rank);
static ngx_int_t ngx_http_tollgate_var_str(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_text(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_number(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_credits(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_left(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_account(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_dry_run(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_refunded(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_remaining(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_store_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_tier(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_tier_needed(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_verdict(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_add(ngx_conf_t *cf,
    ngx_http_variable_t *v);


static ngx_http_variable_t  ngx_http_tollgate_vars[] = {
    { ngx_string("tollgate_account"), NULL, ngx_http_tollgate_var_account,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_app"), NULL, ngx_http_tollgate_var_text,
      offsetof(ngx_http_tollgate_ctx_t, charge.app),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_content"), NULL, ngx_http_tollgate_var_str,
      offsetof(ngx_http_tollgate_ctx_t, content), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_cost"), NULL, ngx_http_tollgate_var_credits,
      offsetof(ngx_http_tollgate_ctx_t, charge.credits),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_day_remaining"), NULL, ngx_http_tollgate_var_left,
      NGX_HTTP_TOLLGATE_DAY, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_dry_run"), NULL, ngx_http_tollgate_var_dry_run,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_feature"), NULL, ngx_http_tollgate_var_text,
      offsetof(ngx_http_tollgate_ctx_t, charge.feature),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_key"), NULL, ngx_http_tollgate_var_text,
      offsetof(ngx_http_tollgate_ctx_t, charge.key),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_label"), NULL, ngx_http_tollgate_var_str,
      offsetof(ngx_http_tollgate_ctx_t, label), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_mode"), NULL, ngx_http_tollgate_var_str,
      offsetof(ngx_http_tollgate_ctx_t, mode), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_model"), NULL, ngx_http_tollgate_var_text,
      offsetof(ngx_http_tollgate_ctx_t, charge.model),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_month_remaining"), NULL, ngx_http_tollgate_var_left,
      NGX_HTTP_TOLLGATE_MONTH, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_plan"), NULL, ngx_http_tollgate_var_str,
      offsetof(ngx_http_tollgate_ctx_t, plan), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_price"), NULL, ngx_http_tollgate_var_credits,
      offsetof(ngx_http_tollgate_ctx_t, cost), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_price_units"), NULL, ngx_http_tollgate_var_number,
      offsetof(ngx_http_tollgate_ctx_t, cost_units),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_refunded"), NULL, ngx_http_tollgate_var_refunded,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_remaining"), NULL, ngx_http_tollgate_var_remaining,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_request_id"), NULL, ngx_http_tollgate_var_text,
      offsetof(ngx_http_tollgate_ctx_t, charge.request_id),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_store_time"), NULL,
      ngx_http_tollgate_var_store_time,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_tier"), NULL, ngx_http_tollgate_var_tier,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_tier_needed"), NULL,
      ngx_http_tollgate_var_tier_needed,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_units"), NULL, ngx_http_tollgate_var_number,
      offsetof(ngx_http_tollgate_ctx_t, charge.units),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_user"), NULL, ngx_http_tollgate_var_str,
      offsetof(ngx_http_tollgate_ctx_t, user), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_verdict"), NULL, ngx_http_tollgate_var_verdict,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


/* What is unknown is not found, which logs show as "-". */

ngx_http_tollgate_ctx_t *
ngx_http_tollgate_var_ctx(ngx_http_request_t *r, ngx_http_variable_value_t *v)
{
    ngx_http_tollgate_ctx_t  *ctx;

    v->not_found = 1;

    ctx = ngx_http_tollgate_ctx(r);

    return ctx != NULL && ctx->done && ctx->verdict != NGX_HTTP_TOLLGATE_OFF
           ? ctx : NULL;
}


ngx_int_t
ngx_http_tollgate_var_set(ngx_http_variable_value_t *v, u_char *data,
    size_t len)
{
    if (len == 0) {
        return NGX_OK;
    }

    v->data = data;
    v->len = len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


ngx_int_t
ngx_http_tollgate_var_print(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, const char *format, int64_t n, int64_t m)
{
    u_char  *p;

    p = ngx_pnalloc(r->pool, 2 * NGX_INT64_LEN + 2);
    if (p == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_tollgate_var_set(v, p, ngx_sprintf(p, format, n, m) - p);
}


ngx_int_t
ngx_http_tollgate_var_micro(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, int64_t credits)
{
    u_char  *p;

    p = ngx_pnalloc(r->pool, NGX_HTTP_TOLLGATE_CREDITS_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_tollgate_var_set(v, p,
                                     ngx_http_tollgate_credits(p, credits)
                                     - p);
}


/* The code of a tier, which a newer catalog may take from under a reader. */

static ngx_int_t
ngx_http_tollgate_var_rank(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, ngx_uint_t rank)
{
    u_char                       *p;
    ngx_http_tollgate_rank_t     *tier;
    ngx_http_tollgate_catalog_t  *catalog;

    catalog = ngx_http_tollgate_catalog_get(
                  ngx_http_get_module_main_conf(r, ngx_http_tollgate_module));

    tier = catalog ? ngx_http_tollgate_catalog_tier(catalog, rank) : NULL;

    if (tier == NULL) {
        return NGX_OK;
    }

    p = ngx_pstrdup(r->pool, &tier->code);
    if (p == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_tollgate_var_set(v, p, tier->code.len);
}


/* data is the place of the member in the context */

static ngx_int_t
ngx_http_tollgate_var_str(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_tollgate_ctx_t  *ctx;
    ngx_str_t                *s;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    s = (ngx_str_t *) ((u_char *) ctx + data);

    return ngx_http_tollgate_var_set(v, s->data, s->len);
}


static ngx_int_t
ngx_http_tollgate_var_text(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_tollgate_ctx_t   *ctx;
    ngx_http_tollgate_text_t  *t;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    t = (ngx_http_tollgate_text_t *) ((u_char *) ctx + data);

    return ngx_http_tollgate_var_set(v, t->data, t->len);
}


static ngx_int_t
ngx_http_tollgate_var_number(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    return ngx_http_tollgate_var_print(r, v, "%L",
                                       *(int64_t *) ((u_char *) ctx + data),
                                       0);
}


static ngx_int_t
ngx_http_tollgate_var_credits(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    int64_t                   credits;
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    credits = *(int64_t *) ((u_char *) ctx + data);

    return credits < 0 ? NGX_OK : ngx_http_tollgate_var_micro(r, v, credits);
}


/* data is the limit */

static ngx_int_t
ngx_http_tollgate_var_left(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_tollgate_ctx_t  *ctx;
    int64_t                   left;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    left = ngx_http_tollgate_verdict_left(ctx, data);

    return left < 0 ? NGX_OK
                    : ngx_http_tollgate_var_print(r, v, "%L", left, 0);
}


static ngx_int_t
ngx_http_tollgate_var_account(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    return ngx_http_tollgate_var_set(v, ctx->charge.account,
                                     ctx->charge.key.len
                                     ? NGX_HTTP_TOLLGATE_ACCOUNT_LEN : 0);
}


static ngx_int_t
ngx_http_tollgate_var_dry_run(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    return ngx_http_tollgate_var_set(v, (u_char *) "1", ctx->dry_run);
}


/* The outcome of a response that is still on its way may change. */

static ngx_int_t
ngx_http_tollgate_var_refunded(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    return ngx_http_tollgate_var_set(v, (u_char *) "1",
                                     ngx_http_tollgate_log_refunds(r->main,
                                                                   ctx));
}


static ngx_int_t
ngx_http_tollgate_var_remaining(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_tollgate_ctx_t  *ctx;
    int64_t                   avail;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    avail = ngx_http_tollgate_verdict_avail(ctx);

    return avail < 0 ? NGX_OK : ngx_http_tollgate_var_micro(r, v, avail);
}


static ngx_int_t
ngx_http_tollgate_var_store_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    return ctx->store_us < 0 ? NGX_OK
           : ngx_http_tollgate_var_print(r, v, "%L.%06L",
                                         ctx->store_us / 1000000,
                                         ctx->store_us % 1000000);
}


static ngx_int_t
ngx_http_tollgate_var_tier(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    return ctx->known && ctx->plan.len
           ? ngx_http_tollgate_var_rank(r, v, ctx->plan_tier) : NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_var_tier_needed(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL) {
        return NGX_OK;
    }

    return ctx->tier ? ngx_http_tollgate_var_rank(r, v, ctx->tier) : NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_var_verdict(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                *code;
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    code = &ngx_http_tollgate_verdicts[ctx ? ctx->verdict
                                           : NGX_HTTP_TOLLGATE_OFF].code;

    return ngx_http_tollgate_var_set(v, code->data, code->len);
}


static ngx_int_t
ngx_http_tollgate_var_add(ngx_conf_t *cf, ngx_http_variable_t *v)
{
    ngx_http_variable_t  *var;

    for ( /* void */ ; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_tollgate_var_init(ngx_conf_t *cf)
{
    if (ngx_http_tollgate_var_add(cf, ngx_http_tollgate_vars) != NGX_OK
        || ngx_http_tollgate_var_add(cf, ngx_http_tollgate_meter_vars)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_tollgate_var_add(cf, ngx_http_tollgate_deny_vars);
}
