
/*
 * ngx_http_tollgate_lease_call.c owns the calls of lease.lua: records of a ring
 * in the order of their numbers, and what is wanted or given back, for all
 * leases of a shard at once.
 */


#include "ngx_http_tollgate_lease.h"


/* arguments, and their bytes */

#define NGX_HTTP_TOLLGATE_LEASE_HEAD_ARGS    12
#define NGX_HTTP_TOLLGATE_LEASE_ENTRY_ARGS   13
#define NGX_HTTP_TOLLGATE_LEASE_HEAD_SIZE    512
#define NGX_HTTP_TOLLGATE_LEASE_ENTRY_SIZE   (NGX_HTTP_TOLLGATE_HASH_LEN      \
                                              + NGX_HTTP_TOLLGATE_CODE_LEN    \
                                              + 12 * NGX_INT64_LEN)
#define NGX_HTTP_TOLLGATE_LEASE_ITEM_SIZE    (5 * (NGX_HTTP_TOLLGATE_CODE_LEN \
                                                   + 1)                       \
                                              + 3 * NGX_INT64_LEN)


static void ngx_http_tollgate_flush_due(ngx_http_tollgate_flush_t *flush,
    int64_t now);
static void ngx_http_tollgate_flush_gather(ngx_http_tollgate_flush_t *flush,
    int64_t now);
static ngx_http_tollgate_entry_t *ngx_http_tollgate_flush_entry(
    ngx_http_tollgate_flush_t *flush, uint32_t slot, int64_t now);
static ngx_uint_t ngx_http_tollgate_flush_own(ngx_http_tollgate_lane_t *lane,
    uint32_t i, uint32_t life);
static ngx_int_t ngx_http_tollgate_flush_format(
    ngx_http_tollgate_flush_t *flush, ngx_http_tollgate_redis_t *redis);
static void ngx_http_tollgate_flush_lease(ngx_http_tollgate_flush_t *flush,
    ngx_uint_t k, ngx_http_tollgate_redis_t *redis);
static void ngx_http_tollgate_flush_item(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_record_t *record);


ngx_int_t
ngx_http_tollgate_lease_call(ngx_http_tollgate_lane_t *lane)
{
    int64_t                     now;
    ngx_slab_pool_t            *shpool;
    ngx_http_tollgate_call_t   *call;
    ngx_http_tollgate_node_t   *node;
    ngx_http_tollgate_flush_t  *flush;

    if (lane->first == NGX_HTTP_TOLLGATE_LEASE_NONE
        && lane->due == NGX_HTTP_TOLLGATE_LEASE_NONE)
    {
        return NGX_DONE;
    }

    node = lane->store->routes[lane->shard].node;

    if (!ngx_http_tollgate_redis_room(&node->redis)) {
        return NGX_AGAIN;
    }

    flush = ngx_calloc(sizeof(ngx_http_tollgate_flush_t), lane->store->log);
    if (flush == NULL) {
        return NGX_AGAIN;
    }

    call = ngx_http_tollgate_redis_call(&node->redis,
                                        ngx_http_tollgate_flush_reply, flush);
    if (call == NULL) {
        ngx_free(flush);
        return NGX_AGAIN;
    }

    flush->lane = lane;
    shpool = ngx_http_tollgate_lease_local.shpool;
    now = ngx_http_tollgate_lease_now();

    ngx_shmtx_lock(&shpool->mutex);

    ngx_http_tollgate_flush_due(flush, now);
    ngx_http_tollgate_flush_gather(flush, now);

    ngx_shmtx_unlock(&shpool->mutex);

    if (flush->n == 0) {
        ngx_http_tollgate_redis_forget(call);
        ngx_free(flush);

        return lane->first == NGX_HTTP_TOLLGATE_LEASE_NONE ? NGX_DONE
                                                           : NGX_AGAIN;
    }

    lane->calling = 1;

    if (ngx_http_tollgate_flush_format(flush, &node->redis) != NGX_OK) {
        ngx_http_tollgate_redis_forget(call);
        ngx_http_tollgate_flush_lost(flush, 0);
        return NGX_AGAIN;
    }

    ngx_http_tollgate_redis_expect(call);
    ngx_http_tollgate_redis_post(&node->redis);
    ngx_http_tollgate_count(flushes, 1);

    return NGX_OK;
}


/* Leases that this process calls for, with records or without. */

static void
ngx_http_tollgate_flush_due(ngx_http_tollgate_flush_t *flush, int64_t now)
{
    uint32_t                          i;
    ngx_http_tollgate_held_t         *held;
    ngx_http_tollgate_lane_t         *lane;
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;
    lane = flush->lane;

    while (lane->due != NGX_HTTP_TOLLGATE_LEASE_NONE
           && flush->n < NGX_HTTP_TOLLGATE_LEASE_ENTRIES)
    {
        i = lane->due;
        held = &local->held[local->places[i]];

        lane->due = held->due;
        held->listed = 0;

        if (ngx_http_tollgate_flush_own(lane, i, held->life)) {
            ngx_http_tollgate_lease_entry(&flush->entries[flush->n++], i,
                                          now);
        }
    }
}


