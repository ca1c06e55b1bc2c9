
/*
 * ngx_http_tollgate_hold.h: what tollgate_hold says.
 */


#ifndef _NGX_HTTP_TOLLGATE_HOLD_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_HOLD_H_INCLUDED_


#include "ngx_http_tollgate.h"


/* in the order of the words of commit.lua */

typedef enum {
    NGX_HTTP_TOLLGATE_REJECT_NEXT = 0,
    NGX_HTTP_TOLLGATE_IF_AVAILABLE,
    NGX_HTTP_TOLLGATE_OVERDRAFT
} ngx_http_tollgate_overage_e;


struct ngx_http_tollgate_hold_s {
    ngx_http_complex_value_t        *credits;   /* NULL: the price */
    int64_t                          fixed;     /* -1: it has variables */
    ngx_msec_t                       ttl;
    ngx_uint_t                       overage;
    int64_t                          extend;    /* credits more, 0: none */
    ngx_uint_t                       cutoff;    /* what can't be extended */
};


/* commit.lua's word for what becomes of credits that are lacking */
ngx_str_t *ngx_http_tollgate_hold_overage(ngx_uint_t overage);

/* the word that asks gate.lua to hold; see _extras.c */
u_char *ngx_http_tollgate_hold_extra(ngx_http_tollgate_ctx_t *ctx, u_char *p,
    u_char *last);

/* the outcome is one that is charged: commits what it came to */
void ngx_http_tollgate_hold_commit(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);

char *ngx_http_tollgate_hold_conf(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* _extend.c: it has passed, and runs: its hold lasts as long as it does */
void ngx_http_tollgate_extend_start(ngx_http_tollgate_ctx_t *ctx);
void ngx_http_tollgate_extend_leave(ngx_http_tollgate_ctx_t *ctx);

/* some of a metered response has passed: whether more is to be held for it */
void ngx_http_tollgate_extend(ngx_http_tollgate_ctx_t *ctx);


#endif /* _NGX_HTTP_TOLLGATE_HOLD_H_INCLUDED_ */
