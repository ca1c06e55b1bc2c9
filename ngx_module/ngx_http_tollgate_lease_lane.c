
/*
 * ngx_http_tollgate_lease_lane.c owns the lanes of a ring: the records of one
 * shard in the order of their numbers, which is how Redis is told of them.
 */


#include "ngx_http_tollgate_lease.h"


/* NULL: there is no such store now, or no such shard. */

ngx_http_tollgate_lane_t *
ngx_http_tollgate_lane(ngx_http_tollgate_ring_t *ring, uint32_t store,
    uint32_t shard)
{
    ngx_uint_t                       i;
    ngx_http_tollgate_store_t      **stores;
    ngx_http_tollgate_main_conf_t   *tmcf;

    tmcf = ngx_http_tollgate_lease_local.conf;
    stores = tmcf->stores.elts;

    for (i = 0; i < tmcf->stores.nelts; i++) {
        if (stores[i]->number == store && stores[i]->used
            && shard < tmcf->nshards)
        {
            return &ring->lanes[i * tmcf->nshards + shard];
        }
    }

    return NULL;
}


void
ngx_http_tollgate_lane_wake(ngx_http_tollgate_lane_t *lane)
{
    if (!lane->active) {
        lane->active = 1;
        ngx_queue_insert_tail(&lane->ring->active, &lane->queue);
    }
}


void
ngx_http_tollgate_lane_add(ngx_http_tollgate_lane_t *lane, uint32_t slot)
{
    ngx_http_tollgate_ring_t  *ring;

    ring = lane->ring;
    ring->next[slot] = NGX_HTTP_TOLLGATE_LEASE_NONE;

    if (lane->first == NGX_HTTP_TOLLGATE_LEASE_NONE) {
        lane->first = slot;

    } else {
        ring->next[lane->last] = slot;
    }

    lane->last = slot;

    ngx_http_tollgate_lane_wake(lane);

    if (!ngx_http_tollgate_lease_local.tick.timer_set) {
        ngx_http_tollgate_lease_wake(
                    ngx_http_tollgate_lease_local.conf->leases->flush / 2);
    }
}


/* Takes a slot out of the lane and frees it; the one behind it. */

uint32_t
ngx_http_tollgate_lane_skip(ngx_http_tollgate_lane_t *lane, uint32_t before,
    uint32_t slot)
{
    uint32_t                   next;
    ngx_http_tollgate_ring_t  *ring;

    ring = lane->ring;
    next = ring->next[slot];

    if (before == NGX_HTTP_TOLLGATE_LEASE_NONE) {
        lane->first = next;

    } else {
        ring->next[before] = next;
    }

    if (lane->last == slot) {
        lane->last = before;
    }

    ngx_http_tollgate_ring_free(ring, slot);

    ring->unsent--;
    ngx_http_tollgate_count(unsent[ngx_process_slot], -1);

    return next;
}
