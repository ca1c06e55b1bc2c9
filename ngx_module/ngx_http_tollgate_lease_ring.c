
/*
 * ngx_http_tollgate_lease_ring.c owns the files in which processes note what
 * was decided by leases until Redis has been told: what a process that was
 * killed had noted another one tells.
 *
 * A ring is its whose process has the lock of the file.  Its name in Redis is
 * the host of the zone and its number, so numbers of records must never begin
 * anew for the two: a file that vanished is not made again by the same host.
 */


#include "ngx_http_tollgate_lease.h"

#include <sys/mman.h>


#define NGX_HTTP_TOLLGATE_RING_HEAD   4096
#define NGX_HTTP_TOLLGATE_RING_MAGIC  "tgring1"


static ngx_http_tollgate_ring_t *ngx_http_tollgate_ring_open(uint32_t number,
    ngx_uint_t create, ngx_log_t *log);
static ngx_err_t ngx_http_tollgate_ring_map(ngx_http_tollgate_ring_t *ring,
    ngx_uint_t create, ngx_log_t *log);
static ngx_err_t ngx_http_tollgate_ring_lanes(ngx_http_tollgate_ring_t *ring,
    ngx_log_t *log);
static ngx_err_t ngx_http_tollgate_ring_fill(ngx_http_tollgate_ring_t *ring,
    ngx_log_t *log);
static int ngx_libc_cdecl ngx_http_tollgate_ring_order(const void *one,
    const void *two);
static ngx_uint_t ngx_http_tollgate_ring_sound(
    ngx_http_tollgate_record_t *record);
static ngx_uint_t ngx_http_tollgate_ring_mine(uint32_t number);
static void ngx_http_tollgate_ring_close(ngx_http_tollgate_ring_t *ring);


static ngx_http_tollgate_complaint_t  ngx_http_tollgate_ring_said;


/* One for this process to write into.  NULL: the directory is of no use. */

ngx_http_tollgate_ring_t *
ngx_http_tollgate_ring_take(ngx_log_t *log)
{
    uint32_t                       number;
    ngx_http_tollgate_ring_t      *ring;
    ngx_http_tollgate_lease_sh_t  *sh;

    sh = ngx_http_tollgate_lease_local.sh;

    for (number = 0; number < NGX_HTTP_TOLLGATE_LEASE_RINGS; number++) {

        if (ngx_http_tollgate_ring_mine(number)) {
            continue;
        }

        ring = ngx_http_tollgate_ring_open(number, 1, log);

        if (ring == NULL) {
            if (ngx_errno == NGX_EAGAIN) {
                continue;
            }

            break;
        }

        if (ring->unsent == 0
            && ring->n == ngx_http_tollgate_lease_local.conf->leases->records)
        {
            ngx_memcpy(ring->head->host, sh->host,
                       NGX_HTTP_TOLLGATE_LEASE_HOST_LEN);
            ring->head->open = 1;
            sh->used[number] = 1;

            return ring;
        }

        /* it holds what somebody has to tell, as soon as there is one */

        ngx_http_tollgate_ring_close(ring);
    }

    return NULL;
}


/*
 * The next file, from number on, that nobody has and that was not left clean.
 * NULL: there are no more.
 */

ngx_http_tollgate_ring_t *
ngx_http_tollgate_ring_dead(uint32_t *number, ngx_log_t *log)
{
    ngx_http_tollgate_ring_t  *ring;

    while (*number < NGX_HTTP_TOLLGATE_LEASE_RINGS) {

        if (ngx_http_tollgate_ring_mine(*number)) {
            (*number)++;
            continue;
        }

        ring = ngx_http_tollgate_ring_open(*number, 0, log);

        if (ring == NULL && ngx_errno == NGX_ENOENT) {
            return NULL;
        }

        (*number)++;

        if (ring == NULL) {
            continue;
        }

        ngx_http_tollgate_count(unsent[ngx_process_slot], ring->unsent);

        return ring;
    }

    return NULL;
}


/*
 * Locked, mapped and read.  NULL: errno is NGX_EAGAIN where this one can't be
 * used, as another process has it, and another could.
 */

