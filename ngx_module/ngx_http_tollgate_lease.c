
/*
 * ngx_http_tollgate_lease.c owns the decision on a request by a lease: it is
 * paid from the pools of its key and noted in the ring of this process, or it
 * is left to Redis.  In front of the backend nothing is waited for.
 */


#include "ngx_http_tollgate_lease.h"


/* how often a request asks again for what is lent */

#define NGX_HTTP_TOLLGATE_LEASE_RECALLS  20


static ngx_http_tollgate_strict_e ngx_http_tollgate_lease_spend(
    ngx_http_tollgate_ctx_t *ctx, int64_t *until);
static ngx_http_tollgate_strict_e ngx_http_tollgate_lease_fits(
    ngx_http_tollgate_lease_t *lease, ngx_http_tollgate_ctx_t *ctx,
    int64_t now, int64_t *credits, int64_t *units);
static void ngx_http_tollgate_lease_take(ngx_http_tollgate_lease_t *lease,
    int64_t credits, int64_t units);
static void ngx_http_tollgate_lease_demand(ngx_http_tollgate_lease_t *lease,
    ngx_http_tollgate_ctx_t *ctx, int64_t now);
static void ngx_http_tollgate_lease_tell(ngx_http_tollgate_lease_t *lease,
    ngx_http_tollgate_ctx_t *ctx, int64_t now);
static void ngx_http_tollgate_lease_undo(ngx_http_tollgate_ctx_t *ctx);
static uint32_t ngx_http_tollgate_lease_create(ngx_http_tollgate_ctx_t *ctx,
    int64_t now);


/* in the order of ngx_http_tollgate_lease_mode_e */

static ngx_str_t  ngx_http_tollgate_lease_modes[] = {
    ngx_string("payg"),
    ngx_string("subscription"),
    ngx_string("hybrid")
};


static ngx_http_tollgate_complaint_t  ngx_http_tollgate_lease_full;


/* What every request of a lease has in common: nothing but its price. */

static ngx_uint_t
ngx_http_tollgate_lease_plain(ngx_http_tollgate_ctx_t *ctx)
{
    return ctx->conf->lease && !ctx->dry_run && !ctx->look
           && ctx->conf->hold == NULL && ctx->conf->meter == 0
           && ctx->link == NULL && ctx->content.len == 0 && ctx->idem.len == 0
           && ngx_http_tollgate_lease_local.ring != NULL;
}


