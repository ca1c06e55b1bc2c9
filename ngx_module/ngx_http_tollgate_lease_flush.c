
/*
 * ngx_http_tollgate_lease_flush.c owns what a process does about leases beside
 * its requests: which it calls for and when, and the rings of dead processes.
 */


#include "ngx_http_tollgate_lease.h"


#define NGX_HTTP_TOLLGATE_LEASE_WATCH    1000       /* ms, between looks */
#define NGX_HTTP_TOLLGATE_LEASE_RETRY    1000000    /* us, after "strict" */
#define NGX_HTTP_TOLLGATE_LEASE_LOOK     100000     /* us, between calls */
#define NGX_HTTP_TOLLGATE_LEASE_REOPEN   100000     /* us, without an answer */
#define NGX_HTTP_TOLLGATE_LEASE_LEAVE    10000      /* ms, as debts have */


static void ngx_http_tollgate_lease_tick(ngx_event_t *ev);
static ngx_uint_t ngx_http_tollgate_lease_look(uint32_t place, int64_t now);
static ngx_uint_t ngx_http_tollgate_lease_calls(
    ngx_http_tollgate_lease_t *lease, int64_t now);
static void ngx_http_tollgate_lease_due(uint32_t place);
static ngx_uint_t ngx_http_tollgate_lease_lanes(
    ngx_http_tollgate_ring_t *ring);
static void ngx_http_tollgate_lease_watch(ngx_event_t *ev);
static void ngx_http_tollgate_lease_adopt(uint32_t number);


ngx_http_tollgate_lease_local_t  ngx_http_tollgate_lease_local;


ngx_int_t
ngx_http_tollgate_lease_start(ngx_http_tollgate_main_conf_t *tmcf,
    ngx_cycle_t *cycle)
{
    ngx_uint_t                         i;
    ngx_http_tollgate_store_t        **stores;
    ngx_http_tollgate_lease_local_t   *local;

    local = &ngx_http_tollgate_lease_local;
    ngx_memzero(local, sizeof(ngx_http_tollgate_lease_local_t));

    if (!tmcf->leasing) {
        return NGX_OK;
    }

    local->conf = tmcf;
    local->sh = tmcf->leases->zone->data;
    local->shpool = (ngx_slab_pool_t *) tmcf->leases->zone->shm.addr;
    ngx_queue_init(&local->rings);

    local->held = ngx_pcalloc(cycle->pool, local->sh->n
                                           * sizeof(ngx_http_tollgate_held_t));
    local->places = ngx_pcalloc(cycle->pool, local->sh->n * sizeof(uint32_t));

    if (local->held == NULL || local->places == NULL) {
        return NGX_ERROR;
    }

    stores = tmcf->stores.elts;

    for (i = 0; i < tmcf->stores.nelts; i++) {
        stores[i]->number = ngx_crc32_short(stores[i]->server.name.data,
                                            stores[i]->server.name.len)
                            + (uint32_t) stores[i]->server.database;
    }

    local->tick.handler = ngx_http_tollgate_lease_tick;
    local->tick.data = local;
    local->tick.log = cycle->log;

    local->watch.handler = ngx_http_tollgate_lease_watch;
    local->watch.data = local;
    local->watch.log = cycle->log;
    local->watch.cancelable = 1;

    local->ring = ngx_http_tollgate_ring_take(cycle->log);

    if (local->ring != NULL) {
        ngx_queue_insert_head(&local->rings, &local->ring->queue);
        ngx_http_tollgate_lease_adopt(local->ring->number);
    }

    ngx_add_timer(&local->watch, 1);

    return NGX_OK;
}


/* The connections are gone, so no reply will come. */

void
ngx_http_tollgate_lease_exit(void)
{
    ngx_queue_t                      *q;
    ngx_http_tollgate_ring_t         *ring;
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;

    if (local->conf == NULL) {
        return;
    }

    while (!ngx_queue_empty(&local->rings)) {
        q = ngx_queue_head(&local->rings);
        ring = ngx_queue_data(q, ngx_http_tollgate_ring_t, queue);

        ngx_http_tollgate_ring_leave(ring, ring->unsent == 0
                                           && (ring != local->ring
                                               || local->nheld == 0));
    }

    if (local->tick.timer_set) {
        ngx_del_timer(&local->tick);
    }

    if (local->watch.timer_set) {
        ngx_del_timer(&local->watch);
    }

    local->conf = NULL;
    local->ring = NULL;
}


/* The next tick comes in so many ms at the latest. */

void
ngx_http_tollgate_lease_wake(ngx_msec_t ms)
{
    ngx_event_t  *ev;

    ev = &ngx_http_tollgate_lease_local.tick;
    ev->cancelable = 0;

    if (ev->timer_set
        && (ngx_msec_int_t) (ev->timer.key - ngx_current_msec)
           <= (ngx_msec_int_t) ms)
    {
        return;
    }

    ngx_add_timer(ev, ms);
}


/* This process calls for the lease from now on.  Locked. */

