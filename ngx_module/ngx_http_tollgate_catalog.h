
/*
 * ngx_http_tollgate_catalog.h: features, models, plans and tiers, as each
 * worker process holds them.
 *
 * The text of the catalog is in shared memory (_zone.c); a process parses it
 * for itself when its version has changed.  What _catalog_get() returns is
 * valid until the caller returns to the event loop.
 */


#ifndef _NGX_HTTP_TOLLGATE_CATALOG_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_CATALOG_H_INCLUDED_


#include "ngx_http_tollgate.h"


typedef struct {
    ngx_str_t                        code;
    ngx_str_t                        name;
    ngx_uint_t                       rank;
} ngx_http_tollgate_rank_t;


typedef struct {
    ngx_str_t                        code;
    ngx_str_t                        name;      /* of a model */
    ngx_str_t                        feature;   /* of a model */
    ngx_uint_t                       tier;
    ngx_uint_t                       beta;      /* of a model */
    int64_t                          credits;
    int64_t                          units;
} ngx_http_tollgate_item_t;


/* micro-credits for a million tokens */

typedef struct {
    int64_t                          input;     /* not cached */
    int64_t                          cached;
    int64_t                          output;
} ngx_http_tollgate_price_t;


typedef struct {
    ngx_str_t                        code;      /* of a model */
    ngx_http_tollgate_price_t        price;
} ngx_http_tollgate_tokens_t;


typedef struct {
    ngx_str_t                        code;
    ngx_str_t                        bundles;   /* joined by ",", or empty */
    ngx_uint_t                       tier;      /* NO_TIER: of none */
    ngx_uint_t                       window;    /* of a view, s */
    ngx_uint_t                       sold;      /* by the view */
    int64_t                          credits;
} ngx_http_tollgate_content_t;


struct ngx_http_tollgate_catalog_s {
    ngx_array_t                      tiers;     /* of rank_t */
    ngx_array_t                      plans;     /* of rank_t, cheapest first */
    ngx_array_t                      features;  /* of item_t, sorted by code */
    ngx_array_t                      models;
    ngx_array_t                      tokens;    /* of tokens_t, the same */
    ngx_array_t                      apps;      /* of rank_t, of rank 0 */
    ngx_array_t                      private;   /* of rank_t: other plans */
    ngx_array_t                      contents;  /* of content_t, sorted */
};


/* _catalog.c */
ngx_int_t ngx_http_tollgate_catalog_parse(ngx_http_tollgate_catalog_t *catalog,
    ngx_pool_t *pool, ngx_str_t *body);
void *ngx_http_tollgate_catalog_item(ngx_array_t *items, ngx_str_t *code);
ngx_http_tollgate_rank_t *ngx_http_tollgate_catalog_tier(
    ngx_http_tollgate_catalog_t *catalog, ngx_uint_t rank);
ngx_http_tollgate_rank_t *ngx_http_tollgate_catalog_plan(
    ngx_http_tollgate_catalog_t *catalog, ngx_uint_t tier);

/* _zone.c */
ngx_http_tollgate_catalog_t *ngx_http_tollgate_catalog_get(
    ngx_http_tollgate_main_conf_t *tmcf);
ngx_int_t ngx_http_tollgate_zone_init(ngx_shm_zone_t *shm_zone, void *data);
void ngx_http_tollgate_zone_send(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_redis_t *redis);
ngx_int_t ngx_http_tollgate_zone_start(ngx_http_tollgate_main_conf_t *tmcf,
    ngx_cycle_t *cycle);
void ngx_http_tollgate_zone_exit(void);

/* where the zone keeps the table of _stale.c */
void **ngx_http_tollgate_zone_stale(ngx_shm_zone_t *zone);


#endif /* _NGX_HTTP_TOLLGATE_CATALOG_H_INCLUDED_ */
