
/*
 * ngx_http_tollgate_meter_cost.c owns what a metered response costs: by what
 * it told, or by an estimate, at the prices of its model.
 */


#include "ngx_http_tollgate_conf.h"
#include "ngx_http_tollgate_deny.h"
#include "ngx_http_tollgate_meter.h"


#define NGX_HTTP_TOLLGATE_METER_MILLION    1000000

/* bytes of text that an estimate takes for a token */

#define NGX_HTTP_TOLLGATE_METER_BYTES      4

/* output that is estimated where the request doesn't limit it */

#define NGX_HTTP_TOLLGATE_METER_OUTPUTS    4096


static ngx_http_tollgate_price_t *ngx_http_tollgate_meter_price(
    ngx_http_request_t *r, ngx_str_t *model);
static int64_t ngx_http_tollgate_meter_asked(ngx_http_request_t *r);
static int64_t ngx_http_tollgate_meter_tokens_of(int64_t bytes);
static void ngx_http_tollgate_meter_estimate(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_meter_tokens_t *tokens);
static ngx_int_t ngx_http_tollgate_meter_sum(ngx_http_tollgate_price_t *price,
    ngx_http_tollgate_meter_tokens_t *tokens, int64_t *credits);
static ngx_int_t ngx_http_tollgate_meter_max(ngx_http_request_t *r,
    ngx_http_tollgate_loc_conf_t *conf, int64_t *max);