static ngx_http_tollgate_ring_t *
ngx_http_tollgate_ring_open(uint32_t number, ngx_uint_t create,
    ngx_log_t *log)
{
    u_char                     name[NGX_MAX_PATH];
    ngx_err_t                  err;
    ngx_str_t                 *path;
    ngx_http_tollgate_ring_t  *ring;

    path = &ngx_http_tollgate_lease_local.conf->leases->path->name;

    (void) ngx_snprintf(name, sizeof(name), "%V/ring.%uD%Z", path, number);
    name[sizeof(name) - 1] = '\0';

    ring = ngx_calloc(sizeof(ngx_http_tollgate_ring_t), log);
    if (ring == NULL) {
        ngx_set_errno(NGX_ENOMEM);
        return NULL;
    }

    ring->number = number;
    ring->head = MAP_FAILED;
    ngx_queue_init(&ring->active);

    ring->fd = ngx_open_file(name, NGX_FILE_RDWR,
                             (create ? NGX_FILE_CREATE_OR_OPEN
                                     : NGX_FILE_OPEN), 0600);
    if (ring->fd == NGX_INVALID_FILE) {
        err = ngx_errno;

        if (create || err != NGX_ENOENT) {
            ngx_http_tollgate_complain(&ngx_http_tollgate_ring_said,
                                       NGX_LOG_CRIT, log,
                                       "can't open \"%s\", nothing is leased, "
                                       "hint: see who owns the directory of "
                                       "\"tollgate_leases\"", name);
        }

        ngx_free(ring);

        ngx_set_errno(err);
        return NULL;
    }

    err = ngx_trylock_fd(ring->fd);

    if (err == 0) {
        err = ngx_http_tollgate_ring_map(ring, create, log);

    } else if (err == NGX_EACCES) {
        err = NGX_EAGAIN;
    }

    if (err == 0) {
        err = ngx_http_tollgate_ring_lanes(ring, log);
    }

    if (err) {
        ngx_http_tollgate_ring_close(ring);
        ngx_set_errno(err);
        return NULL;
    }

    return ring;
}


static ngx_err_t
ngx_http_tollgate_ring_map(ngx_http_tollgate_ring_t *ring, ngx_uint_t create,
    ngx_log_t *log)
{
    size_t                          size;
    ngx_file_info_t                 fi;
    ngx_http_tollgate_ring_head_t  *head;
    ngx_http_tollgate_lease_sh_t   *sh;

    sh = ngx_http_tollgate_lease_local.sh;

    if (ngx_fd_info(ring->fd, &fi) == NGX_FILE_ERROR) {
        return ngx_errno;
    }

    ring->size = ngx_file_size(&fi);

    if (ring->size == 0 && create && !sh->used[ring->number]) {
        size = NGX_HTTP_TOLLGATE_RING_HEAD
               + ngx_http_tollgate_lease_local.conf->leases->records
                 * sizeof(ngx_http_tollgate_slot_t);

        /* a disk that is full is told of now, not by a signal later */

        if (posix_fallocate(ring->fd, 0, size) != 0) {
            ngx_http_tollgate_complain(&ngx_http_tollgate_ring_said,
                                       NGX_LOG_CRIT, log,
                                       "no room for %uz bytes in the "
                                       "directory of \"tollgate_leases\", "
                                       "nothing is leased, hint: see the "
                                       "disk", size);
            return ftruncate(ring->fd, 0) == 0 ? NGX_ENOSPC : ngx_errno;
        }

        ring->size = size;
    }

    if (ring->size < NGX_HTTP_TOLLGATE_RING_HEAD
                     + sizeof(ngx_http_tollgate_slot_t))
    {
        return NGX_EAGAIN;
    }

    head = mmap(NULL, ring->size, PROT_READ|PROT_WRITE, MAP_SHARED, ring->fd,
                0);
    if (head == MAP_FAILED) {
        return ngx_errno;
    }

    ring->head = head;
    ring->n = (ring->size - NGX_HTTP_TOLLGATE_RING_HEAD)
              / sizeof(ngx_http_tollgate_slot_t);
    ring->slots = (ngx_http_tollgate_slot_t *)
                      ((u_char *) head + NGX_HTTP_TOLLGATE_RING_HEAD);

    if (head->magic[0] == '\0') {
        head->slots = ring->n;
        ngx_memory_barrier();
        ngx_memcpy(head->magic, NGX_HTTP_TOLLGATE_RING_MAGIC, 8);
    }

    /* who looks for what others left has no use for one that was left clean */

    return ngx_memcmp(head->magic, NGX_HTTP_TOLLGATE_RING_MAGIC, 8) == 0
           && head->slots == ring->n && (create || head->open)
           ? 0 : NGX_EAGAIN;
}


