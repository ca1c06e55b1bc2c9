
/*
 * ngx_http_tollgate_page.h: Prometheus' text format, written into a chain.
 *
 * A page is families, each begun by _page_family() and followed by its
 * samples.  Labels are an array that ends with one without a name.
 */


#ifndef _NGX_HTTP_TOLLGATE_PAGE_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_PAGE_H_INCLUDED_


#include "ngx_http_tollgate_metrics.h"


typedef struct {
    const char                      *name;
    ngx_str_t                        value;
} ngx_http_tollgate_label_t;


#define ngx_http_tollgate_null_label  { NULL, ngx_null_string }


typedef struct {
    ngx_pool_t                      *pool;
    ngx_chain_t                     *first;
    ngx_chain_t                     *last;
    off_t                            size;
    ngx_str_t                       *name;      /* of the family */
    ngx_uint_t                       micro;     /* its values are millionths */
} ngx_http_tollgate_page_t;


ngx_int_t ngx_http_tollgate_page_family(ngx_http_tollgate_page_t *page,
    ngx_str_t *name, const char *type, const char *help, ngx_uint_t micro);
ngx_int_t ngx_http_tollgate_page_sample(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_label_t *labels, int64_t value);

/* at most one label */
ngx_int_t ngx_http_tollgate_page_histogram(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_label_t *labels,
    ngx_http_tollgate_histogram_t *histogram);


#endif /* _NGX_HTTP_TOLLGATE_PAGE_H_INCLUDED_ */
