
/*
 * ngx_http_tollgate_hold.c owns holds: a request's price that is held until it
 * is known what the response came to.
 */


#include "ngx_http_tollgate_hold.h"
#include "ngx_http_tollgate_meter.h"
#include "ngx_http_tollgate_metrics.h"


#define NGX_HTTP_TOLLGATE_HOLD_TTL    60000     /* ms */
#define NGX_HTTP_TOLLGATE_HOLD_LEAST  1000
#define NGX_HTTP_TOLLGATE_HOLD_MOST   86400000
#define NGX_HTTP_TOLLGATE_HOLD_SIZE   512       /* of the arguments */


static void ngx_http_tollgate_hold_extend(ngx_event_t *ev);
static ngx_int_t ngx_http_tollgate_hold_format(ngx_http_tollgate_node_t *node,
    ngx_http_tollgate_charge_t *charge);
static ngx_int_t ngx_http_tollgate_hold_extended(
    ngx_http_tollgate_call_t *call, ngx_http_tollgate_reply_t *reply);
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


void
ngx_http_tollgate_hold_start(ngx_http_tollgate_ctx_t *ctx)
{
    if (ctx->dry_run || ctx->verdict != NGX_HTTP_TOLLGATE_PASS
        || !ngx_http_tollgate_charge_held(&ctx->charge))
    {
        return;
    }

    ctx->hold.handler = ngx_http_tollgate_hold_extend;
    ctx->hold.data = ctx;
    ctx->hold.log = ctx->conf->store->log;

    ngx_add_timer(&ctx->hold, ctx->charge.hold_ms / 3);
}


void
ngx_http_tollgate_hold_leave(ngx_http_tollgate_ctx_t *ctx)
{
    if (ctx->hold.timer_set) {
        ngx_del_timer(&ctx->hold);
    }
}


/* Three times while it would last, so that one of them may be lost. */

static void
ngx_http_tollgate_hold_extend(ngx_event_t *ev)
{
    ngx_http_tollgate_ctx_t   *ctx;
    ngx_http_tollgate_call_t  *call;
    ngx_http_tollgate_node_t  *node;

    ctx = ev->data;
    node = ctx->conf->store->routes[ctx->charge.shard].node;

    ngx_add_timer(ev, ctx->charge.hold_ms / 3);

    if (!ngx_http_tollgate_redis_room(&node->redis)) {
        return;
    }

    call = ngx_http_tollgate_redis_call(&node->redis,
                                        ngx_http_tollgate_hold_extended, node);
    if (call == NULL) {
        return;
    }

    if (ngx_http_tollgate_hold_format(node, &ctx->charge) != NGX_OK) {
        ngx_http_tollgate_redis_forget(call);
        return;
    }

    ngx_http_tollgate_redis_expect(call);
    ngx_http_tollgate_redis_post(&node->redis);
}


static ngx_int_t
ngx_http_tollgate_hold_format(ngx_http_tollgate_node_t *node,
    ngx_http_tollgate_charge_t *charge)
{
    u_char                      wallet[64], *w;
    ngx_http_tollgate_redis_t  *redis;
    ngx_http_tollgate_shard_t  *shard;

    redis = &node->redis;
    shard = &node->store->conf->shards[charge->shard];

    if (ngx_http_tollgate_redis_command(redis, 11, NGX_HTTP_TOLLGATE_HOLD_SIZE)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    w = ngx_cpymem(wallet, shard->wallet.data, shard->wallet.len);
    w = ngx_cpymem(w, charge->account, NGX_HTTP_TOLLGATE_ACCOUNT_LEN);

    ngx_http_tollgate_redis_arg_script(redis, NGX_HTTP_TOLLGATE_EXTEND);
    ngx_http_tollgate_redis_arg(redis, "3", 1);
    ngx_http_tollgate_redis_arg(redis, wallet, w - wallet);
    ngx_http_tollgate_redis_arg(redis, shard->ledger.data, shard->ledger.len);
    ngx_http_tollgate_redis_arg(redis, shard->holds.data, shard->holds.len);
    ngx_http_tollgate_redis_arg(redis, charge->account,
                                NGX_HTTP_TOLLGATE_ACCOUNT_LEN);
    ngx_http_tollgate_redis_arg(redis, charge->request_id.data,
                                charge->request_id.len);
    ngx_http_tollgate_redis_arg_number(redis, charge->epoch);
    ngx_http_tollgate_redis_arg_number(redis, charge->hold_ms);
    ngx_http_tollgate_redis_arg(redis, "0", 1);

    return NGX_OK;
}


/* What went wrong is tried again with the next third of its time. */

static ngx_int_t
ngx_http_tollgate_hold_extended(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_uint_t                 asking;
    ngx_http_tollgate_node_t  *node;

    node = call->data;

    if (reply == NULL || reply->type == REDIS_REPLY_INTEGER) {
        return NGX_OK;
    }

    if (reply->type != REDIS_REPLY_ERROR) {
        return NGX_ERROR;
    }

    if (ngx_http_tollgate_redis_noscript(reply)) {
        return ngx_http_tollgate_redis_load(&node->redis);
    }

    if (ngx_http_tollgate_store_redirect(&node->redis, reply, &asking) == NULL)
    {
        ngx_http_tollgate_redis_complain(&node->redis, "to extend a hold",
                                         reply);
    }

    return NGX_OK;
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

    ngx_http_tollgate_hold_leave(ctx);

    if (ctx->dry_run || ctx->outage || !ngx_http_tollgate_charge_held(charge))
    {
        return;
    }

    known = ngx_http_tollgate_hold_actual(r, ctx, &actual) == NGX_OK;

    if (!known) {
        actual = charge->credits;
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

    if (ctx->conf->actual == NULL) {
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

    ngx_str_t                         *value;
    ngx_uint_t                         i;
    ngx_http_tollgate_hold_t          *hold;
    ngx_http_compile_complex_value_t   ccv;

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
                               "\"if_available\" or \"overdraft\"",
                               &value[i], &cmd->name);
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_strcmp(value[1].data, "price") == 0) {
        return NGX_CONF_OK;
    }

    hold->credits = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (hold->credits == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = hold->credits;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
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
