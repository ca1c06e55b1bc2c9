
/*
 * ngx_http_tollgate_price.c owns what a request asks for: feature and model,
 * the tier that they need, and their price in credits and units.
 */


#include "ngx_http_tollgate_hold.h"
#include "ngx_http_tollgate_link.h"
#include "ngx_http_tollgate_meter.h"


/* for the first catalog, in ms: a process that starts reads it at once */

#define NGX_HTTP_TOLLGATE_PRICE_WAIT  500


static ngx_http_tollgate_verdict_e ngx_http_tollgate_price_cost(
    ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx,
    ngx_http_complex_value_t *cv, const char *directive);
static ngx_http_tollgate_verdict_e ngx_http_tollgate_price_list(
    ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx);
static ngx_uint_t ngx_http_tollgate_price_codes(ngx_http_tollgate_ctx_t *ctx);
static ngx_uint_t ngx_http_tollgate_price_tier(ngx_http_request_t *r,
    ngx_http_tollgate_catalog_t *catalog, ngx_str_t *code);
static ngx_int_t ngx_http_tollgate_price_value(ngx_http_request_t *r,
    ngx_http_complex_value_t *cv, ngx_str_t *value);


static ngx_http_tollgate_complaint_t  ngx_http_tollgate_price_bad_cost;
static ngx_http_tollgate_complaint_t  ngx_http_tollgate_price_bad_tier;


ngx_http_tollgate_verdict_e
ngx_http_tollgate_price(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    int64_t                        cost;
    ngx_http_tollgate_verdict_e    verdict;
    ngx_http_complex_value_t      *value;
    ngx_http_tollgate_hold_t      *hold;
    ngx_http_tollgate_loc_conf_t  *conf;

    conf = ctx->conf;
    verdict = NGX_HTTP_TOLLGATE_PASS;

    /* a look costs nothing, and has to have the catalog to tell about */

    if (ctx->look) {
        ctx->cost = 0;

        return ngx_http_tollgate_price_catalog(r, ctx) != NULL
               ? verdict : NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
    }

    /* the cost is looked at first, for it is told first when wrong */

    hold = conf->hold != NULL && conf->hold->credits != NULL ? conf->hold
                                                             : NULL;
    value = hold ? hold->credits : conf->cost;
    ctx->cost = hold ? hold->fixed : conf->fixed_cost;

    if (value != NULL && ctx->cost < 0) {
        verdict = ngx_http_tollgate_price_cost(r, ctx, value,
                                               hold ? "tollgate_hold"
                                                    : "tollgate_cost");

        if (verdict != NGX_HTTP_TOLLGATE_PASS) {
            return verdict;
        }
    }

    cost = ctx->cost;

    if (conf->feature != NULL || conf->model != NULL || conf->tier != NULL
        || ctx->link != NULL)
    {
        verdict = ngx_http_tollgate_price_list(r, ctx);

        /* without a catalog it may pass all the same, and is priced later */

        if (verdict != NGX_HTTP_TOLLGATE_PASS
            && (verdict != NGX_HTTP_TOLLGATE_STORE_UNREACHABLE
                || !ngx_http_tollgate_price_codes(ctx)))
        {
            return verdict;
        }
    }

    /* what has a price of its own and no other is one unit of its kind */

    if (value != NULL && ctx->feature.len == 0) {
        ctx->cost_units = 1;
    }

    if (conf->content != NULL && verdict == NGX_HTTP_TOLLGATE_PASS) {
        verdict = ngx_http_tollgate_content(r, ctx, cost);

        if (verdict != NGX_HTTP_TOLLGATE_PASS) {
            return verdict;
        }
    }

    if (verdict == NGX_HTTP_TOLLGATE_PASS) {
        ctx->cost = ngx_max(ctx->cost, 0);
    }

    ngx_http_tollgate_text(&ctx->charge.feature, &ctx->feature);
    ngx_http_tollgate_text(&ctx->charge.model, &ctx->model);

    if (conf->meter && ngx_http_tollgate_meter_open(r, ctx) != NGX_OK) {
        return NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
    }

    return verdict;
}


/* Whether feature and model are of the form of codes, or none. */

