
/*
 * ngx_http_tollgate_foreign.h: what a process remembers of keys that are not of
 * our form, for each store.
 */


#ifndef _NGX_HTTP_TOLLGATE_FOREIGN_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_FOREIGN_H_INCLUDED_


#include "ngx_http_tollgate.h"


typedef struct {
    ngx_str_node_t                   sn;        /* first: it is in the tree */
    ngx_queue_t                      queue;
    ngx_msec_t                       at;
    u_char                           account[NGX_HTTP_TOLLGATE_ACCOUNT_LEN];
    u_char                           hash[NGX_HTTP_TOLLGATE_HASH_LEN];
} ngx_http_tollgate_foreign_key_t;


typedef struct {
    ngx_rbtree_t                     rbtree;
    ngx_rbtree_node_t                sentinel;
    ngx_queue_t                      queue;     /* the last used first */
    ngx_uint_t                       n;
} ngx_http_tollgate_foreign_keys_t;


struct ngx_http_tollgate_foreign_s {
    ngx_http_tollgate_foreign_keys_t  known;
    ngx_http_tollgate_foreign_keys_t  unknown;
    time_t                            second;
    ngx_uint_t                        lookups;  /* in this second */
    ngx_http_tollgate_complaint_t     busy;
};


/* NULL: no memory */
ngx_http_tollgate_foreign_t *ngx_http_tollgate_foreign_get(
    ngx_http_tollgate_store_t *store);

/* _find() makes it the last used; _add() makes room, and may return NULL */
ngx_http_tollgate_foreign_key_t *ngx_http_tollgate_foreign_find(
    ngx_http_tollgate_foreign_keys_t *keys, u_char *hash);
ngx_http_tollgate_foreign_key_t *ngx_http_tollgate_foreign_add(
    ngx_http_tollgate_foreign_keys_t *keys, ngx_uint_t max, u_char *hash);
void ngx_http_tollgate_foreign_remove(ngx_http_tollgate_foreign_keys_t *keys,
    ngx_http_tollgate_foreign_key_t *key);


#endif /* _NGX_HTTP_TOLLGATE_FOREIGN_H_INCLUDED_ */
