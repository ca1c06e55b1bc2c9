
/*
 * ngx_http_tollgate_lease_reply.c owns the replies of lease.lua, and what it
 * means for records where there is none.
 */


#include "ngx_http_tollgate_lease.h"


#define NGX_HTTP_TOLLGATE_LEASE_WAIT     100    /* ms, after "wait" */
#define NGX_HTTP_TOLLGATE_LEASE_ERROR    500    /* ms, after an error */


static void ngx_http_tollgate_flush_error(ngx_http_tollgate_flush_t *flush,
    ngx_http_tollgate_redis_t *redis, ngx_http_tollgate_reply_t *reply);
static void ngx_http_tollgate_flush_answer(ngx_http_tollgate_flush_t *flush,
    ngx_http_tollgate_reply_t *reply);
static void ngx_http_tollgate_flush_told(ngx_http_tollgate_flush_t *flush,
    ngx_http_tollgate_reply_t *reply);
static void ngx_http_tollgate_flush_back(ngx_http_tollgate_lane_t *lane,
    ngx_http_tollgate_record_t *record);


ngx_int_t
ngx_http_tollgate_flush_reply(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_uint_t                  k;
    ngx_http_tollgate_flush_t  *flush;

    flush = call->data;

    if (reply == NULL) {
        ngx_http_tollgate_flush_lost(flush, 0);
        return NGX_OK;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_tollgate_flush_error(flush, call->redis, reply);
        return NGX_OK;
    }

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->n != 1 + flush->n * NGX_HTTP_TOLLGATE_LEASE_WIDTH
        || reply->value[0].type != REDIS_REPLY_INTEGER)
    {
        ngx_http_tollgate_flush_lost(flush, NGX_HTTP_TOLLGATE_LEASE_ERROR);
        return NGX_ERROR;
    }

    for (k = 0; k < flush->n; k++) {
        if (ngx_http_tollgate_lease_check(&reply->value[1
                                         + k * NGX_HTTP_TOLLGATE_LEASE_WIDTH])
            != NGX_OK)
        {
            ngx_http_tollgate_flush_lost(flush,
                                         NGX_HTTP_TOLLGATE_LEASE_ERROR);
            return NGX_ERROR;
        }
    }

    ngx_http_tollgate_redis_heard(call->redis, reply->value[0].integer);
    ngx_http_tollgate_flush_answer(flush, reply);
    ngx_http_tollgate_flush_told(flush, reply);

    flush->lane->calling = 0;

    /* what had no room in this call goes at once */

    if (flush->records == NGX_HTTP_TOLLGATE_LEASE_RECORDS
        || flush->n == NGX_HTTP_TOLLGATE_LEASE_ENTRIES)
    {
        ngx_http_tollgate_lease_wake(1);
    }

    ngx_free(flush);

    return NGX_OK;
}


/* Whether it ran is not known: records are told again, what was given is so. */

void
ngx_http_tollgate_flush_lost(ngx_http_tollgate_flush_t *flush,
    ngx_msec_t wait)
{
    ngx_uint_t                        k;
    ngx_http_tollgate_entry_t        *entry;
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;

    for (k = 0; k < flush->n; k++) {
        entry = &flush->entries[k];

        if (entry->own) {
            local->held[local->places[entry->lease]].called = 0;
        }
    }

    flush->lane->calling = 0;

    if (wait) {
        flush->lane->waits = 1;
        flush->lane->wait = ngx_current_msec + wait;
    }

    ngx_free(flush);
}


/* It did nothing.  Another server may have the shard now. */

static void
ngx_http_tollgate_flush_error(ngx_http_tollgate_flush_t *flush,
    ngx_http_tollgate_redis_t *redis, ngx_http_tollgate_reply_t *reply)
{
    ngx_uint_t                  asking;
    ngx_msec_t                  wait;
    ngx_http_tollgate_node_t   *to;
    ngx_http_tollgate_lane_t   *lane;

    lane = flush->lane;
    wait = NGX_HTTP_TOLLGATE_LEASE_ERROR;
    to = ngx_http_tollgate_store_redirect(redis, reply, &asking);

    if (to != NULL) {
        if (to == lane->store->routes[lane->shard].node) {
            wait = 0;
        }

    } else if (ngx_http_tollgate_redis_noscript(reply)
               && ngx_http_tollgate_redis_load(redis) == NGX_OK)
    {
        wait = 0;

    } else {
        ngx_http_tollgate_redis_complain(redis, "to tell of leases", reply);
    }

    ngx_http_tollgate_flush_lost(flush, wait);
}


