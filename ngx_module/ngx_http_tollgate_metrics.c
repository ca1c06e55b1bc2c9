
/*
 * ngx_http_tollgate_metrics.c owns the counters: a few atomic additions a
 * request.  _status.c shows them.
 */


#include "ngx_http_tollgate_metrics.h"


static ngx_str_t *ngx_http_tollgate_metrics_row(ngx_str_t **rows,
    ngx_atomic_t *n, size_t size, ngx_str_t *name);
static ngx_str_t *ngx_http_tollgate_metrics_find(ngx_str_t **rows,
    ngx_uint_t n, ngx_str_t *name);
static ngx_str_t *ngx_http_tollgate_metrics_add(ngx_slab_pool_t *shpool,
    ngx_str_t **rows, ngx_atomic_t *n, size_t size, ngx_str_t *name);
static ngx_http_tollgate_plan_metrics_t *ngx_http_tollgate_metrics_plan(
    ngx_http_tollgate_ctx_t *ctx);
static void ngx_http_tollgate_metrics_look(ngx_http_tollgate_verdict_e verdict);
static ngx_http_tollgate_server_metrics_t *ngx_http_tollgate_metrics_server(
    ngx_http_tollgate_redis_t *redis);
static void ngx_http_tollgate_metrics_observe(
    ngx_http_tollgate_histogram_t *histogram, int64_t us);


ngx_http_tollgate_metrics_t  *ngx_http_tollgate_metrics;
ngx_atomic_uint_t             ngx_http_tollgate_metrics_life;


int64_t  ngx_http_tollgate_metrics_bounds[] = {
    50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000,
    1000000
};


/* in the order of ngx_http_tollgate_fault_e */

static ngx_str_t  ngx_http_tollgate_metrics_words[] = {
    ngx_null_string,                       /* no reply at all */
    ngx_null_string,
    ngx_string("ASK"),
    ngx_string("BUSY"),
    ngx_string("CLUSTERDOWN"),
    ngx_string("EXECABORT"),
    ngx_string("LOADING"),
    ngx_string("MOVED"),
    ngx_string("NOSCRIPT"),
    ngx_string("OOM"),
    ngx_string("READONLY"),
    ngx_string("TRYAGAIN")
};


ngx_http_tollgate_metrics_t *
ngx_http_tollgate_metrics_create(ngx_slab_pool_t *shpool)
{
    size_t                        size;
    ngx_http_tollgate_metrics_t  *metrics;

    static ngx_str_t  other = ngx_string("other");
    static ngx_str_t  none = ngx_string("-");

    metrics = ngx_slab_calloc(shpool, sizeof(ngx_http_tollgate_metrics_t));
    if (metrics == NULL) {
        return NULL;
    }

    metrics->shpool = shpool;
    metrics->life = 1;

    size = sizeof(ngx_http_tollgate_plan_metrics_t);

    if (ngx_http_tollgate_metrics_add(shpool, metrics->plans,
                                      &metrics->nplans, size, &other)
        == NULL
        || ngx_http_tollgate_metrics_add(shpool, metrics->plans,
                                         &metrics->nplans, size, &none)
           == NULL
        || ngx_http_tollgate_metrics_add(shpool, metrics->servers,
                                   &metrics->nservers,
                                   sizeof(ngx_http_tollgate_server_metrics_t),
                                   &other)
           == NULL)
    {
        return NULL;
    }

    return metrics;
}


void
ngx_http_tollgate_metrics_start(ngx_http_tollgate_metrics_t *metrics)
{
    ngx_http_tollgate_metrics = metrics;
    ngx_http_tollgate_metrics_life = metrics->life;

    /* what the process before had in this place went down with it */

    metrics->debts[ngx_process_slot] = 0;
    metrics->unsent[ngx_process_slot] = 0;
}


/* Only a name that nobody had before takes the lock. */

static ngx_str_t *
ngx_http_tollgate_metrics_row(ngx_str_t **rows, ngx_atomic_t *n, size_t size,
    ngx_str_t *name)
{
    ngx_str_t        *row;
    ngx_slab_pool_t  *shpool;

    row = ngx_http_tollgate_metrics_find(rows, *n, name);

    if (row != NULL) {
        return row;
    }

    if (*n == NGX_HTTP_TOLLGATE_METRICS_ROWS
        || ngx_http_tollgate_metrics->full)
    {
        return rows[NGX_HTTP_TOLLGATE_METRICS_OTHER];
    }

    shpool = ngx_http_tollgate_metrics->shpool;

    ngx_shmtx_lock(&shpool->mutex);

    row = ngx_http_tollgate_metrics_find(rows, *n, name);

    if (row == NULL && *n < NGX_HTTP_TOLLGATE_METRICS_ROWS) {

        /* the catalog needs room more than another row */

        if (shpool->pfree >= (ngx_uint_t) (shpool->end - shpool->start)
                             / ngx_pagesize / 4)
        {
            row = ngx_http_tollgate_metrics_add(shpool, rows, n, size, name);
        }

        ngx_http_tollgate_metrics->full = row == NULL;
    }

    ngx_shmtx_unlock(&shpool->mutex);

    return row != NULL ? row : rows[NGX_HTTP_TOLLGATE_METRICS_OTHER];
}


