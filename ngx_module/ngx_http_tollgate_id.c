
/*
 * ngx_http_tollgate_id.c owns the id of a request: that of nginx's variable
 * $request_id.  Where nobody has asked for it yet it is made here, of random
 * bytes that are fetched for many requests at once, for nginx itself fetches
 * them for each, which costs as much as the rest of the decision.
 */


#include "ngx_http_tollgate.h"

#include <openssl/rand.h>


#define NGX_HTTP_TOLLGATE_ID_BYTES   16
#define NGX_HTTP_TOLLGATE_ID_STOCK   256    /* ids */


static ngx_int_t ngx_http_tollgate_id_make(ngx_http_request_t *r,
    ngx_http_variable_value_t *v);


/* Of the process that fetched them: a child has fetched none. */

static u_char      ngx_http_tollgate_id_stock[NGX_HTTP_TOLLGATE_ID_STOCK
                                              * NGX_HTTP_TOLLGATE_ID_BYTES];
static ngx_uint_t  ngx_http_tollgate_id_left;
static ngx_pid_t   ngx_http_tollgate_id_pid;


ngx_int_t
ngx_http_tollgate_id(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_str_t                       s;
    ngx_http_variable_value_t      *v;
    ngx_http_tollgate_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tollgate_module);

    v = &r->variables[tmcf->request_id];

    if (!v->valid && !v->not_found
        && ngx_http_tollgate_id_make(r, v) != NGX_OK)
    {
        v = ngx_http_get_indexed_variable(r, tmcf->request_id);
    }

    if (v == NULL || v->not_found) {
        return NGX_ERROR;
    }

    s.len = v->len;
    s.data = v->data;
    ngx_http_tollgate_text(&ctx->charge.request_id, &s);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_id_make(ngx_http_request_t *r, ngx_http_variable_value_t *v)
{
    u_char  *id, *bytes;

    if (ngx_http_tollgate_id_left == 0
        || ngx_http_tollgate_id_pid != ngx_pid)
    {
        if (RAND_bytes(ngx_http_tollgate_id_stock,
                       sizeof(ngx_http_tollgate_id_stock))
            != 1)
        {
            return NGX_ERROR;
        }

        ngx_http_tollgate_id_left = NGX_HTTP_TOLLGATE_ID_STOCK;
        ngx_http_tollgate_id_pid = ngx_pid;
    }

    id = ngx_pnalloc(r->pool, 2 * NGX_HTTP_TOLLGATE_ID_BYTES);
    if (id == NULL) {
        return NGX_ERROR;
    }

    ngx_http_tollgate_id_left--;
    bytes = ngx_http_tollgate_id_stock
            + ngx_http_tollgate_id_left * NGX_HTTP_TOLLGATE_ID_BYTES;

    (void) ngx_hex_dump(id, bytes, NGX_HTTP_TOLLGATE_ID_BYTES);

    v->data = id;
    v->len = 2 * NGX_HTTP_TOLLGATE_ID_BYTES;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}
