
/*
 * ngx_http_tollgate_hold.c owns holds: a request's price that is held until it
 * is known what the response came to.
 */


#include "ngx_http_tollgate_conf.h"
#include "ngx_http_tollgate_hold.h"
#include "ngx_http_tollgate_meter.h"
#include "ngx_http_tollgate_metrics.h"


#define NGX_HTTP_TOLLGATE_HOLD_TTL    60000     /* ms */
#define NGX_HTTP_TOLLGATE_HOLD_LEAST  1000
#define NGX_HTTP_TOLLGATE_HOLD_MOST   86400000


static ngx_int_t ngx_http_tollgate_hold_actual(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, int64_t *credits);
static ngx_uint_t ngx_http_tollgate_hold_param(ngx_http_tollgate_hold_t *hold,
    ngx_str_t *arg);


/* in the order of ngx_http_tollgate_overage_e */

static ngx_str_t  ngx_http_tollgate_hold_overages[] = {
    ngx_string("reject_next"), ngx_string("if_available"),
    ngx_string("overdraft"), ngx_null_string
};


static ngx_http_tollgate_complaint_t  ngx_http_tollgate_hold_unknown;


ngx_str_t *
ngx_http_tollgate_hold_overage(ngx_uint_t overage)
{
    return &ngx_http_tollgate_hold_overages[overage];
}


u_char *
ngx_http_tollgate_hold_extra(ngx_http_tollgate_ctx_t *ctx, u_char *p,
    u_char *last)
{
    ngx_http_tollgate_hold_t  *hold;

    hold = ctx->conf->hold;

    /* a view of content and a download are shared, and charged at once */

    if (hold == NULL || ctx->look || ctx->conf->content != NULL
        || ctx->link != NULL)
    {
        return p;
    }

    if ((size_t) (last - p) < sizeof("hold=") + NGX_INT_T_LEN) {
        return NULL;
    }

    ctx->charge.hold_ms = hold->ttl;
    ctx->charge.overage = hold->overage;

    return ngx_sprintf(p, "hold=%M", hold->ttl);
}


/* What it came to is in the place of what was held from here on. */

void
ngx_http_tollgate_hold_commit(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    int64_t                      actual;
    ngx_uint_t                   known;
    ngx_http_tollgate_charge_t  *charge;

    charge = &ctx->charge;

    ngx_http_tollgate_extend_leave(ctx);

    if (ctx->dry_run || ctx->outage || !ngx_http_tollgate_charge_held(charge))
    {
        return;
    }

    known = ngx_http_tollgate_hold_actual(r, ctx, &actual) == NGX_OK;

    if (!known) {
        actual = charge->credits + ctx->more;
    }

    ngx_http_tollgate_commit(ctx->conf->store, charge, actual);
    ngx_http_tollgate_metrics_commit(ctx, actual, known);

    charge->credits = actual;
}


/* NGX_DECLINED: nothing tells, or nothing that can be charged. */

static ngx_int_t
ngx_http_tollgate_hold_actual(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, int64_t *credits)
{
    ngx_str_t  value;

    /* of one that was cut what the backend tells is not what was sent */

    if (ctx->conf->actual == NULL
        || (ctx->meter != NULL && ctx->meter->cut && !ctx->meter->whole))
    {
        return ctx->meter != NULL
               && ngx_http_tollgate_meter_cost(ctx, credits) == NGX_OK
               && *credits < NGX_HTTP_TOLLGATE_MAX ? NGX_OK : NGX_DECLINED;
    }

    if (ngx_http_complex_value(r, ctx->conf->actual, &value) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_http_tollgate_credits_parse(&value, credits) == NGX_OK
        && *credits < NGX_HTTP_TOLLGATE_MAX)
    {
        return NGX_OK;
    }

    ngx_http_tollgate_price_complain(r, &ngx_http_tollgate_hold_unknown,
                                     "tollgate_actual", &value,
                                     "no number of credits with up to 6 "
                                     "decimals, so what was held is charged");

    return NGX_DECLINED;
}


char *
ngx_http_tollgate_hold_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t *tlcf = conf;

    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_http_tollgate_hold_t  *hold;

    if (tlcf->hold != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0 && cf->args->nelts == 2) {
        tlcf->hold = NULL;
        return NGX_CONF_OK;
    }

    hold = ngx_pcalloc(cf->pool, sizeof(ngx_http_tollgate_hold_t));
    if (hold == NULL) {
        return NGX_CONF_ERROR;
    }

    tlcf->hold = hold;
    hold->ttl = NGX_HTTP_TOLLGATE_HOLD_TTL;
    hold->fixed = -1;

    for (i = 2; i < cf->args->nelts; i++) {
        if (!ngx_http_tollgate_hold_param(hold, &value[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" in \"%V\" directive, "
                               "it must be \"ttl=time\" of 1s to 1d or "
                               "\"overage=\" with \"reject_next\", "
                               "\"if_available\" or \"overdraft\", "
                               "\"extend=\" with a number of credits above 0 "
                               "or \"cutoff\"", &value[i], &cmd->name);
            return NGX_CONF_ERROR;
        }
    }

    if (hold->cutoff && !hold->extend) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"cutoff\" in \"%V\" directive needs \"extend=\"",
                           &cmd->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(value[1].data, "price") == 0) {
        return NGX_CONF_OK;
    }

    hold->credits = ngx_http_tollgate_conf_complex(cf, &value[1]);
    if (hold->credits == NULL) {
        return NGX_CONF_ERROR;
    }

    if (hold->credits->lengths == NULL
        && ngx_http_tollgate_credits_parse(&value[1], &hold->fixed) != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"%V\" directive, it must "
                           "be a number of credits with up to 6 decimals, "
                           "\"price\" or \"off\"", &value[1], &cmd->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_http_tollgate_hold_param(ngx_http_tollgate_hold_t *hold, ngx_str_t *arg)
{
    ngx_int_t   n;
    ngx_str_t   s;
    ngx_uint_t  i;

    if (ngx_http_tollgate_conf_param(arg, "ttl=", &s)) {
        n = ngx_parse_time(&s, 0);
        hold->ttl = n;

        return n != NGX_ERROR && n >= NGX_HTTP_TOLLGATE_HOLD_LEAST
               && n <= NGX_HTTP_TOLLGATE_HOLD_MOST;
    }

    if (ngx_http_tollgate_conf_param(arg, "extend=", &s)) {
        return ngx_http_tollgate_credits_parse(&s, &hold->extend) == NGX_OK
               && hold->extend > 0 && hold->extend < NGX_HTTP_TOLLGATE_MAX;
    }

    if (ngx_strcmp(arg->data, "cutoff") == 0) {
        hold->cutoff = 1;
        return 1;
    }

    if (!ngx_http_tollgate_conf_param(arg, "overage=", &s)) {
        return 0;
    }

    for (i = 0; ngx_http_tollgate_hold_overages[i].len; i++) {
        if (ngx_http_tollgate_hold_overages[i].len == s.len
            && ngx_strncmp(ngx_http_tollgate_hold_overages[i].data, s.data,
                           s.len) == 0)
        {
            hold->overage = i;
            return 1;
        }
    }

    return 0;
}