static ngx_str_t *
ngx_http_tollgate_metrics_find(ngx_str_t **rows, ngx_uint_t n,
    ngx_str_t *name)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (rows[i]->len == name->len
            && ngx_memcmp(rows[i]->data, name->data, name->len) == 0)
        {
            return rows[i];
        }
    }

    return NULL;
}


/* Called locked.  Readers don't lock: a row is whole before it is counted. */

static ngx_str_t *
ngx_http_tollgate_metrics_add(ngx_slab_pool_t *shpool, ngx_str_t **rows,
    ngx_atomic_t *n, size_t size, ngx_str_t *name)
{
    ngx_str_t  *row;

    row = ngx_slab_calloc_locked(shpool, size + name->len);
    if (row == NULL) {
        return NULL;
    }

    row->len = name->len;
    row->data = (u_char *) row + size;
    ngx_memcpy(row->data, name->data, name->len);

    rows[*n] = row;
    ngx_memory_barrier();
    (*n)++;

    return row;
}


static ngx_http_tollgate_plan_metrics_t *
ngx_http_tollgate_metrics_plan(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_str_t                    *row;
    ngx_http_tollgate_metrics_t  *metrics;

    metrics = ngx_http_tollgate_metrics;

    row = ctx->plan.len == 0
          ? metrics->plans[NGX_HTTP_TOLLGATE_METRICS_NONE]
          : ngx_http_tollgate_metrics_row(metrics->plans, &metrics->nplans,
                                     sizeof(ngx_http_tollgate_plan_metrics_t),
                                     &ctx->plan);

    return (ngx_http_tollgate_plan_metrics_t *) row;
}


void
ngx_http_tollgate_metrics_decision(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_tollgate_plan_metrics_t  *plan;

    if (ngx_http_tollgate_metrics == NULL) {
        return;
    }

    if (ctx->look) {
        ngx_http_tollgate_metrics_look(ctx->verdict);
        return;
    }

    plan = ngx_http_tollgate_metrics_plan(ctx);

    (void) ngx_atomic_fetch_add(&plan->decisions[ctx->dry_run][ctx->verdict],
                                1);

    ngx_http_tollgate_metrics_observe(&ngx_http_tollgate_metrics->decisions,
                                      ngx_http_tollgate_now_us()
                                      - ctx->start_us);

    if (ctx->charge.credits) {
        (void) ngx_atomic_fetch_add(ctx->dry_run ? &plan->credits_dry
                                                 : &plan->credits,
                                    ctx->charge.credits);
    }

    if (ctx->charge.units) {
        (void) ngx_atomic_fetch_add(ctx->dry_run ? &plan->units_dry
                                                 : &plan->units,
                                    ctx->charge.units);
    }
}


/* Decides nothing, and is none of the decisions. */

static void
ngx_http_tollgate_metrics_look(ngx_http_tollgate_verdict_e verdict)
{
    ngx_http_tollgate_look_e  look;

    switch (verdict) {

    case NGX_HTTP_TOLLGATE_PASS:
        look = NGX_HTTP_TOLLGATE_LOOK_ANSWERED;
        break;

    case NGX_HTTP_TOLLGATE_STORE_UNREACHABLE:
    case NGX_HTTP_TOLLGATE_DEADLINE_PASSED:
        look = NGX_HTTP_TOLLGATE_LOOK_UNREACHABLE;
        break;

    case NGX_HTTP_TOLLGATE_CLIENT_GONE:
        look = NGX_HTTP_TOLLGATE_LOOK_GONE;
        break;

    default:
        look = NGX_HTTP_TOLLGATE_LOOK_REFUSED;
    }

    ngx_http_tollgate_count(looks[look], 1);
}


void
ngx_http_tollgate_metrics_refund(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_tollgate_plan_metrics_t  *plan;

    if (ngx_http_tollgate_metrics == NULL) {
        return;
    }

    plan = ngx_http_tollgate_metrics_plan(ctx);

    (void) ngx_atomic_fetch_add(&plan->credits_back, ctx->charge.credits);
    (void) ngx_atomic_fetch_add(&plan->units_back, ctx->charge.units);

    ngx_http_tollgate_count(backs[NGX_HTTP_TOLLGATE_BACK_OUTCOME], 1);
}


/* Credits were counted as charged when they were held. */