static ngx_err_t
ngx_http_tollgate_ring_lanes(ngx_http_tollgate_ring_t *ring, ngx_log_t *log)
{
    ngx_uint_t                       i, nshards;
    ngx_http_tollgate_lane_t        *lane;
    ngx_http_tollgate_store_t      **stores;
    ngx_http_tollgate_main_conf_t   *tmcf;

    tmcf = ngx_http_tollgate_lease_local.conf;
    stores = tmcf->stores.elts;
    nshards = tmcf->nshards;

    ring->nlanes = tmcf->stores.nelts * nshards;
    ring->lanes = ngx_calloc(ring->nlanes * sizeof(ngx_http_tollgate_lane_t),
                             log);
    ring->next = ngx_alloc(ring->n * sizeof(uint32_t), log);
    ring->at = ngx_calloc(ring->n * sizeof(ngx_msec_t), log);
    ring->entry = ngx_calloc(ring->n, log);

    if (ring->lanes == NULL || ring->next == NULL || ring->at == NULL
        || ring->entry == NULL)
    {
        return NGX_ENOMEM;
    }

    for (i = 0; i < ring->nlanes; i++) {
        lane = &ring->lanes[i];
        lane->ring = ring;
        lane->store = stores[i / nshards];
        lane->shard = i % nshards;
        lane->first = NGX_HTTP_TOLLGATE_LEASE_NONE;
        lane->last = NGX_HTTP_TOLLGATE_LEASE_NONE;
        lane->due = NGX_HTTP_TOLLGATE_LEASE_NONE;
    }

    return ngx_http_tollgate_ring_fill(ring, log);
}


/* What the file holds goes into lanes, the rest is free. */

static ngx_err_t
ngx_http_tollgate_ring_fill(ngx_http_tollgate_ring_t *ring, ngx_log_t *log)
{
    uint32_t                     i, n;
    ngx_http_tollgate_lane_t    *lane;
    ngx_http_tollgate_record_t  *record, **list;

    list = ngx_alloc(ring->n * sizeof(ngx_http_tollgate_record_t *), log);
    if (list == NULL) {
        return NGX_ENOMEM;
    }

    ring->free = NGX_HTTP_TOLLGATE_LEASE_NONE;
    n = 0;

    for (i = ring->n; i > 0; i--) {
        record = &ring->slots[i - 1].record;
        ring->no = ngx_max(ring->no, record->no);

        if (ngx_http_tollgate_ring_sound(record)) {
            list[n++] = record;

        } else {
            ngx_http_tollgate_ring_free(ring, i - 1);
        }
    }

    ngx_qsort(list, n, sizeof(ngx_http_tollgate_record_t *),
              ngx_http_tollgate_ring_order);

    ring->unsent = n;

    for (i = 0; i < n; i++) {
        lane = ngx_http_tollgate_lane(ring, list[i]->store,
                                           list[i]->shard);

        if (lane == NULL) {
            ngx_http_tollgate_complain(&ngx_http_tollgate_ring_said,
                                       NGX_LOG_CRIT, log,
                                       "request \"%*s\" is to be charged in a "
                                       "Redis that is not configured any "
                                       "more, hint: configure it until "
                                       "nothing is told of it",
                                       (size_t) list[i]->request_id.len,
                                       list[i]->request_id.data);
            continue;
        }

        ngx_http_tollgate_lane_add(lane,
                   (ngx_http_tollgate_slot_t *) list[i] - ring->slots);
    }

    ngx_free(list);

    return 0;
}


static int ngx_libc_cdecl
ngx_http_tollgate_ring_order(const void *one, const void *two)
{
    ngx_http_tollgate_record_t * const *a = one;
    ngx_http_tollgate_record_t * const *b = two;

    return (*a)->no < (*b)->no ? -1 : (*a)->no > (*b)->no;
}


/* A charge, as far as a file that anything may have happened to can say. */

static ngx_uint_t
ngx_http_tollgate_ring_sound(ngx_http_tollgate_record_t *record)
{
    return (record->state == NGX_HTTP_TOLLGATE_RECORD_TAKEN
            || record->state == NGX_HTTP_TOLLGATE_RECORD_BACK)
           && record->no
           && record->credits >= 0 && record->credits <= NGX_HTTP_TOLLGATE_MAX
           && record->units >= 0 && record->units <= NGX_HTTP_TOLLGATE_MAX
           && record->request_id.len <= NGX_HTTP_TOLLGATE_CODE_LEN
           && record->key.len <= NGX_HTTP_TOLLGATE_CODE_LEN
           && record->app.len <= NGX_HTTP_TOLLGATE_CODE_LEN
           && record->feature.len <= NGX_HTTP_TOLLGATE_CODE_LEN
           && record->model.len <= NGX_HTTP_TOLLGATE_CODE_LEN;
}