/* What becomes of the leases, and which of their records are told. */

static void
ngx_http_tollgate_flush_answer(ngx_http_tollgate_flush_t *flush,
    ngx_http_tollgate_reply_t *reply)
{
    uint32_t                          slot;
    ngx_uint_t                        k, left, ours;
    ngx_http_tollgate_ring_t         *ring;
    ngx_http_tollgate_lease_t        *lease;
    ngx_http_tollgate_value_t        *v;
    ngx_http_tollgate_record_t       *record;
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;
    ring = flush->lane->ring;
    v = &reply->value[1];

    ours = ngx_memcmp(ring->head->host, local->sh->host,
                      NGX_HTTP_TOLLGATE_LEASE_HOST_LEN)
           == 0;

    ngx_shmtx_lock(&local->shpool->mutex);

    slot = flush->lane->first;

    for (left = ours ? flush->records : 0; left; left--) {
        record = &ring->slots[slot].record;
        k = ring->entry[slot] - 1;
        slot = ring->next[slot];

        if (!ngx_http_tollgate_lease_taken(&v[k
                                           * NGX_HTTP_TOLLGATE_LEASE_WIDTH])
            || record->lease >= local->sh->n)
        {
            continue;
        }

        lease = ngx_http_tollgate_lease_at(record->lease);

        if (lease->life == record->life) {
            lease->unsent--;
        }
    }

    for (k = 0; k < flush->n; k++) {
        if (flush->entries[k].own) {
            ngx_http_tollgate_lease_answer(&flush->entries[k],
                                     &v[k * NGX_HTTP_TOLLGATE_LEASE_WIDTH],
                                     reply->value[0].integer);
        }
    }

    ngx_shmtx_unlock(&local->shpool->mutex);
}


/* Records that were taken are done with, the others stay for the next call. */

static void
ngx_http_tollgate_flush_told(ngx_http_tollgate_flush_t *flush,
    ngx_http_tollgate_reply_t *reply)
{
    uint32_t                     slot, before;
    ngx_uint_t                   k, left;
    ngx_http_tollgate_lane_t    *lane;
    ngx_http_tollgate_ring_t    *ring;
    ngx_http_tollgate_value_t   *v;
    ngx_http_tollgate_record_t  *record;

    lane = flush->lane;
    ring = lane->ring;
    before = NGX_HTTP_TOLLGATE_LEASE_NONE;
    slot = lane->first;

    for (left = flush->records; left; left--) {
        k = ring->entry[slot] - 1;
        v = &reply->value[1 + k * NGX_HTTP_TOLLGATE_LEASE_WIDTH];

        if (!ngx_http_tollgate_lease_taken(v)) {
            lane->waits = 1;
            lane->wait = ngx_current_msec + NGX_HTTP_TOLLGATE_LEASE_WAIT;
            before = slot;
            slot = ring->next[slot];
            continue;
        }

        record = &ring->slots[slot].record;

        if (record->state == NGX_HTTP_TOLLGATE_RECORD_BACK) {
            ngx_http_tollgate_flush_back(lane, record);
        }

        slot = ngx_http_tollgate_lane_skip(lane, before, slot);
    }
}


/* It failed while it was on its way: now that it is charged it can go back. */

static void
ngx_http_tollgate_flush_back(ngx_http_tollgate_lane_t *lane,
    ngx_http_tollgate_record_t *record)
{
    ngx_http_tollgate_charge_t  charge;

    ngx_memzero(&charge, sizeof(ngx_http_tollgate_charge_t));

    ngx_memcpy(charge.account, record->account,
               NGX_HTTP_TOLLGATE_ACCOUNT_LEN);
    charge.request_id = record->request_id;
    charge.feature = record->feature;
    charge.model = record->model;
    charge.key = record->key;
    charge.app = record->app;
    charge.shard = lane->shard;
    charge.credits = record->credits;
    charge.units = record->units;
    charge.epoch = record->epoch;
    charge.day_end = record->day_end;
    charge.month_end = record->month_end;

    ngx_http_tollgate_refund(lane->store, &charge);
}