void
ngx_http_tollgate_metrics_commit(ngx_http_tollgate_ctx_t *ctx, int64_t actual,
    ngx_uint_t known)
{
    int64_t                            held;
    ngx_http_tollgate_plan_metrics_t  *plan;

    if (ngx_http_tollgate_metrics == NULL) {
        return;
    }

    plan = ngx_http_tollgate_metrics_plan(ctx);
    held = ctx->charge.credits;

    (void) ngx_atomic_fetch_add(actual < held ? &plan->credits_back
                                              : &plan->credits,
                                actual < held ? held - actual : actual - held);

    ngx_http_tollgate_count(commits[known ? NGX_HTTP_TOLLGATE_COMMIT_ACTUAL
                                          : NGX_HTTP_TOLLGATE_COMMIT_HELD],
                            1);
}


void
ngx_http_tollgate_metrics_debts(ngx_int_t change)
{
    ngx_http_tollgate_count(debts[ngx_process_slot], change);
}


/* NULL: nothing is counted */

static ngx_http_tollgate_server_metrics_t *
ngx_http_tollgate_metrics_server(ngx_http_tollgate_redis_t *redis)
{
    ngx_http_tollgate_metrics_t  *metrics;

    metrics = ngx_http_tollgate_metrics;

    if (redis->metrics == NULL && metrics != NULL) {
        redis->metrics = (ngx_http_tollgate_server_metrics_t *)
            ngx_http_tollgate_metrics_row(metrics->servers,
                                   &metrics->nservers,
                                   sizeof(ngx_http_tollgate_server_metrics_t),
                                   &redis->name);
        redis->metrics->life = ngx_http_tollgate_metrics_life;
    }

    return redis->metrics;
}


/* A process that leaves hangs up, which says nothing of the server. */

void
ngx_http_tollgate_metrics_up(ngx_http_tollgate_redis_t *redis, ngx_uint_t up)
{
    ngx_http_tollgate_server_metrics_t  *server;

    server = ngx_http_tollgate_metrics_server(redis);

    if (server == NULL || (!up && ngx_exiting)) {
        return;
    }

    server->up = up;

    if (up) {
        server->life = ngx_http_tollgate_metrics_life;
        return;
    }

    ngx_http_tollgate_metrics_fault(redis, NGX_HTTP_TOLLGATE_FAULT_CONNECTION);
}


void
ngx_http_tollgate_metrics_fault(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_fault_e fault)
{
    ngx_http_tollgate_server_metrics_t  *server;

    server = ngx_http_tollgate_metrics_server(redis);

    if (server != NULL) {
        (void) ngx_atomic_fetch_add(&server->faults[fault], 1);
    }
}


/* Every process finds out by itself; from the first on it isn't shown. */

void
ngx_http_tollgate_metrics_gone(ngx_http_tollgate_redis_t *redis)
{
    if (redis->metrics != NULL) {
        redis->metrics->life = 0;
    }
}


void
ngx_http_tollgate_metrics_call(ngx_http_tollgate_call_t *call)
{
    ngx_http_tollgate_server_metrics_t  *server;

    call->start_us = ngx_http_tollgate_now_us();

    server = ngx_http_tollgate_metrics_server(call->redis);

    if (server != NULL) {
        (void) ngx_atomic_fetch_add(&server->calls, 1);
    }
}


void
ngx_http_tollgate_metrics_reply(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_str_t                           *text, *word;
    ngx_uint_t                           i;
    ngx_http_tollgate_server_metrics_t  *server;

    server = ngx_http_tollgate_metrics_server(call->redis);

    if (server == NULL) {
        return;
    }

    ngx_http_tollgate_metrics_observe(&server->durations,
                                      ngx_http_tollgate_now_us()
                                      - call->start_us);

    if (reply->type != REDIS_REPLY_ERROR) {
        return;
    }

    text = &reply->value[0].str;

    for (i = NGX_HTTP_TOLLGATE_FAULT_ASK; i < NGX_HTTP_TOLLGATE_FAULT_OTHER;
         i++)
    {
        word = &ngx_http_tollgate_metrics_words[i];

        if (text->len >= word->len
            && ngx_memcmp(text->data, word->data, word->len) == 0
            && (text->len == word->len || text->data[word->len] == ' '))
        {
            break;
        }
    }

    (void) ngx_atomic_fetch_add(&server->faults[i], 1);
}


static void
ngx_http_tollgate_metrics_observe(ngx_http_tollgate_histogram_t *histogram,
    int64_t us)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_TOLLGATE_METRICS_BUCKETS - 1; i++) {
        if (us <= ngx_http_tollgate_metrics_bounds[i]) {
            break;
        }
    }

    (void) ngx_atomic_fetch_add(&histogram->buckets[i], 1);
    (void) ngx_atomic_fetch_add(&histogram->sum, us);
}