ngx_uint_t
ngx_http_tollgate_ring_room(ngx_http_tollgate_ring_t *ring)
{
    return ring->free != NGX_HTTP_TOLLGATE_LEASE_NONE;
}


/* Where there is room: the slot of what the request was charged. */

uint32_t
ngx_http_tollgate_ring_add(ngx_http_tollgate_ring_t *ring,
    ngx_http_tollgate_ctx_t *ctx)
{
    uint32_t                     slot;
    ngx_http_tollgate_lane_t    *lane;
    ngx_http_tollgate_charge_t  *charge;
    ngx_http_tollgate_record_t  *record;

    charge = &ctx->charge;
    lane = ngx_http_tollgate_lane(ring, ctx->conf->store->number,
                                  charge->shard);
    slot = ring->free;
    ring->free = ring->next[slot];
    record = &ring->slots[slot].record;

    record->no = ++ring->no;
    record->store = lane->store->number;
    record->shard = lane->shard;
    record->lease = ctx->leased.lease;
    record->life = ctx->leased.life;
    ngx_memcpy(record->account, charge->account,
               NGX_HTTP_TOLLGATE_ACCOUNT_LEN);
    record->credits = charge->credits;
    record->units = charge->units;
    record->epoch = charge->epoch;
    record->day_end = charge->day_end;
    record->month_end = charge->month_end;
    record->request_id = charge->request_id;
    record->key = charge->key;
    record->app = charge->app;
    record->feature = charge->feature;
    record->model = charge->model;

    /* a process that is killed leaves all of a record, or none */

    ngx_memory_barrier();
    record->state = NGX_HTTP_TOLLGATE_RECORD_TAKEN;

    ring->at[slot] = ngx_current_msec;
    ring->unsent++;
    ngx_http_tollgate_lane_add(lane, slot);
    ngx_http_tollgate_count(unsent[ngx_process_slot], 1);

    return slot;
}


void
ngx_http_tollgate_ring_free(ngx_http_tollgate_ring_t *ring, uint32_t slot)
{
    ring->slots[slot].record.state = NGX_HTTP_TOLLGATE_RECORD_FREE;
    ring->entry[slot] = 0;
    ring->next[slot] = ring->free;
    ring->free = slot;
}


static ngx_uint_t
ngx_http_tollgate_ring_mine(uint32_t number)
{
    ngx_queue_t               *q;
    ngx_http_tollgate_ring_t  *ring;

    for (q = ngx_queue_head(&ngx_http_tollgate_lease_local.rings);
         q != ngx_queue_sentinel(&ngx_http_tollgate_lease_local.rings);
         q = ngx_queue_next(q))
    {
        ring = ngx_queue_data(q, ngx_http_tollgate_ring_t, queue);

        /* to close a file once more would let its lock go */

        if (ring->number == number) {
            return 1;
        }
    }

    return 0;
}


/* Not clean: another process has to look at it. */

void
ngx_http_tollgate_ring_leave(ngx_http_tollgate_ring_t *ring, ngx_uint_t clean)
{
    if (clean) {
        ring->head->open = 0;
    }

    ngx_http_tollgate_count(unsent[ngx_process_slot],
                            - (ngx_atomic_int_t) ring->unsent);
    ngx_queue_remove(&ring->queue);
    ngx_http_tollgate_ring_close(ring);
}


static void
ngx_http_tollgate_ring_close(ngx_http_tollgate_ring_t *ring)
{
    if (ring->head != MAP_FAILED) {
        (void) munmap(ring->head, ring->size);
    }

    if (ngx_close_file(ring->fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                      "tollgate: " ngx_close_file_n " of ring %uD failed",
                      ring->number);
    }

    if (ring->lanes != NULL) {
        ngx_free(ring->lanes);
    }

    if (ring->next != NULL) {
        ngx_free(ring->next);
    }

    if (ring->at != NULL) {
        ngx_free(ring->at);
    }

    if (ring->entry != NULL) {
        ngx_free(ring->entry);
    }

    ngx_free(ring);
}
