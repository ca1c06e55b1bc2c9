
/*
 * ngx_http_tollgate_conf.h: what reads nginx's configuration.
 *
 * Directives that are rows of nginx's own setters are in _module.c alone.
 */


#ifndef _NGX_HTTP_TOLLGATE_CONF_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_CONF_H_INCLUDED_


#include "ngx_http_tollgate.h"


/* _conf_merge.c */
void *ngx_http_tollgate_conf_main(ngx_conf_t *cf);
void *ngx_http_tollgate_conf_create(ngx_conf_t *cf);
char *ngx_http_tollgate_conf_merge(ngx_conf_t *cf, void *parent, void *child);

/* _conf.c: directives with a grammar of their own */
ngx_int_t ngx_http_tollgate_conf_at(ngx_conf_t *cf, ngx_str_t *at);
char *ngx_http_tollgate_conf_enum(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_tollgate_conf_enable(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_tollgate_conf_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_tollgate_conf_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_tollgate_conf_cost(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_tollgate_conf_charge_on(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_tollgate_conf_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_tollgate_conf_on_error(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_tollgate_conf_usage_buffer(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_tollgate_conf_timeout(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_tollgate_conf_check(ngx_conf_t *cf,
    ngx_http_tollgate_loc_conf_t *conf);
ngx_http_complex_value_t *ngx_http_tollgate_conf_complex(ngx_conf_t *cf,
    ngx_str_t *value);
ngx_uint_t ngx_http_tollgate_conf_param(ngx_str_t *arg, const char *name,
    ngx_str_t *value);

/* _conf_redis.c */
char *ngx_http_tollgate_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* _param.c: says itself what is wrong with a parameter */
ngx_uint_t ngx_http_tollgate_redis_param_is(ngx_str_t *arg);
char *ngx_http_tollgate_redis_param(ngx_conf_t *cf,
    ngx_http_tollgate_redis_args_t *args, ngx_str_t *arg);

/* directives in the file of what they set up */
char *ngx_http_tollgate_conf_idempotency(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_tollgate_foreign_conf(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_HTTP_TOLLGATE_CONF_H_INCLUDED_ */
