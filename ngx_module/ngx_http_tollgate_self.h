
/*
 * ngx_http_tollgate_self.h: answers about a customer's own account, and the
 * members of JSON that they are made of.
 */


#ifndef _NGX_HTTP_TOLLGATE_SELF_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_SELF_H_INCLUDED_


#include "ngx_http_tollgate_catalog.h"


/* bytes of an answer or a row of one, without names and texts of others */

#define NGX_HTTP_TOLLGATE_SELF_ROW   1024


/* _self.c */
ngx_int_t ngx_http_tollgate_self_room(ngx_http_request_t *r, ngx_buf_t *b,
    size_t size);
u_char *ngx_http_tollgate_self_text(u_char *p, const char *name,
    ngx_str_t *text);
u_char *ngx_http_tollgate_self_credits(u_char *p, const char *name,
    int64_t credits);
u_char *ngx_http_tollgate_self_time(u_char *p, time_t at);
ngx_http_tollgate_rank_t *ngx_http_tollgate_self_find(ngx_array_t *ranks,
    ngx_str_t *code);
char *ngx_http_tollgate_conf_self(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
void ngx_http_tollgate_self_merge(ngx_conf_t *cf,
    ngx_http_tollgate_loc_conf_t *prev, ngx_http_tollgate_loc_conf_t *conf);

/* _models.c: NGX_DECLINED where there is no such app */
ngx_int_t ngx_http_tollgate_models_apps(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_catalog_t *catalog,
    ngx_buf_t *b);
ngx_int_t ngx_http_tollgate_models(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_catalog_t *catalog,
    ngx_buf_t *b);


#endif /* _NGX_HTTP_TOLLGATE_SELF_H_INCLUDED_ */