/*
 * The first records of the lane, without a gap: Redis remembers the last
 * number of each shard.  What is young may be void before it is told.
 */

static void
ngx_http_tollgate_flush_gather(ngx_http_tollgate_flush_t *flush, int64_t now)
{
    uint32_t                          slot, before;
    ngx_msec_t                        age;
    ngx_http_tollgate_lane_t         *lane;
    ngx_http_tollgate_ring_t         *ring;
    ngx_http_tollgate_entry_t        *entry;
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;
    lane = flush->lane;
    ring = lane->ring;
    before = NGX_HTTP_TOLLGATE_LEASE_NONE;
    slot = lane->first;
    age = local->conf->leases->flush / 2;

    while (slot != NGX_HTTP_TOLLGATE_LEASE_NONE
           && flush->records < NGX_HTTP_TOLLGATE_LEASE_RECORDS)
    {
        if (ring->slots[slot].record.state == NGX_HTTP_TOLLGATE_RECORD_VOID) {
            slot = ngx_http_tollgate_lane_skip(lane, before, slot);
            continue;
        }

        if (ring->entry[slot] == 0 && local->leaving == 0
            && ngx_current_msec - ring->at[slot] < age)
        {
            break;
        }

        entry = ngx_http_tollgate_flush_entry(flush, slot, now);
        if (entry == NULL) {
            break;
        }

        entry->n++;
        ring->entry[slot] = (u_char) (entry - flush->entries + 1);
        flush->records++;

        before = slot;
        slot = ring->next[slot];
    }
}


/* The entry that a record goes with.  NULL: there is no room for one more. */

static ngx_http_tollgate_entry_t *
ngx_http_tollgate_flush_entry(ngx_http_tollgate_flush_t *flush, uint32_t slot,
    int64_t now)
{
    ngx_uint_t                   k;
    ngx_http_tollgate_slot_t    *slots;
    ngx_http_tollgate_entry_t   *entry;
    ngx_http_tollgate_record_t  *record;

    slots = flush->lane->ring->slots;
    record = &slots[slot].record;

    for (k = 0; k < flush->n; k++) {
        entry = &flush->entries[k];

        if (entry->lease == record->lease && entry->life == record->life) {
            if (entry->n == 0) {
                entry->first = slot;
            }

            return entry;
        }
    }

    if (flush->n == NGX_HTTP_TOLLGATE_LEASE_ENTRIES) {
        return NULL;
    }

    entry = &flush->entries[flush->n++];
    entry->first = slot;

    if (ngx_http_tollgate_flush_own(flush->lane, record->lease,
                                    record->life))
    {
        ngx_http_tollgate_lease_entry(entry, record->lease, now);
        return entry;
    }

    entry->lease = record->lease;
    entry->life = record->life;
    entry->epoch = record->epoch;

    return entry;
}


static ngx_uint_t
ngx_http_tollgate_flush_own(ngx_http_tollgate_lane_t *lane, uint32_t i,
    uint32_t life)
{
    ngx_http_tollgate_lease_t        *lease;
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;

    if (lane->ring != local->ring || i >= local->sh->n) {
        return 0;
    }

    lease = ngx_http_tollgate_lease_at(i);

    return lease->life == life && lease->ring == local->ring->number
           && (lease->state == NGX_HTTP_TOLLGATE_LEASE_OPENING
               || lease->state == NGX_HTTP_TOLLGATE_LEASE_OPEN
               || lease->state == NGX_HTTP_TOLLGATE_LEASE_CLOSING)
           && !local->held[local->places[i]].listed
           && !local->held[local->places[i]].called;
}


