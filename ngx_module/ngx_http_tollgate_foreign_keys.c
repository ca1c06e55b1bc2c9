
/*
 * ngx_http_tollgate_foreign_keys.c owns the memory of a process for keys that
 * are not of our form: bounded sets, which forget the key that was used longest
 * ago.
 */


#include "ngx_http_tollgate_foreign.h"


ngx_http_tollgate_foreign_t *
ngx_http_tollgate_foreign_get(ngx_http_tollgate_store_t *store)
{
    ngx_uint_t                         i;
    ngx_http_tollgate_foreign_t       *foreign;
    ngx_http_tollgate_foreign_keys_t  *keys[2];

    if (store->foreign != NULL) {
        return store->foreign;
    }

    foreign = ngx_calloc(sizeof(ngx_http_tollgate_foreign_t), store->log);
    if (foreign == NULL) {
        return NULL;
    }

    keys[0] = &foreign->known;
    keys[1] = &foreign->unknown;

    for (i = 0; i < 2; i++) {
        ngx_rbtree_init(&keys[i]->rbtree, &keys[i]->sentinel,
                        ngx_str_rbtree_insert_value);
        ngx_queue_init(&keys[i]->queue);
    }

    store->foreign = foreign;

    return foreign;
}


ngx_http_tollgate_foreign_key_t *
ngx_http_tollgate_foreign_find(ngx_http_tollgate_foreign_keys_t *keys,
    u_char *hash)
{
    ngx_str_t                         name;
    ngx_http_tollgate_foreign_key_t  *key;

    name.data = hash;
    name.len = NGX_HTTP_TOLLGATE_HASH_LEN;

    key = (ngx_http_tollgate_foreign_key_t *)
              ngx_str_rbtree_lookup(&keys->rbtree, &name,
                                    ngx_crc32_long(name.data, name.len));
    if (key != NULL) {
        ngx_queue_remove(&key->queue);
        ngx_queue_insert_head(&keys->queue, &key->queue);
    }

    return key;
}


/* Where there is no room the key goes that was used longest ago. */

ngx_http_tollgate_foreign_key_t *
ngx_http_tollgate_foreign_add(ngx_http_tollgate_foreign_keys_t *keys,
    ngx_uint_t max, u_char *hash)
{
    ngx_http_tollgate_foreign_key_t  *key;

    key = ngx_http_tollgate_foreign_find(keys, hash);

    if (key != NULL) {
        key->at = ngx_current_msec;
        return key;
    }

    while (keys->n >= max) {
        ngx_http_tollgate_foreign_remove(keys,
                            ngx_queue_data(ngx_queue_last(&keys->queue),
                                           ngx_http_tollgate_foreign_key_t,
                                           queue));
    }

    key = ngx_alloc(sizeof(ngx_http_tollgate_foreign_key_t), ngx_cycle->log);
    if (key == NULL) {
        return NULL;
    }

    ngx_memcpy(key->hash, hash, NGX_HTTP_TOLLGATE_HASH_LEN);

    key->at = ngx_current_msec;
    key->sn.str.data = key->hash;
    key->sn.str.len = NGX_HTTP_TOLLGATE_HASH_LEN;
    key->sn.node.key = ngx_crc32_long(hash, NGX_HTTP_TOLLGATE_HASH_LEN);

    ngx_rbtree_insert(&keys->rbtree, &key->sn.node);
    ngx_queue_insert_head(&keys->queue, &key->queue);
    keys->n++;

    return key;
}


void
ngx_http_tollgate_foreign_remove(ngx_http_tollgate_foreign_keys_t *keys,
    ngx_http_tollgate_foreign_key_t *key)
{
    ngx_queue_remove(&key->queue);
    ngx_rbtree_delete(&keys->rbtree, &key->sn.node);
    keys->n--;

    ngx_free(key);
}


void
ngx_http_tollgate_foreign_exit(ngx_http_tollgate_store_t *store)
{
    ngx_uint_t                         i;
    ngx_http_tollgate_foreign_keys_t  *keys[2];

    if (store->foreign == NULL) {
        return;
    }

    keys[0] = &store->foreign->known;
    keys[1] = &store->foreign->unknown;

    for (i = 0; i < 2; i++) {
        while (!ngx_queue_empty(&keys[i]->queue)) {
            ngx_http_tollgate_foreign_remove(keys[i],
                           ngx_queue_data(ngx_queue_head(&keys[i]->queue),
                                          ngx_http_tollgate_foreign_key_t,
                                          queue));
        }
    }

    ngx_free(store->foreign);
    store->foreign = NULL;
}
