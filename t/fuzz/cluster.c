
/*
 * cluster.c: fuzzes what a cluster says: the text of CLUSTER NODES is ranges
 * of slots that are in range and read the same when written again, and an
 * error sends a call to a place that it names or nowhere.
 */


#include "ngx_shim.h"


#define CLUSTER_RANGES  64


typedef struct {
    ngx_str_t                    host;
    ngx_int_t                    port;
    ngx_int_t                    first;
    ngx_int_t                    to;
} cluster_range_t;


static void
cluster_check_place(ngx_http_tollgate_place_t *place, ngx_str_t *text)
{
    CHECK(place->port >= 1);
    CHECK(place->host.data >= text->data);
    CHECK(place->host.data + place->host.len <= text->data + text->len);
}


/* The ranges of a text, at most so many; -1 where it is none. */

static int
cluster_read(ngx_str_t *text, cluster_range_t *ranges)
{
    int                          n;
    ngx_int_t                    rc;
    ngx_http_tollgate_cluster_t  it;

    n = 0;
    ngx_http_tollgate_cluster_read(&it, text);

    while ((rc = ngx_http_tollgate_cluster_next(&it)) == NGX_OK) {
        CHECK(it.first >= 0 && it.first <= it.to);
        CHECK(it.to < NGX_HTTP_TOLLGATE_SLOTS);
        cluster_check_place(&it.place, text);

        if (n < CLUSTER_RANGES) {
            ranges[n++] = (cluster_range_t) { it.place.host, it.place.port,
                                              it.first, it.to };
        }
    }

    CHECK(rc == NGX_DONE || rc == NGX_ERROR);

    return rc == NGX_DONE ? n : -1;
}


static void
cluster_check_again(ngx_pool_t *pool, cluster_range_t *ranges, int n)
{
    int               i;
    size_t            size;
    ngx_str_t         text;
    cluster_range_t   again[CLUSTER_RANGES];

    size = 1;

    for (i = 0; i < n; i++) {
        size += ranges[i].host.len + 128;
    }

    text.data = ngx_pnalloc(pool, size);
    text.len = 0;

    for (i = 0; i < n; i++) {
        text.len += sprintf((char *) text.data + text.len, "id ");
        memcpy(text.data + text.len, ranges[i].host.data,
               ranges[i].host.len);
        text.len += ranges[i].host.len;
        text.len += sprintf((char *) text.data + text.len,
                            ":%ld@1 myself,master - 0 0 1 connected %ld-%ld\n",
                            (long) ranges[i].port, (long) ranges[i].first,
                            (long) ranges[i].to);
    }

    CHECK(cluster_read(&text, again) == n);

    for (i = 0; i < n; i++) {
        CHECK(again[i].port == ranges[i].port);
        CHECK(again[i].first == ranges[i].first);
        CHECK(again[i].to == ranges[i].to);
        CHECK(again[i].host.len == ranges[i].host.len);
        CHECK(memcmp(again[i].host.data, ranges[i].host.data,
                     again[i].host.len) == 0);
    }
}


static void
cluster_check_redirect(ngx_str_t *error)
{
    ngx_int_t                     slot;
    ngx_http_tollgate_place_t     place;
    ngx_http_tollgate_redirect_e  redirect;

    redirect = ngx_http_tollgate_cluster_redirect(error, &slot, &place);

    if (redirect == NGX_HTTP_TOLLGATE_MOVED
        || redirect == NGX_HTTP_TOLLGATE_ASKING)
    {
        CHECK(memcmp(error->data,
                     redirect == NGX_HTTP_TOLLGATE_MOVED ? "MOVED " : "ASK ",
                     4) == 0);
        CHECK(slot >= 0 && slot < NGX_HTTP_TOLLGATE_SLOTS);
        cluster_check_place(&place, error);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int               n;
    ngx_str_t         text, vector = ngx_string("123456789");
    ngx_pool_t       *pool;
    struct input      input = { data, size };
    cluster_range_t   ranges[CLUSTER_RANGES];

    pool = shim_pool();
    text = shim_str(pool, input);

    n = cluster_read(&text, ranges);

    if (n > 0) {
        cluster_check_again(pool, ranges, n);
    }

    cluster_check_redirect(&text);

    CHECK(ngx_http_tollgate_cluster_slot(&text) < NGX_HTTP_TOLLGATE_SLOTS);
    CHECK(ngx_http_tollgate_cluster_slot(&vector) == 0x31c3);

    shim_pool_free(pool);

    return 0;
}
