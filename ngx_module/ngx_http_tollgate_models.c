
/*
 * ngx_http_tollgate_models.c owns what the catalog has for an account: apps,
 * their models, and why one of them can't be used now.
 */


#include "ngx_http_tollgate_self.h"


/* why a model can't be used */

typedef struct {
    const char                      *reason;    /* NULL: it can */
    ngx_str_t                       *plan;      /* that would do */
    int64_t                          missing;   /* micro-credits */
    time_t                           resets_at;
} ngx_http_tollgate_models_lock_t;


static ngx_uint_t ngx_http_tollgate_models_of_app(
    ngx_http_tollgate_item_t *model, ngx_str_t *app);
static u_char *ngx_http_tollgate_models_row(u_char *p,
    ngx_http_tollgate_item_t *model, ngx_str_t *tier,
    ngx_http_tollgate_models_lock_t *lock);
static void ngx_http_tollgate_models_lock(
    ngx_http_tollgate_models_lock_t *lock, ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_catalog_t *catalog, ngx_http_tollgate_item_t *model);
static ngx_http_tollgate_limit_t *ngx_http_tollgate_models_full(
    ngx_http_tollgate_ctx_t *ctx, int64_t units);


ngx_int_t
ngx_http_tollgate_models_apps(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_catalog_t *catalog,
    ngx_buf_t *b)
{
    u_char                    *p;
    size_t                     size;
    ngx_uint_t                 i, j, n;
    ngx_http_tollgate_item_t  *model;
    ngx_http_tollgate_rank_t  *app;

    app = catalog->apps.elts;
    model = catalog->models.elts;
    size = NGX_HTTP_TOLLGATE_SELF_ROW;

    for (i = 0; i < catalog->apps.nelts; i++) {
        size += NGX_HTTP_TOLLGATE_SELF_ROW + 6 * app[i].name.len;
    }

    if (ngx_http_tollgate_self_room(r, b, size) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(b->last, "{\"data\":[");

    for (i = 0; i < catalog->apps.nelts; i++) {
        n = 0;

        for (j = 0; j < catalog->models.nelts; j++) {
            n += ngx_http_tollgate_models_of_app(&model[j], &app[i].code);
        }

        p = ngx_http_tollgate_self_text(p, i ? ",{\"id\":" : "{\"id\":",
                                        &app[i].code);
        p = ngx_http_tollgate_self_text(p, ",\"name\":", &app[i].name);
        p = ngx_sprintf(p, ",\"models\":%ui}", n);
    }

    b->last = ngx_sprintf(p, "]}" CRLF);

    return NGX_OK;
}


/* Those of a lower tier first, which is the order of tiers in the catalog. */

ngx_int_t
ngx_http_tollgate_models(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_catalog_t *catalog,
    ngx_buf_t *b)
{
    u_char                         *p;
    size_t                          size;
    ngx_str_t                       code, upgrade, topup;
    ngx_uint_t                      i, j;
    ngx_http_tollgate_rank_t       *tier;
    ngx_http_tollgate_item_t       *model;
    ngx_http_tollgate_models_lock_t   lock;

    ngx_str_null(&upgrade);
    ngx_str_null(&topup);

    if (ngx_http_complex_value(r, ctx->conf->self_app, &code) != NGX_OK
        || (ctx->conf->upgrade_url != NULL
            && ngx_http_complex_value(r, ctx->conf->upgrade_url, &upgrade)
               != NGX_OK)
        || (ctx->conf->topup_url != NULL
            && ngx_http_complex_value(r, ctx->conf->topup_url, &topup)
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    if (ngx_http_tollgate_self_find(&catalog->apps, &code) == NULL) {
        return NGX_DECLINED;
    }

    tier = catalog->tiers.elts;
    model = catalog->models.elts;
    size = NGX_HTTP_TOLLGATE_SELF_ROW + 6 * (upgrade.len + topup.len);

    for (i = 0; i < catalog->models.nelts; i++) {
        if (ngx_http_tollgate_models_of_app(&model[i], &code)) {
            size += NGX_HTTP_TOLLGATE_SELF_ROW + 6 * model[i].name.len;
        }
    }

    if (ngx_http_tollgate_self_room(r, b, size) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(b->last, "{\"data\":[");

    for (i = 0; i < catalog->tiers.nelts; i++) {
        for (j = 0; j < catalog->models.nelts; j++) {
            if (model[j].tier == tier[i].rank
                && ngx_http_tollgate_models_of_app(&model[j], &code))
            {
                ngx_http_tollgate_models_lock(&lock, ctx, catalog, &model[j]);

                if (p[-1] == '}') {
                    *p++ = ',';
                }

                p = ngx_http_tollgate_models_row(p, &model[j], &tier[i].code,
                                                 &lock);
            }
        }
    }

    *p++ = ']';

    if (upgrade.len) {
        p = ngx_http_tollgate_self_text(p, ",\"upgrade_url\":", &upgrade);
    }

    if (topup.len) {
        p = ngx_http_tollgate_self_text(p, ",\"topup_url\":", &topup);
    }

    b->last = ngx_sprintf(p, "}" CRLF);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_tollgate_models_of_app(ngx_http_tollgate_item_t *model, ngx_str_t *app)
{
    return model->code.len > app->len && model->code.data[app->len] == ':'
           && ngx_memcmp(model->code.data, app->data, app->len) == 0;
}


static u_char *
ngx_http_tollgate_models_row(u_char *p, ngx_http_tollgate_item_t *model,
    ngx_str_t *tier, ngx_http_tollgate_models_lock_t *lock)
{
    ngx_str_t  reason;

    reason.data = (u_char *) lock->reason;
    reason.len = lock->reason ? ngx_strlen(lock->reason) : 0;

    p = ngx_http_tollgate_self_text(p, "{\"modelKey\":", &model->code);
    p = ngx_http_tollgate_self_text(p, ",\"name\":", &model->name);
    p = ngx_http_tollgate_self_text(p, ",\"feature\":", &model->feature);
    p = ngx_http_tollgate_self_text(p, ",\"tier\":", tier);
    p = ngx_sprintf(p, ",\"beta\":%s", model->beta ? "true" : "false");
    p = ngx_http_tollgate_self_credits(p, ",\"credits\":", model->credits);
    p = ngx_sprintf(p, ",\"units\":%L,\"locked\":%s", model->units,
                    lock->reason ? "true" : "false");
    p = ngx_http_tollgate_self_text(p, ",\"lock_reason\":",
                                    lock->reason ? &reason : NULL);
    p = ngx_http_tollgate_self_text(p, ",\"required_plan\":", lock->plan);

    p = lock->missing ? ngx_http_tollgate_self_credits(p, ",\"missing\":",
                                                       lock->missing)
                      : ngx_sprintf(p, ",\"missing\":null");

    p = ngx_http_tollgate_self_time(p, lock->resets_at);
    *p++ = '}';

    return p;
}


/* As gate.lua decides, in its order and but for the rates, which pass soon. */

static void
ngx_http_tollgate_models_lock(ngx_http_tollgate_models_lock_t *lock,
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_catalog_t *catalog,
    ngx_http_tollgate_item_t *model)
{
    ngx_uint_t                  quota, credits;
    ngx_http_tollgate_rank_t   *plan;
    ngx_http_tollgate_limit_t  *day, *month, *full;

    ngx_memzero(lock, sizeof(ngx_http_tollgate_models_lock_t));

    if ((int64_t) model->tier > ctx->plan_tier) {
        plan = ngx_http_tollgate_catalog_plan(catalog, model->tier);

        lock->reason = "tier_too_low";
        lock->plan = plan ? &plan->code : NULL;
        return;
    }

    /* modes by their first letters: payg, subscription, hybrid */

    quota = ctx->mode.len && (ctx->mode.data[0] == 's'
            || (ctx->mode.data[0] == 'h'
                && (model->units || model->credits == 0)));
    credits = ctx->mode.len && ctx->mode.data[0] != 's';

    full = quota ? ngx_http_tollgate_models_full(ctx, model->units) : NULL;

    if (quota && full == NULL) {
        return;
    }

    if (!credits) {
        day = &ctx->limits[NGX_HTTP_TOLLGATE_DAY];
        month = &ctx->limits[NGX_HTTP_TOLLGATE_MONTH];

        lock->reason = "quota_exhausted";

        if ((day->max < 0 || model->units <= day->max)
            && (month->max < 0 || model->units <= month->max))
        {
            lock->resets_at = (time_t) full->reset;
        }

        return;
    }

    if (model->credits > ctx->avail) {
        lock->reason = "credits_exhausted";
        lock->missing = model->credits - ctx->avail;
    }
}


/* The window without room for these units; the month's counts for both. */

static ngx_http_tollgate_limit_t *
ngx_http_tollgate_models_full(ngx_http_tollgate_ctx_t *ctx, int64_t units)
{
    ngx_http_tollgate_limit_t  *limit, *full;

    full = NULL;

    for (limit = &ctx->limits[NGX_HTTP_TOLLGATE_DAY];
         limit <= &ctx->limits[NGX_HTTP_TOLLGATE_MONTH];
         limit++)
    {
        if (units && limit->max >= 0 && units > limit->left) {
            full = limit;
        }
    }

    return full;
}