ngx_int_t
ngx_http_tollgate_lease(ngx_http_tollgate_ctx_t *ctx)
{
    int64_t                      until;
    ngx_http_tollgate_ring_t    *ring;
    ngx_http_tollgate_strict_e   why;

    if (!ngx_http_tollgate_lease_plain(ctx) || ctx->recalls) {
        return NGX_DECLINED;
    }

    ctx->plan.len = 0;
    ctx->plan.data = ngx_pnalloc(ctx->request->pool,
                                 NGX_HTTP_TOLLGATE_CODE_LEN);

    if (ctx->plan.data == NULL
        || ngx_http_tollgate_key_hash(ctx->hash, &ctx->presented) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->hashed = 1;
    ring = ngx_http_tollgate_lease_local.ring;
    why = ngx_http_tollgate_lease_spend(ctx, &until);

    if (why == NGX_HTTP_TOLLGATE_STRICT_NOT) {

        if (ctx->charge.credits || ctx->charge.units) {
            ctx->leased.slot = ngx_http_tollgate_ring_add(ring, ctx);
            ctx->leased.no = ring->no;
        }

        /* a process may have stood still for longer than the lease was good */

        if (ngx_http_tollgate_lease_now() < until) {
            ctx->known = 1;
            ctx->verdict = NGX_HTTP_TOLLGATE_PASS;

            ngx_http_tollgate_count(leased, 1);

            return NGX_OK;
        }

        ngx_http_tollgate_lease_undo(ctx);
        ctx->charge.credits = 0;
        ctx->charge.units = 0;
        why = NGX_HTTP_TOLLGATE_STRICT_OLD;
    }

    ctx->plan.len = 0;
    ngx_http_tollgate_count(stricts[why], 1);

    return NGX_DECLINED;
}


/* Takes from the pools what the request comes to, if they have it. */

static ngx_http_tollgate_strict_e
ngx_http_tollgate_lease_spend(ngx_http_tollgate_ctx_t *ctx, int64_t *until)
{
    int64_t                           now, credits, units;
    uint32_t                          i;
    ngx_http_tollgate_lease_t        *lease;
    ngx_http_tollgate_strict_e        why;
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;
    now = ngx_http_tollgate_lease_now();
    why = NGX_HTTP_TOLLGATE_STRICT_NEW;

    ngx_shmtx_lock(&local->shpool->mutex);

    i = ngx_http_tollgate_lease_find(ctx->hash, ctx->conf->store->number);

    if (i != NGX_HTTP_TOLLGATE_LEASE_NONE) {
        lease = ngx_http_tollgate_lease_at(i);

        why = ngx_http_tollgate_ring_room(local->ring)
              ? ngx_http_tollgate_lease_fits(lease, ctx, now, &credits,
                                             &units)
              : NGX_HTTP_TOLLGATE_STRICT_RING;

        if (why == NGX_HTTP_TOLLGATE_STRICT_NOT) {
            *until = lease->until;
            ngx_http_tollgate_lease_take(lease, credits, units);
            ngx_http_tollgate_lease_demand(lease, ctx, now);
            ngx_http_tollgate_lease_tell(lease, ctx, now);

            ctx->charge.credits = credits;
            ctx->charge.units = units;
            ctx->leased.lease = i;
            ctx->leased.life = lease->life;
        }
    }

    ngx_shmtx_unlock(&local->shpool->mutex);

    return why;
}


/* As gate.lua decides: what of which pool, or why not from any. */

static ngx_http_tollgate_strict_e
ngx_http_tollgate_lease_fits(ngx_http_tollgate_lease_t *lease,
    ngx_http_tollgate_ctx_t *ctx, int64_t now, int64_t *credits,
    int64_t *units)
{
    ngx_uint_t                       i, quota;
    ngx_http_tollgate_lease_rate_t  *rate;

    if (lease->state == NGX_HTTP_TOLLGATE_LEASE_STRICT) {
        return NGX_HTTP_TOLLGATE_STRICT_REFUSED;
    }

    if (lease->state != NGX_HTTP_TOLLGATE_LEASE_OPEN || now >= lease->until) {
        return NGX_HTTP_TOLLGATE_STRICT_OLD;
    }

    if ((int64_t) ctx->tier > lease->tier) {
        return NGX_HTTP_TOLLGATE_STRICT_REFUSED;
    }

    *credits = ctx->cost;
    *units = 0;

    if (lease->mode == NGX_HTTP_TOLLGATE_LEASE_SUBSCRIPTION
        || (lease->mode == NGX_HTTP_TOLLGATE_LEASE_HYBRID
            && (ctx->cost_units > 0 || ctx->cost == 0)))
    {
        quota = now < lease->units_until;

        if (ctx->cost_units == 0
            || (quota && ctx->cost_units <= lease->units))
        {
            *credits = 0;
            *units = ctx->cost_units;

        } else if (!quota
                   || lease->mode == NGX_HTTP_TOLLGATE_LEASE_SUBSCRIPTION
                   || !ngx_http_tollgate_lease_used_up(lease))
        {
            return NGX_HTTP_TOLLGATE_STRICT_EMPTY;
        }
    }

    if (*credits > lease->credits) {
        return NGX_HTTP_TOLLGATE_STRICT_EMPTY;
    }

    for (i = 0; i < 2; i++) {
        rate = &lease->rates[i];

        if (rate->interval && (rate->tokens < 1 || now >= rate->until)) {
            return NGX_HTTP_TOLLGATE_STRICT_RATE;
        }
    }

    return NGX_HTTP_TOLLGATE_STRICT_NOT;
}


/* Out of the pools ahead of the record: what is between the two is unspent. */

static void
ngx_http_tollgate_lease_take(ngx_http_tollgate_lease_t *lease,
    int64_t credits, int64_t units)
{
    ngx_uint_t  i;

    if (credits || units) {
        lease->unsent++;
    }

    lease->credits -= credits;
    lease->units -= units;

    for (i = 0; i < 2; i++) {
        if (lease->rates[i].interval) {
            lease->rates[i].tokens--;
        }
    }

    ngx_http_tollgate_assert(lease->credits >= 0 && lease->units >= 0);
}


/* What is asked for counts, whoever decides it. */

static void
ngx_http_tollgate_lease_demand(ngx_http_tollgate_lease_t *lease,
    ngx_http_tollgate_ctx_t *ctx, int64_t now)
{
    lease->spent_at = now;
    lease->wanted[0] = ngx_min(lease->wanted[0] + ctx->cost,
                               NGX_HTTP_TOLLGATE_MAX);
    lease->wanted[1] = ngx_min(lease->wanted[1] + ctx->cost_units,
                               NGX_HTTP_TOLLGATE_MAX);
    lease->wanted[2]++;
}


/* What a reply of Redis would tell, as far as it is known here. */

static void
ngx_http_tollgate_lease_tell(ngx_http_tollgate_lease_t *lease,
    ngx_http_tollgate_ctx_t *ctx, int64_t now)
{
    ngx_uint_t                       i;
    ngx_http_tollgate_limit_t       *limit;
    ngx_http_tollgate_lease_rate_t  *rate;

    ctx->charge.app = lease->app;
    ctx->charge.key = lease->key;
    ctx->charge.epoch = lease->epoch;
    ctx->charge.ticket.len = 0;

    ctx->plan.len = lease->plan.len;
    ngx_memcpy(ctx->plan.data, lease->plan.data, lease->plan.len);
    ctx->mode = ngx_http_tollgate_lease_modes[lease->mode];
    ctx->plan_tier = lease->tier;
    ctx->avail = lease->avail + lease->credits;
    ctx->wait_ms = 0;
    ctx->refused_by = NGX_HTTP_TOLLGATE_LIMITS;
    ctx->ruled = 0;

    for (i = 0; i < 2; i++) {
        rate = &lease->rates[i];
        limit = &ctx->limits[NGX_HTTP_TOLLGATE_KEY_RATE + i];

        limit->max = rate->interval ? rate->burst : 0;
        limit->left = rate->interval ? rate->tokens : 0;
        limit->reset = (limit->max - limit->left) * rate->interval / 1000;

        limit = &ctx->limits[NGX_HTTP_TOLLGATE_DAY + i];
        *limit = lease->quotas[i];

        if (limit->max >= 0 && now < lease->units_until) {
            limit->left = ngx_min(limit->left + lease->units, limit->max);
        }
    }

    ctx->charge.day_end = ctx->limits[NGX_HTTP_TOLLGATE_DAY].reset;
    ctx->charge.month_end = ctx->limits[NGX_HTTP_TOLLGATE_MONTH].reset;
}


/* It was not charged after all: the record first, then the pool. */

static void
ngx_http_tollgate_lease_undo(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_slab_pool_t             *shpool;
    ngx_http_tollgate_lease_t   *lease;
    ngx_http_tollgate_charge_t  *charge;
    ngx_http_tollgate_record_t  *record;

    charge = &ctx->charge;

    if (ctx->leased.no == 0) {
        return;
    }

    record = &ngx_http_tollgate_lease_local.ring->slots[ctx->leased.slot]
              .record;
    record->state = NGX_HTTP_TOLLGATE_RECORD_VOID;
    ngx_memory_barrier();

    shpool = ngx_http_tollgate_lease_local.shpool;
    lease = ngx_http_tollgate_lease_at(ctx->leased.lease);

    ngx_shmtx_lock(&shpool->mutex);

    if (lease->life == ctx->leased.life) {
        lease->unsent--;
        lease->credits += charge->credits;
        lease->units += charge->units;
    }

    ngx_shmtx_unlock(&shpool->mutex);

    ctx->leased.no = 0;
}


/* Redis let a request pass that a lease could have decided: have one. */

void
ngx_http_tollgate_lease_asked(ngx_http_tollgate_ctx_t *ctx)
{
    int64_t                           now;
    uint32_t                          i;
    ngx_http_tollgate_lease_t        *lease;
    ngx_http_tollgate_lease_local_t  *local;

    if (ctx->verdict != NGX_HTTP_TOLLGATE_PASS || !ctx->known
        || !ctx->asked_us || !ngx_http_tollgate_lease_plain(ctx)
        || ctx->ruled || ctx->named.len || ctx->charge.ticket.len)
    {
        return;
    }

    local = &ngx_http_tollgate_lease_local;
    now = ngx_http_tollgate_lease_now();

    ngx_shmtx_lock(&local->shpool->mutex);

    i = ngx_http_tollgate_lease_find(ctx->hash, ctx->conf->store->number);

    if (i == NGX_HTTP_TOLLGATE_LEASE_NONE && !ngx_exiting) {
        i = ngx_http_tollgate_lease_create(ctx, now);
    }

    if (i != NGX_HTTP_TOLLGATE_LEASE_NONE) {
        lease = ngx_http_tollgate_lease_at(i);
        ngx_http_tollgate_lease_demand(lease, ctx, now);
    }

    ngx_shmtx_unlock(&local->shpool->mutex);

    if (i == NGX_HTTP_TOLLGATE_LEASE_NONE && !ngx_exiting) {
        ngx_http_tollgate_complain(&ngx_http_tollgate_lease_full,
                                   NGX_LOG_WARN,
                                   ctx->request->connection->log,
                                   "no room for the lease of another key, "
                                   "Redis decides on its requests, hint: "
                                   "make \"size=\" of \"tollgate_leases\" "
                                   "larger");
    }
}


static uint32_t
ngx_http_tollgate_lease_create(ngx_http_tollgate_ctx_t *ctx, int64_t now)
{
    uint32_t                    i;
    ngx_uint_t                  mode;
    ngx_http_tollgate_lease_t  *lease;

    i = ngx_http_tollgate_lease_add(ctx->hash, ctx->conf->store->number);

    if (i == NGX_HTTP_TOLLGATE_LEASE_NONE) {
        return i;
    }

    lease = ngx_http_tollgate_lease_at(i);

    for (mode = 0; mode < NGX_HTTP_TOLLGATE_LEASE_HYBRID; mode++) {
        if (ctx->mode.len == ngx_http_tollgate_lease_modes[mode].len
            && ngx_memcmp(ctx->mode.data,
                          ngx_http_tollgate_lease_modes[mode].data,
                          ctx->mode.len)
               == 0)
        {
            break;
        }
    }

    lease->mode = mode;
    lease->shard = ctx->charge.shard;
    lease->key = ctx->charge.key;
    ngx_memcpy(lease->account, ctx->charge.account,
               NGX_HTTP_TOLLGATE_ACCOUNT_LEN);

    lease->quotas[0] = ctx->limits[NGX_HTTP_TOLLGATE_DAY];
    lease->quotas[1] = ctx->limits[NGX_HTTP_TOLLGATE_MONTH];
    lease->rates[0].interval = ctx->limits[NGX_HTTP_TOLLGATE_KEY_RATE].max;
    lease->rates[1].interval = ctx->limits[NGX_HTTP_TOLLGATE_APP_RATE].max;

    ngx_http_tollgate_lease_turn(lease, NGX_HTTP_TOLLGATE_LEASE_OPENING, now);
    ngx_http_tollgate_lease_hold(i);

    return i;
}


/*
 * What a refusal lacks is on lease, here or elsewhere, and Redis has called it
 * back: every lease in use is told so within a quarter of the time that this
 * waits.  NGX_AGAIN: ask once more in a while.
 */

ngx_int_t
ngx_http_tollgate_lease_recall(ngx_http_tollgate_ctx_t *ctx)
{
    if (!ctx->lent || ctx->dry_run || ctx->look
        || ctx->recalls == NGX_HTTP_TOLLGATE_LEASE_RECALLS)
    {
        return NGX_DECLINED;
    }

    ctx->lent = 0;
    ctx->recalling = 1;
    ctx->refuser.len = 0;
    ctx->named.len = 0;
    ctx->recalls++;

    return NGX_AGAIN;
}


/*
 * The request is over and costs nothing.  A record that Redis has not been
 * told of is void; one that is on its way is given back behind it; one that
 * arrived is a charge like any other, for refund.lua: 0.
 */

ngx_uint_t
ngx_http_tollgate_lease_end(ngx_http_tollgate_ctx_t *ctx)
{
    uint32_t                     slot;
    ngx_http_tollgate_ring_t    *ring;
    ngx_http_tollgate_record_t  *record;

    if (ctx->leased.no == 0) {
        return 0;
    }

    slot = ctx->leased.slot;
    ring = ngx_http_tollgate_lease_local.ring;
    record = &ring->slots[slot].record;

    if (record->no != ctx->leased.no
        || record->state != NGX_HTTP_TOLLGATE_RECORD_TAKEN)
    {
        return 0;
    }

    if (ring->entry[slot]) {
        record->state = NGX_HTTP_TOLLGATE_RECORD_BACK;
        return 1;
    }

    ngx_http_tollgate_lease_undo(ctx);

    return 1;
}
