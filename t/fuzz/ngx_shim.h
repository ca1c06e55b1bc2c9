
/*
 * ngx_shim.h: the few functions of nginx that readers of outside bytes use,
 * without nginx, and what a target tells them.
 */


#ifndef _TOLLGATE_NGX_SHIM_H_INCLUDED_
#define _TOLLGATE_NGX_SHIM_H_INCLUDED_


#include "ngx_http_tollgate_catalog.h"

#include "fuzz.h"


/* every piece of memory is one of malloc()'s, so that its ends are watched */
ngx_pool_t *shim_pool(void);
void shim_pool_free(ngx_pool_t *pool);

/* the n-th allocation from now fails, 0 = none */
extern ngx_uint_t  shim_fails;

/* a copy of the piece in the pool */
ngx_str_t shim_str(ngx_pool_t *pool, struct input piece);

/* the last line that was logged */
extern u_char  shim_logged[2048];

/* a request with that main configuration */
ngx_http_request_t *shim_request(ngx_pool_t *pool,
    ngx_http_tollgate_main_conf_t *tmcf);

/* a value whose evaluation is the text */
ngx_http_complex_value_t *shim_value(ngx_pool_t *pool, ngx_str_t text);


#endif /* _TOLLGATE_NGX_SHIM_H_INCLUDED_ */