void
ngx_http_tollgate_lease_hold(uint32_t i)
{
    ngx_http_tollgate_held_t         *held;
    ngx_http_tollgate_lease_t        *lease;
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;
    lease = ngx_http_tollgate_lease_at(i);

    held = &local->held[local->nheld];
    ngx_memzero(held, sizeof(ngx_http_tollgate_held_t));

    held->lease = i;
    held->life = lease->life;
    lease->ring = local->ring->number;
    local->places[i] = local->nheld++;

    ngx_http_tollgate_lease_wake(1);
}


/* It is gone.  The last of what is held comes in its place.  Locked. */

void
ngx_http_tollgate_lease_drop(uint32_t place)
{
    ngx_http_tollgate_held_t         *held;
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;
    held = &local->held[place];

    if (ngx_http_tollgate_lease_at(held->lease)->life == held->life) {
        ngx_http_tollgate_lease_remove(held->lease);
    }

    *held = local->held[--local->nheld];
    local->places[held->lease] = place;
}


/* Everything that is due goes out, twice in the time of a flush. */

static void
ngx_http_tollgate_lease_tick(ngx_event_t *ev)
{
    int64_t                           now;
    uint32_t                          place;
    ngx_uint_t                        busy;
    ngx_queue_t                      *q, *next;
    ngx_http_tollgate_ring_t         *ring;
    ngx_http_tollgate_lease_local_t  *local;

    local = ev->data;
    busy = 0;

    if (ngx_exiting && local->leaving == 0) {
        local->leaving = ngx_current_msec | 1;
    }

    now = ngx_http_tollgate_lease_now();

    /* one that is dropped has the last one come in its place */

    ngx_shmtx_lock(&local->shpool->mutex);

    for (place = local->nheld; place > 0; place--) {
        busy |= ngx_http_tollgate_lease_look(place - 1, now);
    }

    ngx_shmtx_unlock(&local->shpool->mutex);

    for (q = ngx_queue_head(&local->rings);
         q != ngx_queue_sentinel(&local->rings);
         q = next)
    {
        next = ngx_queue_next(q);
        ring = ngx_queue_data(q, ngx_http_tollgate_ring_t, queue);

        busy |= ngx_http_tollgate_lease_lanes(ring);

        if (ring != local->ring && ring->unsent == 0) {
            ngx_http_tollgate_ring_leave(ring, 1);
        }
    }

    if (!busy
        || (local->leaving
            && (ngx_msec_int_t) (ngx_current_msec - local->leaving)
               > NGX_HTTP_TOLLGATE_LEASE_LEAVE))
    {
        return;
    }

    ngx_http_tollgate_lease_wake(local->conf->leases->flush / 2);
}


/* What has to be done about a lease.  Whether it is still there. */

static ngx_uint_t
ngx_http_tollgate_lease_look(uint32_t place, int64_t now)
{
    ngx_http_tollgate_held_t         *held;
    ngx_http_tollgate_lease_t        *lease;
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;
    held = &local->held[place];
    lease = ngx_http_tollgate_lease_at(held->lease);

    if (held->called || held->listed) {
        return 1;
    }

    if (lease->life != held->life) {
        ngx_http_tollgate_lease_drop(place);
        return 0;
    }

    switch (lease->state) {

    case NGX_HTTP_TOLLGATE_LEASE_OPENING:
    case NGX_HTTP_TOLLGATE_LEASE_STRICT:

        /* nobody asks for it any more, or it may be tried again */

        if (local->leaving
            || (now - lease->since > NGX_HTTP_TOLLGATE_LEASE_RETRY
                && lease->spent_at <= lease->since))
        {
            if (lease->no == 0) {
                ngx_http_tollgate_lease_drop(place);
                return 0;
            }

            ngx_http_tollgate_lease_turn(lease,
                                         NGX_HTTP_TOLLGATE_LEASE_CLOSING, now);
            break;
        }

        if (lease->state == NGX_HTTP_TOLLGATE_LEASE_STRICT
            && now - lease->since > NGX_HTTP_TOLLGATE_LEASE_RETRY)
        {
            ngx_http_tollgate_lease_turn(lease,
                                         NGX_HTTP_TOLLGATE_LEASE_OPENING, now);
        }

        break;

    case NGX_HTTP_TOLLGATE_LEASE_OPEN:

        if (local->leaving
            || now - lease->spent_at > NGX_HTTP_TOLLGATE_LEASE_IDLE)
        {
            ngx_http_tollgate_lease_turn(lease,
                                         NGX_HTTP_TOLLGATE_LEASE_CLOSING, now);
        }

        break;

    default:
        break;
    }

    if (ngx_http_tollgate_lease_calls(lease, now)) {
        ngx_http_tollgate_lease_due(place);
    }

    return 1;
}


/* Whether Redis is to be called for it now. */

