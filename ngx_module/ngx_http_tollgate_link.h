
/*
 * ngx_http_tollgate_link.h: a signed download link in the place of a key, and
 * what other steps have to do for it.
 */


#ifndef _NGX_HTTP_TOLLGATE_LINK_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_LINK_H_INCLUDED_


#include "ngx_http_tollgate.h"


/* what the token of a download link says */

struct ngx_http_tollgate_link_s {
    ngx_str_t                        claims;    /* all but the signature */
    ngx_str_t                        signature;
    ngx_str_t                        account;
    ngx_str_t                        app;       /* digits, as of the id */
    ngx_str_t                        id;
    ngx_str_t                        network;
    ngx_str_t                        feature;   /* empty: the location's */
    int64_t                          expires;   /* unix s */
    int64_t                          max;       /* downloads, 0: no limit */
    int64_t                          window;    /* s */
};


/* PASS, or why the link doesn't serve; on PASS the account is set */
ngx_uint_t ngx_http_tollgate_link_shown(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
ngx_http_tollgate_verdict_e ngx_http_tollgate_link(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
void ngx_http_tollgate_link_record(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_ask_t *ask);
void ngx_http_tollgate_link_ticket(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_charge_t *charge);
u_char *ngx_http_tollgate_link_extra(ngx_http_tollgate_ctx_t *ctx, u_char *p,
    u_char *last);
ngx_uint_t ngx_http_tollgate_link_counts(ngx_http_tollgate_ctx_t *ctx);

/* _conf_link.c */
void ngx_http_tollgate_conf_link_merge(ngx_http_tollgate_loc_conf_t *prev,
    ngx_http_tollgate_loc_conf_t *conf);
char *ngx_http_tollgate_conf_link_secret(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_HTTP_TOLLGATE_LINK_H_INCLUDED_ */
