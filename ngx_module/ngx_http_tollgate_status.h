
/*
 * ngx_http_tollgate_status.h: the rows of the page of metrics, and who goes
 * through the counters of a row.
 */


#ifndef _NGX_HTTP_TOLLGATE_STATUS_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_STATUS_H_INCLUDED_


#include "ngx_http_tollgate_page.h"


typedef struct ngx_http_tollgate_status_row_s  ngx_http_tollgate_status_row_t;


typedef ngx_int_t (*ngx_http_tollgate_status_pt)(
    ngx_http_tollgate_page_t *page, ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics);


/* where is an offset in what the handler goes through */

struct ngx_http_tollgate_status_row_s {
    ngx_str_t                        name;
    const char                      *type;
    const char                      *help;
    ngx_http_tollgate_status_pt      handler;
    size_t                           where;
    ngx_uint_t                       micro;     /* counted in millionths */
    const char                      *label;
    ngx_str_t                       *values;    /* of label */
};


#define ngx_http_tollgate_of(field)                                           \
    offsetof(ngx_http_tollgate_metrics_t, field)
#define ngx_http_tollgate_of_plan(field)                                      \
    offsetof(ngx_http_tollgate_plan_metrics_t, field)
#define ngx_http_tollgate_of_server(field)                                    \
    offsetof(ngx_http_tollgate_server_metrics_t, field)


/* _status_values.c */
ngx_int_t ngx_http_tollgate_status_one(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics);
ngx_int_t ngx_http_tollgate_status_set(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics);
ngx_int_t ngx_http_tollgate_status_plans(
    ngx_http_tollgate_page_t *page, ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics);
ngx_int_t ngx_http_tollgate_status_decisions(
    ngx_http_tollgate_page_t *page, ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics);
ngx_int_t ngx_http_tollgate_status_servers(
    ngx_http_tollgate_page_t *page, ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics);
ngx_int_t ngx_http_tollgate_status_histogram(
    ngx_http_tollgate_page_t *page, ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics);
ngx_int_t ngx_http_tollgate_status_build(
    ngx_http_tollgate_page_t *page, ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics);
ngx_int_t ngx_http_tollgate_status_sum(
    ngx_http_tollgate_page_t *page, ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics);
ngx_int_t ngx_http_tollgate_status_pools(
    ngx_http_tollgate_page_t *page, ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics);
ngx_int_t ngx_http_tollgate_status_memory(
    ngx_http_tollgate_page_t *page, ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics);


#endif /* _NGX_HTTP_TOLLGATE_STATUS_H_INCLUDED_ */