static ngx_uint_t
ngx_http_tollgate_price_codes(ngx_http_tollgate_ctx_t *ctx)
{
    u_char       ch;
    size_t       i;
    ngx_str_t   *code[2];
    ngx_uint_t   n;

    code[0] = &ctx->feature;
    code[1] = &ctx->model;

    for (n = 0; n < 2; n++) {
        if (code[n]->len > NGX_HTTP_TOLLGATE_CODE_LEN) {
            return 0;
        }

        for (i = 0; i < code[n]->len; i++) {
            ch = code[n]->data[i];

            if (!((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z')
                  || (i && (ch == '.' || ch == '_' || ch == ':'
                            || ch == '-'))))
            {
                return 0;
            }
        }
    }

    return 1;
}


static ngx_http_tollgate_verdict_e
ngx_http_tollgate_price_cost(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_http_complex_value_t *cv,
    const char *directive)
{
    ngx_str_t  cost;

    if (ngx_http_complex_value(r, cv, &cost) != NGX_OK) {
        return NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
    }

    if (ngx_http_tollgate_credits_parse(&cost, &ctx->cost) != NGX_OK) {
        ngx_http_tollgate_price_complain(r, &ngx_http_tollgate_price_bad_cost,
                                         directive, &cost,
                                         "no number of credits with up to 6 "
                                         "decimals");
        return NGX_HTTP_TOLLGATE_COST_INVALID;
    }

    return NGX_HTTP_TOLLGATE_PASS;
}


/*
 * What the catalog says: the price of the model over that of the feature, and
 * the higher of the tiers.
 */

static ngx_http_tollgate_verdict_e
ngx_http_tollgate_price_list(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    ngx_str_t                      tier;
    ngx_http_tollgate_item_t      *item, *feature;
    ngx_http_tollgate_catalog_t   *catalog;
    ngx_http_tollgate_loc_conf_t  *conf;

    conf = ctx->conf;
    item = NULL;

    if (ngx_http_tollgate_price_value(r, conf->feature, &ctx->feature)
        != NGX_OK
        || ngx_http_tollgate_price_value(r, conf->model, &ctx->model)
           != NGX_OK
        || ngx_http_tollgate_price_value(r, conf->tier, &tier) != NGX_OK)
    {
        return NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
    }

    if (ctx->link != NULL && ctx->link->feature.len) {
        ctx->feature = ctx->link->feature;
        ctx->model.len = 0;
    }

    if (ctx->feature.len == 0 && ctx->model.len == 0 && tier.len == 0) {
        return NGX_HTTP_TOLLGATE_PASS;
    }

    catalog = ngx_http_tollgate_price_catalog(r, ctx);
    if (catalog == NULL) {
        return NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
    }

    if (ctx->feature.len) {
        item = ngx_http_tollgate_catalog_item(&catalog->features,
                                              &ctx->feature);
        if (item == NULL) {
            return NGX_HTTP_TOLLGATE_FEATURE_UNKNOWN;
        }
    }

    if (ctx->model.len) {
        feature = item;

        item = ngx_http_tollgate_catalog_item(&catalog->models, &ctx->model);
        if (item == NULL) {
            return NGX_HTTP_TOLLGATE_MODEL_UNKNOWN;
        }

        if (feature == NULL) {
            ctx->feature = item->feature;
        }
    }

    if (item != NULL) {
        ctx->tier = item->tier;
        ctx->cost_units = item->units;

        if (ctx->cost < 0) {
            ctx->cost = item->credits;
        }
    }

    if (tier.len) {
        ctx->tier = ngx_max(ctx->tier,
                            ngx_http_tollgate_price_tier(r, catalog, &tier));
    }

    return NGX_HTTP_TOLLGATE_PASS;
}


/* NULL: there is none yet.  If it may still come in time ctx->early is set. */

ngx_http_tollgate_catalog_t *
ngx_http_tollgate_price_catalog(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    int64_t                       wait_us;
    ngx_http_tollgate_redis_t    *redis;
    ngx_http_tollgate_store_t    *store;
    ngx_http_tollgate_catalog_t  *catalog;

    catalog = ngx_http_tollgate_catalog_get(
                  ngx_http_get_module_main_conf(r, ngx_http_tollgate_module));

    if (catalog != NULL) {
        return catalog;
    }

    store = ctx->conf->store->conf->catalog;
    redis = ngx_http_tollgate_store_redis(store,
                                       ngx_http_tollgate_route_catalog(store));

    wait_us = (int64_t) ngx_min(ctx->conf->timeout,
                                NGX_HTTP_TOLLGATE_PRICE_WAIT) * 1000;

    if (!ngx_http_tollgate_redis_broken(redis)
        && ngx_http_tollgate_now_us() - ctx->start_us < wait_us)
    {
        ctx->early = 1;
        return NULL;
    }

    ngx_http_tollgate_complain(&store->catalog_missing, NGX_LOG_ERR,
                               r->connection->log,
                               "no catalog has been read yet from redis "
                               "\"%V\", hint: is it up, and has the "
                               "worker's role mirror filled it?",
                               &store->server.name);

    return NULL;
}


/* A tier that the catalog doesn't know is one that no plan has. */

static ngx_uint_t
ngx_http_tollgate_price_tier(ngx_http_request_t *r,
    ngx_http_tollgate_catalog_t *catalog, ngx_str_t *code)
{
    ngx_uint_t                 i;
    ngx_http_tollgate_rank_t  *tier;

    tier = catalog->tiers.elts;

    for (i = 0; i < catalog->tiers.nelts; i++) {
        if (tier[i].code.len == code->len
            && ngx_memcmp(tier[i].code.data, code->data, code->len) == 0)
        {
            return tier[i].rank;
        }
    }

    ngx_http_tollgate_price_complain(r, &ngx_http_tollgate_price_bad_tier,
                                     "tollgate_tier", code,
                                     "no tier of the catalog");

    return NGX_HTTP_TOLLGATE_NO_TIER;
}


/* The value may be of the client, who is to write no lines into the log. */

void
ngx_http_tollgate_price_complain(ngx_http_request_t *r,
    ngx_http_tollgate_complaint_t *complaint, const char *directive,
    ngx_str_t *value, const char *what)
{
    size_t   i, len;
    u_char   text[64];

    len = ngx_min(value->len, sizeof(text));

    for (i = 0; i < len; i++) {
        text[i] = value->data[i] < 0x20 || value->data[i] >= 0x7f
                  ? '?' : value->data[i];
    }

    ngx_http_tollgate_complain(complaint, NGX_LOG_WARN, r->connection->log,
                               "\"%s\" became \"%*s\", which is %s, hint: a "
                               "\"map\" with a default always has a good value",
                               directive, len, text, what);
}


static ngx_int_t
ngx_http_tollgate_price_value(ngx_http_request_t *r,
    ngx_http_complex_value_t *cv, ngx_str_t *value)
{
    ngx_str_null(value);

    return cv == NULL ? NGX_OK : ngx_http_complex_value(r, cv, value);
}


/* "12.5" is 12500000 micro-credits.  NGX_ERROR: not of this form, too large. */

ngx_int_t
ngx_http_tollgate_credits_parse(ngx_str_t *text, int64_t *credits)
{
    u_char      *p, *last;
    int64_t      n;
    ngx_uint_t   point, decimals;

    n = 0;
    point = 0;
    decimals = 0;
    last = text->data + text->len;

    for (p = text->data; p < last; p++) {
        if (*p == '.' && !point && p != text->data && p + 1 != last) {
            point = 1;
            continue;
        }

        if (*p < '0' || *p > '9' || decimals == 6
            || n > NGX_HTTP_TOLLGATE_MAX / 10)
        {
            return NGX_ERROR;
        }

        n = n * 10 + (*p - '0');
        decimals += point;
    }

    for ( /* void */ ; decimals < 6; decimals++) {
        if (n > NGX_HTTP_TOLLGATE_MAX / 10) {
            return NGX_ERROR;
        }

        n *= 10;
    }

    if (text->len == 0 || n > NGX_HTTP_TOLLGATE_MAX) {
        return NGX_ERROR;
    }

    *credits = n;

    return NGX_OK;
}