static ngx_int_t
ngx_http_tollgate_flush_format(ngx_http_tollgate_flush_t *flush,
    ngx_http_tollgate_redis_t *redis)
{
    u_char                     *p, mark[128];
    ngx_uint_t                  k;
    ngx_http_tollgate_lane_t   *lane;
    ngx_http_tollgate_ring_t   *ring;
    ngx_http_tollgate_shard_t  *shard;

    lane = flush->lane;
    ring = lane->ring;
    shard = &lane->store->conf->shards[lane->shard];

    if (ngx_http_tollgate_redis_command(redis,
            NGX_HTTP_TOLLGATE_LEASE_HEAD_ARGS
            + flush->n * NGX_HTTP_TOLLGATE_LEASE_ENTRY_ARGS
            + flush->records * 2,
            NGX_HTTP_TOLLGATE_LEASE_HEAD_SIZE
            + flush->n * NGX_HTTP_TOLLGATE_LEASE_ENTRY_SIZE
            + flush->records * NGX_HTTP_TOLLGATE_LEASE_ITEM_SIZE)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = ngx_snprintf(mark, sizeof(mark), "%V%*s:%uD", &shard->ring,
                     (size_t) NGX_HTTP_TOLLGATE_LEASE_HOST_LEN,
                     ring->head->host, ring->number);

    ngx_http_tollgate_redis_arg_script(redis, NGX_HTTP_TOLLGATE_LEASE);
    ngx_http_tollgate_redis_arg(redis, "3", 1);
    ngx_http_tollgate_redis_arg(redis, shard->ledger.data, shard->ledger.len);
    ngx_http_tollgate_redis_arg(redis, shard->leases.data, shard->leases.len);
    ngx_http_tollgate_redis_arg(redis, mark, p - mark);

    ngx_http_tollgate_redis_arg(redis, shard->wallet.data, shard->wallet.len);
    ngx_http_tollgate_redis_arg(redis, shard->plan.data, shard->plan.len);
    ngx_http_tollgate_redis_arg_number(redis,
                           ngx_http_tollgate_redis_clock(redis)
                           + (int64_t) NGX_HTTP_TOLLGATE_REDIS_STALL * 1000);
    ngx_http_tollgate_redis_arg(redis, ring->head->host,
                                NGX_HTTP_TOLLGATE_LEASE_HOST_LEN);
    ngx_http_tollgate_redis_arg_number(redis, ring->number);
    ngx_http_tollgate_redis_arg_number(redis, flush->n);

    for (k = 0; k < flush->n; k++) {
        ngx_http_tollgate_flush_lease(flush, k, redis);
    }

    return NGX_OK;
}


static void
ngx_http_tollgate_flush_lease(ngx_http_tollgate_flush_t *flush, ngx_uint_t k,
    ngx_http_tollgate_redis_t *redis)
{
    uint32_t                     slot, left;
    ngx_uint_t                   i;
    ngx_http_tollgate_ring_t    *ring;
    ngx_http_tollgate_entry_t   *entry;
    ngx_http_tollgate_lease_t   *lease;
    ngx_http_tollgate_record_t  *record;

    ring = flush->lane->ring;
    entry = &flush->entries[k];
    record = &ring->slots[entry->first].record;

    /* only this process writes who has a lease of its own */

    lease = entry->own ? ngx_http_tollgate_lease_at(entry->lease) : NULL;

    ngx_http_tollgate_redis_arg(redis,
                                lease ? lease->account : record->account,
                                NGX_HTTP_TOLLGATE_ACCOUNT_LEN);
    ngx_http_tollgate_redis_arg(redis,
                                lease ? lease->hash : (u_char *) "-",
                                lease ? NGX_HTTP_TOLLGATE_HASH_LEN : 1);
    ngx_http_tollgate_redis_arg(redis,
                                lease ? lease->key.data : record->key.data,
                                lease ? lease->key.len : record->key.len);
    ngx_http_tollgate_redis_arg_number(redis, entry->epoch);
    ngx_http_tollgate_redis_arg_number(redis, entry->no);

    for (i = 0; i < 4; i++) {
        ngx_http_tollgate_redis_arg_number(redis, entry->want[i]);
    }

    for (i = 0; i < 2; i++) {
        ngx_http_tollgate_redis_arg_number(redis, entry->give[i]);
    }

    ngx_http_tollgate_redis_arg_number(redis, entry->closes);
    ngx_http_tollgate_redis_arg_number(redis, entry->n);

    slot = entry->first;

    for (left = entry->n; left; slot = ring->next[slot]) {
        if (ring->entry[slot] == k + 1) {
            ngx_http_tollgate_flush_item(redis, &ring->slots[slot].record);
            left--;
        }
    }
}


/* As docs/design.md has the items of a charge. */

static void
ngx_http_tollgate_flush_item(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_record_t *record)
{
    u_char                     *p,
                                item[NGX_HTTP_TOLLGATE_LEASE_ITEM_SIZE];
    ngx_uint_t                  i;
    ngx_http_tollgate_text_t   *text[5];

    text[0] = &record->request_id;
    text[1] = &record->key;
    text[2] = &record->app;
    text[3] = &record->feature;
    text[4] = &record->model;

    p = item;

    for (i = 0; i < 5; i++) {
        if (text[i]->len) {
            p = ngx_cpymem(p, text[i]->data, text[i]->len);

        } else {
            *p++ = '-';
        }

        *p++ = ' ';
    }

    p = ngx_sprintf(p, "%L %L", record->credits, record->units);

    ngx_http_tollgate_redis_arg_number(redis, (int64_t) record->no);
    ngx_http_tollgate_redis_arg(redis, item, p - item);
}