static ngx_int_t ngx_http_tollgate_var_estimate(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_metered(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_tokens(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_var_tokens_cost(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_tollgate_meter_param(ngx_conf_t *cf,
    ngx_http_tollgate_loc_conf_t *tlcf, ngx_str_t *arg);


ngx_http_variable_t  ngx_http_tollgate_meter_vars[] = {
    { ngx_string("tollgate_estimate"), NULL, ngx_http_tollgate_var_estimate,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_metered"), NULL, ngx_http_tollgate_var_metered,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_tokens_cached"), NULL, ngx_http_tollgate_var_tokens,
      offsetof(ngx_http_tollgate_meter_tokens_t, cached),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_tokens_cost"), NULL,
      ngx_http_tollgate_var_tokens_cost, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_tokens_input"), NULL, ngx_http_tollgate_var_tokens,
      offsetof(ngx_http_tollgate_meter_tokens_t, input),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_tokens_output"), NULL, ngx_http_tollgate_var_tokens,
      offsetof(ngx_http_tollgate_meter_tokens_t, output),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


/* by ngx_http_tollgate_meter_by_e */

static ngx_str_t  ngx_http_tollgate_meter_bys[] = {
    ngx_string("usage"), ngx_string("estimate"), ngx_string("status"),
    ngx_string("missing"), ngx_string("invalid")
};


/* When a request is priced; the prices of then are those of its response. */

ngx_int_t
ngx_http_tollgate_meter_open(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_tollgate_price_t  *price;

    if (ctx->meter == NULL) {
        ctx->meter = ngx_pcalloc(r->pool, sizeof(ngx_http_tollgate_meter_t));
        if (ctx->meter == NULL) {
            return NGX_ERROR;
        }

        ngx_http_tollgate_meter_start(&ctx->meter->scan, ctx->conf->meter, 0);
    }

    price = ngx_http_tollgate_meter_price(r, &ctx->model);
    ctx->meter->priced = price != NULL;

    if (price != NULL) {
        ctx->meter->price = *price;
    }

    return NGX_OK;
}


static ngx_http_tollgate_price_t *
ngx_http_tollgate_meter_price(ngx_http_request_t *r, ngx_str_t *model)
{
    ngx_http_tollgate_tokens_t   *tokens;
    ngx_http_tollgate_catalog_t  *catalog;

    catalog = model->len == 0 ? NULL : ngx_http_tollgate_catalog_get(
                  ngx_http_get_module_main_conf(r, ngx_http_tollgate_module));

    tokens = catalog != NULL
             ? ngx_http_tollgate_catalog_item(&catalog->tokens, model) : NULL;

    return tokens != NULL ? &tokens->price : NULL;
}


ngx_int_t
ngx_http_tollgate_meter_cost(ngx_http_tollgate_ctx_t *ctx, int64_t *credits)
{
    ngx_http_tollgate_meter_tokens_t  tokens;

    if (ctx->meter == NULL || !ctx->meter->priced
        || ngx_http_tollgate_meter_found(ctx, &tokens)
           > NGX_HTTP_TOLLGATE_METER_BY_STATUS)
    {
        return NGX_DECLINED;
    }

    return ngx_http_tollgate_meter_sum(&ctx->meter->price, &tokens, credits);
}


int64_t
ngx_http_tollgate_meter_so_far(ngx_http_tollgate_ctx_t *ctx)
{
    int64_t                           credits;
    ngx_http_tollgate_meter_tokens_t  tokens;

    if (ctx->meter == NULL || !ctx->meter->priced || !ctx->meter->reading) {
        return -1;
    }

    ngx_http_tollgate_meter_estimate(ctx, &tokens);

    return ngx_http_tollgate_meter_sum(&ctx->meter->price, &tokens, &credits)
           == NGX_OK ? credits : -1;
}


/*
 * What was told counts, however the response ended.  Where it wasn't, one that
 * came whole is at fault; of one that was cut, on_abort says what it counts.
 */

ngx_http_tollgate_meter_by_e
ngx_http_tollgate_meter_found(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_meter_tokens_t *tokens)
{
    ngx_int_t                   rc;
    ngx_http_tollgate_meter_t  *meter;

    meter = ctx->meter;
    rc = ngx_http_tollgate_meter_tokens(&meter->scan, tokens);

    if (rc == NGX_OK) {
        return NGX_HTTP_TOLLGATE_METER_BY_USAGE;
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_TOLLGATE_METER_BY_NONSENSE;
    }

    if (meter->none) {
        ngx_memzero(tokens, sizeof(ngx_http_tollgate_meter_tokens_t));
        return NGX_HTTP_TOLLGATE_METER_BY_STATUS;
    }

    if ((meter->whole && !meter->scan.failed)
        || (meter->begun && !meter->reading)
        || (ctx->conf->meter_abort == NGX_HTTP_TOLLGATE_METER_HOLD
            && !meter->cut))
    {
        return NGX_HTTP_TOLLGATE_METER_BY_NOTHING;
    }

    ngx_http_tollgate_meter_estimate(ctx, tokens);

    return NGX_HTTP_TOLLGATE_METER_BY_ESTIMATE;
}


/* What was told, and else by the bytes of the request and of the content. */

static void
ngx_http_tollgate_meter_estimate(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_meter_tokens_t *tokens)
{
    ngx_http_tollgate_meter_scan_t  *scan;

    scan = &ctx->meter->scan;

    if (ngx_http_tollgate_meter_tokens(scan, tokens) == NGX_ERROR) {
        tokens->input = NGX_HTTP_TOLLGATE_METER_UNTOLD;
        tokens->output = NGX_HTTP_TOLLGATE_METER_UNTOLD;
    }

    if (tokens->input < 0) {
        tokens->cached = 0;
        tokens->input = ngx_http_tollgate_meter_tokens_of(
                            ngx_http_tollgate_meter_asked(ctx->request));
    }

    if (tokens->output < 0) {
        tokens->output = ngx_http_tollgate_meter_tokens_of(scan->text);
    }
}


/* Bytes of the request body, 0 where nobody knows yet. */

static int64_t
ngx_http_tollgate_meter_asked(ngx_http_request_t *r)
{
    return r->headers_in.content_length_n > 0
           ? r->headers_in.content_length_n
           : r->request_body != NULL && r->request_body->received > 0
           ? r->request_body->received : 0;
}


static int64_t
ngx_http_tollgate_meter_tokens_of(int64_t bytes)
{
    bytes = (bytes + NGX_HTTP_TOLLGATE_METER_BYTES - 1)
            / NGX_HTTP_TOLLGATE_METER_BYTES;

    return ngx_min(bytes, NGX_HTTP_TOLLGATE_METER_MOST);
}


/* Exact, and rounded up once; NGX_DECLINED: more than credits can be. */

static ngx_int_t
ngx_http_tollgate_meter_sum(ngx_http_tollgate_price_t *price,
    ngx_http_tollgate_meter_tokens_t *tokens, int64_t *credits)
{
    unsigned __int128  sum;

    /* at most 2^41 tokens of each kind at 2^53 */

    sum = (unsigned __int128) tokens->input * price->input
          + (unsigned __int128) tokens->cached * price->cached
          + (unsigned __int128) tokens->output * price->output;

    sum = (sum + NGX_HTTP_TOLLGATE_METER_MILLION - 1)
          / NGX_HTTP_TOLLGATE_METER_MILLION;

    if (sum >= NGX_HTTP_TOLLGATE_MAX) {
        return NGX_DECLINED;
    }

    *credits = (int64_t) sum;

    return NGX_OK;
}


/* NGX_DECLINED: the value is no count of tokens. */

static ngx_int_t
ngx_http_tollgate_meter_max(ngx_http_request_t *r,
    ngx_http_tollgate_loc_conf_t *conf, int64_t *max)
{
    ngx_str_t  text;

    *max = NGX_HTTP_TOLLGATE_METER_OUTPUTS;

    if (conf->max_tokens == NULL) {
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, conf->max_tokens, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    if (text.len == 0) {
        return NGX_OK;
    }

    *max = ngx_atoi(text.data, text.len);

    return *max < 0 || *max > NGX_HTTP_TOLLGATE_METER_MOST
           ? NGX_DECLINED : NGX_OK;
}


/*
 * Asked for while the request is priced.  The limit is looked at first, for
 * it may be a field of the body, which is read because it is asked for.
 */

static ngx_int_t
ngx_http_tollgate_var_estimate(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    int64_t                            credits;
    ngx_int_t                          rc;
    ngx_str_t                          model;
    ngx_http_tollgate_ctx_t           *ctx;
    ngx_http_tollgate_price_t         *price;
    ngx_http_tollgate_loc_conf_t      *conf;
    ngx_http_tollgate_meter_tokens_t   tokens;

    v->not_found = 1;

    ctx = ngx_http_tollgate_ctx(r);
    conf = ctx != NULL ? ctx->conf : NULL;

    if (conf == NULL || !conf->meter || conf->model == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_tollgate_meter_max(r, conf, &tokens.output);

    if (rc == NGX_ERROR
        || ngx_http_complex_value(r, conf->model, &model) != NGX_OK)
    {
        return NGX_ERROR;
    }

    price = ngx_http_tollgate_meter_price(r, &model);

    tokens.cached = 0;
    tokens.input = ngx_http_tollgate_meter_tokens_of(
                       ngx_http_tollgate_meter_asked(r->main));

    if (rc != NGX_OK || price == NULL
        || ngx_http_tollgate_meter_sum(price, &tokens, &credits) != NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_http_tollgate_var_micro(r, v, credits);
}


static ngx_int_t
ngx_http_tollgate_var_metered(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                         *by;
    ngx_http_tollgate_ctx_t           *ctx;
    ngx_http_tollgate_meter_tokens_t   tokens;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL || ctx->meter == NULL) {
        return NGX_OK;
    }

    by = &ngx_http_tollgate_meter_bys[ngx_http_tollgate_meter_found(ctx,
                                                                   &tokens)];

    return ngx_http_tollgate_var_set(v, by->data, by->len);
}


/* data is the place of the count */

static ngx_int_t
ngx_http_tollgate_var_tokens(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_tollgate_ctx_t           *ctx;
    ngx_http_tollgate_meter_tokens_t   tokens;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    if (ctx == NULL || ctx->meter == NULL
        || ngx_http_tollgate_meter_found(ctx, &tokens)
           > NGX_HTTP_TOLLGATE_METER_BY_STATUS)
    {
        return NGX_OK;
    }

    return ngx_http_tollgate_var_print(r, v, "%L",
                                       *(int64_t *) ((u_char *) &tokens
                                                     + data), 0);
}


static ngx_int_t
ngx_http_tollgate_var_tokens_cost(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    int64_t                   credits;
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_var_ctx(r, v);

    return ctx == NULL
           || ngx_http_tollgate_meter_cost(ctx, &credits) != NGX_OK
           ? NGX_OK : ngx_http_tollgate_var_micro(r, v, credits);
}


char *
ngx_http_tollgate_meter_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t *tlcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i, n;

    static const char  *dialects[] = { "off", "openai", "anthropic", "auto" };

    if (tlcf->meter != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (n = 0; n < 4; n++) {
        if (ngx_strcmp(value[1].data, dialects[n]) == 0) {
            tlcf->meter = n;
        }
    }

    if (tlcf->meter == NGX_CONF_UNSET_UINT) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"%V\" directive, it must "
                           "be \"off\", \"openai\", \"anthropic\" or \"auto\"",
                           &value[1], &cmd->name);
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        if (tlcf->meter == NGX_HTTP_TOLLGATE_METER_OFF
            || ngx_http_tollgate_meter_param(cf, tlcf, &value[i]) != NGX_OK)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" in \"%V\" directive, "
                               "it must be \"on_abort=estimate\", \"drain\" "
                               "or \"hold\", or \"max_tokens=value\"",
                               &value[i], &cmd->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_tollgate_meter_param(ngx_conf_t *cf,
    ngx_http_tollgate_loc_conf_t *tlcf, ngx_str_t *arg)
{
    ngx_str_t   s;
    ngx_uint_t  n;

    static const char  *aborts[] = { "estimate", "drain", "hold" };

    if (ngx_http_tollgate_conf_param(arg, "on_abort=", &s)) {
        for (n = 0; n < 3; n++) {
            if (ngx_strcmp(s.data, aborts[n]) == 0) {
                tlcf->meter_abort = n;
                return NGX_OK;
            }
        }
    }

    if (!ngx_http_tollgate_conf_param(arg, "max_tokens=", &s)
        || tlcf->max_tokens != NULL)
    {
        return NGX_ERROR;
    }

    tlcf->max_tokens = ngx_http_tollgate_conf_complex(cf, &s);

    return tlcf->max_tokens ? NGX_OK : NGX_ERROR;
}