static ngx_uint_t
ngx_http_tollgate_lease_calls(ngx_http_tollgate_lease_t *lease, int64_t now)
{
    int64_t  flush;

    flush = (int64_t) ngx_http_tollgate_lease_local.conf->leases->flush * 1000;

    switch (lease->state) {

    case NGX_HTTP_TOLLGATE_LEASE_OPENING:
        return now - lease->called_at > NGX_HTTP_TOLLGATE_LEASE_REOPEN;

    case NGX_HTTP_TOLLGATE_LEASE_OPEN:

        /* a key that is in use is looked at anew with each flush */

        return (lease->spent_at >= lease->called_at
                && now - lease->called_at >= flush / 2)
               || now - lease->called_at >= NGX_HTTP_TOLLGATE_LEASE_LOOK;

    case NGX_HTTP_TOLLGATE_LEASE_CLOSING:

        /*
         * What was spent of it has to be told first, whoever spent it; but
         * one that was killed may have counted what it never spent.
         */

        return (lease->unsent == 0
                || now - lease->since > NGX_HTTP_TOLLGATE_LEASE_PATIENCE)
               && now - lease->called_at > NGX_HTTP_TOLLGATE_LEASE_REOPEN / 10;

    default:
        return 0;
    }
}


static void
ngx_http_tollgate_lease_due(uint32_t place)
{
    ngx_http_tollgate_held_t         *held;
    ngx_http_tollgate_lane_t         *lane;
    ngx_http_tollgate_lease_t        *lease;
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;
    held = &local->held[place];
    lease = ngx_http_tollgate_lease_at(held->lease);
    lane = ngx_http_tollgate_lane(local->ring, lease->store,
                                       lease->shard);

    if (lane == NULL) {
        return;
    }

    held->listed = 1;
    held->due = lane->due;
    lane->due = held->lease;

    ngx_http_tollgate_lane_wake(lane);
}


/* A call for each shard that has something to tell, or whether it has yet. */

static ngx_uint_t
ngx_http_tollgate_lease_lanes(ngx_http_tollgate_ring_t *ring)
{
    ngx_uint_t                 busy;
    ngx_queue_t               *q, *next;
    ngx_http_tollgate_lane_t  *lane;

    busy = 0;

    for (q = ngx_queue_head(&ring->active);
         q != ngx_queue_sentinel(&ring->active);
         q = next)
    {
        next = ngx_queue_next(q);
        lane = ngx_queue_data(q, ngx_http_tollgate_lane_t, queue);

        if (lane->waits
            && (ngx_msec_int_t) (lane->wait - ngx_current_msec) > 0)
        {
            busy = 1;
            continue;
        }

        lane->waits = 0;

        if (!lane->calling && ngx_http_tollgate_lease_call(lane) == NGX_DONE)
        {
            ngx_queue_remove(&lane->queue);
            lane->active = 0;
            continue;
        }

        busy = 1;
    }

    return busy;
}


/*
 * Rings of processes that were killed, or that had to leave before Redis was
 * there.  A dead process of this host may have called for leases, too.
 */

static void
ngx_http_tollgate_lease_watch(ngx_event_t *ev)
{
    uint32_t                          number;
    ngx_http_tollgate_ring_t         *ring;
    ngx_http_tollgate_lease_local_t  *local;

    local = ev->data;
    number = 0;

    if (ngx_exiting) {
        return;
    }

    if (local->ring == NULL) {
        local->ring = ngx_http_tollgate_ring_take(ev->log);

        if (local->ring != NULL) {
            ngx_queue_insert_head(&local->rings, &local->ring->queue);
            ngx_http_tollgate_lease_adopt(local->ring->number);
        }
    }

    while (local->ring != NULL
           && (ring = ngx_http_tollgate_ring_dead(&number, ev->log)) != NULL)
    {
        ngx_queue_insert_tail(&local->rings, &ring->queue);

        if (ngx_memcmp(ring->head->host, local->sh->host,
                       NGX_HTTP_TOLLGATE_LEASE_HOST_LEN)
            == 0)
        {
            ngx_http_tollgate_lease_adopt(ring->number);
        }

        ngx_log_error(NGX_LOG_NOTICE, ev->log, 0,
                      "tollgate: ring %uD was left by a process that is gone, "
                      "with %uD records", ring->number, ring->unsent);

        ngx_http_tollgate_lease_wake(1);
    }

    ngx_add_timer(ev, NGX_HTTP_TOLLGATE_LEASE_WATCH);
}


/* Leases that the process of a ring called for, which is gone: they close. */

static void
ngx_http_tollgate_lease_adopt(uint32_t number)
{
    int64_t                           now;
    uint32_t                          i;
    ngx_http_tollgate_lease_t        *lease;
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;
    now = ngx_http_tollgate_lease_now();

    ngx_shmtx_lock(&local->shpool->mutex);

    for (i = 0; i < local->sh->n; i++) {
        lease = ngx_http_tollgate_lease_at(i);

        if (lease->state == NGX_HTTP_TOLLGATE_LEASE_FREE
            || lease->ring != number)
        {
            continue;
        }

        ngx_http_tollgate_lease_turn(lease, NGX_HTTP_TOLLGATE_LEASE_CLOSING,
                                     now);
        ngx_http_tollgate_lease_hold(i);
    }

    ngx_shmtx_unlock(&local->shpool->mutex);
}
