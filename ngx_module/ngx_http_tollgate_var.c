
/*
 * ngx_http_tollgate_var.c owns the variables: one row each, by what they
 * show of a decision.
 */


#include "ngx_http_tollgate_catalog.h"


typedef enum {
    NGX_HTTP_TOLLGATE_VAR_ACCOUNT = 0,
    NGX_HTTP_TOLLGATE_VAR_APP,
    NGX_HTTP_TOLLGATE_VAR_COST,
    NGX_HTTP_TOLLGATE_VAR_KEY,
    NGX_HTTP_TOLLGATE_VAR_PLAN,
    NGX_HTTP_TOLLGATE_VAR_REMAINING,
    NGX_HTTP_TOLLGATE_VAR_REQUEST_ID,
    NGX_HTTP_TOLLGATE_VAR_TIER,
    NGX_HTTP_TOLLGATE_VAR_UNITS,
    NGX_HTTP_TOLLGATE_VAR_VERDICT
} ngx_http_tollgate_var_e;


static ngx_int_t ngx_http_tollgate_var(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_get(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, uintptr_t what, ngx_str_t *s);
static ngx_int_t ngx_http_tollgate_var_number(ngx_http_request_t *r,
    uintptr_t what, int64_t n, ngx_str_t *s);
static void ngx_http_tollgate_var_tier(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *s);


static ngx_http_variable_t  ngx_http_tollgate_vars[] = {
    { ngx_string("tollgate_account"), NULL, ngx_http_tollgate_var,
      NGX_HTTP_TOLLGATE_VAR_ACCOUNT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_app"), NULL, ngx_http_tollgate_var,
      NGX_HTTP_TOLLGATE_VAR_APP, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_cost"), NULL, ngx_http_tollgate_var,
      NGX_HTTP_TOLLGATE_VAR_COST, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_key"), NULL, ngx_http_tollgate_var,
      NGX_HTTP_TOLLGATE_VAR_KEY, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_plan"), NULL, ngx_http_tollgate_var,
      NGX_HTTP_TOLLGATE_VAR_PLAN, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_remaining"), NULL, ngx_http_tollgate_var,
      NGX_HTTP_TOLLGATE_VAR_REMAINING, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_request_id"), NULL, ngx_http_tollgate_var,
      NGX_HTTP_TOLLGATE_VAR_REQUEST_ID, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_tier"), NULL, ngx_http_tollgate_var,
      NGX_HTTP_TOLLGATE_VAR_TIER, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_units"), NULL, ngx_http_tollgate_var,
      NGX_HTTP_TOLLGATE_VAR_UNITS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_verdict"), NULL, ngx_http_tollgate_var,
      NGX_HTTP_TOLLGATE_VAR_VERDICT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


/* What is unknown is not found, which logs show as "-". */

static ngx_int_t
ngx_http_tollgate_var(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t                 s;
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_ctx(r);
    ngx_str_null(&s);

    if (ctx == NULL || !ctx->done) {
        if (data == NGX_HTTP_TOLLGATE_VAR_VERDICT) {
            s = ngx_http_tollgate_verdicts[NGX_HTTP_TOLLGATE_OFF].code;
        }

    } else if (ngx_http_tollgate_var_get(r, ctx, data, &s) != NGX_OK) {
        return NGX_ERROR;
    }

    if (s.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = s.data;
    v->len = s.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_var_get(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx,
    uintptr_t what, ngx_str_t *s)
{
    ngx_http_tollgate_charge_t  *charge;

    charge = &ctx->charge;

    switch (what) {

    case NGX_HTTP_TOLLGATE_VAR_ACCOUNT:
        s->data = charge->account;
        s->len = charge->key.len ? NGX_HTTP_TOLLGATE_ACCOUNT_LEN : 0;
        break;

    case NGX_HTTP_TOLLGATE_VAR_APP:
        s->data = charge->app.data;
        s->len = charge->app.len;
        break;

    case NGX_HTTP_TOLLGATE_VAR_KEY:
        s->data = charge->key.data;
        s->len = charge->key.len;
        break;

    case NGX_HTTP_TOLLGATE_VAR_PLAN:
        *s = ctx->plan;
        break;

    case NGX_HTTP_TOLLGATE_VAR_REQUEST_ID:
        s->data = charge->request_id.data;
        s->len = charge->request_id.len;
        break;

    case NGX_HTTP_TOLLGATE_VAR_TIER:
        ngx_http_tollgate_var_tier(r, ctx, s);
        break;

    case NGX_HTTP_TOLLGATE_VAR_VERDICT:
        *s = ngx_http_tollgate_verdicts[ctx->verdict].code;
        break;

    case NGX_HTTP_TOLLGATE_VAR_UNITS:
        return ngx_http_tollgate_var_number(r, what, charge->units, s);

    case NGX_HTTP_TOLLGATE_VAR_COST:
        return ngx_http_tollgate_var_number(r, what, charge->credits, s);

    default: /* NGX_HTTP_TOLLGATE_VAR_REMAINING */
        return ctx->known
               ? ngx_http_tollgate_var_number(r, what, ctx->avail, s) : NGX_OK;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_var_number(ngx_http_request_t *r, uintptr_t what, int64_t n,
    ngx_str_t *s)
{
    u_char  *last;

    s->data = ngx_pnalloc(r->pool, NGX_HTTP_TOLLGATE_CREDITS_LEN);
    if (s->data == NULL) {
        return NGX_ERROR;
    }

    last = what == NGX_HTTP_TOLLGATE_VAR_UNITS
           ? ngx_sprintf(s->data, "%L", n)
           : ngx_http_tollgate_credits(s->data, n);

    s->len = last - s->data;

    return NGX_OK;
}


static void
ngx_http_tollgate_var_tier(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx,
    ngx_str_t *s)
{
    ngx_http_tollgate_rank_t     *tier;
    ngx_http_tollgate_catalog_t  *catalog;

    if (!ctx->known || ctx->plan.len == 0) {
        return;
    }

    catalog = ngx_http_tollgate_catalog_get(
                  ngx_http_get_module_main_conf(r, ngx_http_tollgate_module));

    if (catalog == NULL) {
        return;
    }

    tier = ngx_http_tollgate_catalog_tier(catalog, ctx->plan_tier);

    /* a newer catalog may come while the value is on its way to a client */

    if (tier != NULL) {
        s->data = ngx_pstrdup(r->pool, &tier->code);
        s->len = s->data ? tier->code.len : 0;
    }
}


ngx_int_t
ngx_http_tollgate_var_init(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_tollgate_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}
