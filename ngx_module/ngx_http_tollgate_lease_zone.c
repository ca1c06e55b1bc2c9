
/*
 * ngx_http_tollgate_lease_zone.c owns the shared memory of leases: who has
 * one, found by the hash of its key.
 *
 * Places are made once and never move, and a chain changes by one store, so
 * that a process that is killed here leaves nothing worse than a lost place.
 * The lock is that of the zone, which the master lets go in its stead.
 */


#include "ngx_http_tollgate_lease.h"

#include <openssl/rand.h>


#define NGX_HTTP_TOLLGATE_LEASE_PAGES  4        /* left to the slab */


ngx_int_t
ngx_http_tollgate_lease_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    u_char                         random[NGX_HTTP_TOLLGATE_LEASE_HOST_LEN
                                          / 2];
    size_t                         size;
    uint32_t                       i;
    ngx_slab_pool_t               *shpool;
    ngx_http_tollgate_lease_sh_t  *sh;

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (data != NULL || shm_zone->shm.exists) {
        shm_zone->data = shpool->data;
        return NGX_OK;
    }

    sh = ngx_slab_calloc(shpool, sizeof(ngx_http_tollgate_lease_sh_t));
    if (sh == NULL || shpool->pfree <= NGX_HTTP_TOLLGATE_LEASE_PAGES) {
        return NGX_ERROR;
    }

    size = (shpool->pfree - NGX_HTTP_TOLLGATE_LEASE_PAGES) * ngx_pagesize;

    sh->n = size / (sizeof(ngx_http_tollgate_lease_t) + sizeof(uint32_t));
    sh->nbuckets = sh->n;
    sh->leases = ngx_slab_calloc(shpool, size);

    if (sh->leases == NULL || RAND_bytes(random, sizeof(random)) != 1) {
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(sh->host, random, sizeof(random));

    sh->buckets = (uint32_t *) (sh->leases + sh->n);

    for (i = 0; i < sh->n; i++) {
        sh->buckets[i] = NGX_HTTP_TOLLGATE_LEASE_NONE;
        sh->leases[i].next = i + 1 < sh->n ? i + 1
                                           : NGX_HTTP_TOLLGATE_LEASE_NONE;
    }

    sh->free = 0;

    shpool->data = sh;
    shpool->log_nomem = 0;
    shm_zone->data = sh;

    return NGX_OK;
}


static uint32_t *
ngx_http_tollgate_lease_bucket(u_char *hash)
{
    uint64_t                       n;
    ngx_http_tollgate_lease_sh_t  *sh;

    sh = ngx_http_tollgate_lease_local.sh;

    /* digits of a hash are as good a hash as any */

    ngx_memcpy(&n, hash, sizeof(n));
    n *= 0x9e3779b97f4a7c15ULL;

    return &sh->buckets[(n >> 32) % sh->nbuckets];
}


uint32_t
ngx_http_tollgate_lease_find(u_char *hash, uint32_t store)
{
    uint32_t                    i;
    ngx_http_tollgate_lease_t  *lease;

    for (i = *ngx_http_tollgate_lease_bucket(hash);
         i != NGX_HTTP_TOLLGATE_LEASE_NONE;
         i = lease->next)
    {
        lease = ngx_http_tollgate_lease_at(i);

        if (ngx_memcmp(lease->hash, hash, NGX_HTTP_TOLLGATE_HASH_LEN) == 0
            && lease->store == store)
        {
            break;
        }
    }

    return i;
}


/* _NONE: all places are in use. */

uint32_t
ngx_http_tollgate_lease_add(u_char *hash, uint32_t store)
{
    uint32_t                       i, life, *bucket;
    ngx_http_tollgate_lease_t     *lease;
    ngx_http_tollgate_lease_sh_t  *sh;

    sh = ngx_http_tollgate_lease_local.sh;
    i = sh->free;

    if (i == NGX_HTTP_TOLLGATE_LEASE_NONE) {
        return i;
    }

    lease = ngx_http_tollgate_lease_at(i);
    sh->free = lease->next;
    life = lease->life;

    ngx_memzero(lease, sizeof(ngx_http_tollgate_lease_t));

    lease->life = life + 1;
    lease->store = store;
    lease->ring = NGX_HTTP_TOLLGATE_LEASE_NONE;
    ngx_memcpy(lease->hash, hash, NGX_HTTP_TOLLGATE_HASH_LEN);

    bucket = ngx_http_tollgate_lease_bucket(hash);
    lease->next = *bucket;

    ngx_memory_barrier();

    *bucket = i;

    return i;
}


void
ngx_http_tollgate_lease_remove(uint32_t i)
{
    uint32_t                      *from;
    ngx_http_tollgate_lease_t     *lease;
    ngx_http_tollgate_lease_sh_t  *sh;

    sh = ngx_http_tollgate_lease_local.sh;
    lease = ngx_http_tollgate_lease_at(i);

    for (from = ngx_http_tollgate_lease_bucket(lease->hash);
         *from != NGX_HTTP_TOLLGATE_LEASE_NONE;
         from = &ngx_http_tollgate_lease_at(*from)->next)
    {
        if (*from == i) {
            *from = lease->next;
            break;
        }
    }

    lease->state = NGX_HTTP_TOLLGATE_LEASE_FREE;
    lease->credits = 0;
    lease->units = 0;
    lease->life++;
    lease->next = sh->free;

    ngx_memory_barrier();

    sh->free = i;
}


/* Into another state, of which only _OPEN can be spent from. */

void
ngx_http_tollgate_lease_turn(ngx_http_tollgate_lease_t *lease,
    ngx_http_tollgate_lease_state_e state, int64_t now)
{
    if (lease->state != state) {
        lease->state = state;
        lease->since = now;
    }

    if (state != NGX_HTTP_TOLLGATE_LEASE_OPEN) {
        lease->until = 0;
    }
}


/* 0 and 0 where nothing is leased. */

void
ngx_http_tollgate_lease_sums(int64_t *sums)
{
    uint32_t                          i;
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;

    sums[0] = 0;
    sums[1] = 0;

    if (local->conf == NULL) {
        return;
    }

    ngx_shmtx_lock(&local->shpool->mutex);

    for (i = 0; i < local->sh->n; i++) {
        sums[0] += local->sh->leases[i].credits;
        sums[1] += local->sh->leases[i].units;
    }

    ngx_shmtx_unlock(&local->shpool->mutex);
}
