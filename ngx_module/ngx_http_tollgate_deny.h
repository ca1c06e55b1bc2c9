
/*
 * ngx_http_tollgate_deny.h: what a refusal tells, and the forms in which it
 * does.
 */


#ifndef _NGX_HTTP_TOLLGATE_DENY_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_DENY_H_INCLUDED_


#include "ngx_http_tollgate.h"


/* tollgate_error_shape */

#define NGX_HTTP_TOLLGATE_PROBLEM         0
#define NGX_HTTP_TOLLGATE_OPENAI          1
#define NGX_HTTP_TOLLGATE_ANTHROPIC       2


/* the languages of pages; English is first, and the one of all else */

typedef enum {
    NGX_HTTP_TOLLGATE_EN = 0,
    NGX_HTTP_TOLLGATE_TH,
    NGX_HTTP_TOLLGATE_ID,
    NGX_HTTP_TOLLGATE_LANGUAGES
} ngx_http_tollgate_language_e;


#define FACT(name, member, en, th, id)  NGX_HTTP_TOLLGATE_FACT_##name,
#define TEXT(name, en, th_title, th, id_title, id)

typedef enum {
#include "ngx_http_tollgate_texts.h"
    NGX_HTTP_TOLLGATE_FACTS
} ngx_http_tollgate_fact_e;

#undef FACT
#undef TEXT


typedef struct {
    ngx_str_t                        member;
    ngx_str_t                        label[NGX_HTTP_TOLLGATE_LANGUAGES];
} ngx_http_tollgate_fact_t;


extern ngx_http_tollgate_fact_t  ngx_http_tollgate_facts[];
extern ngx_conf_enum_t           ngx_http_tollgate_error_shapes[];
extern ngx_conf_bitmask_t        ngx_http_tollgate_header_families[];
extern ngx_http_variable_t       ngx_http_tollgate_deny_vars[];


/*
 * _fact.c: values of NGX_HTTP_TOLLGATE_FACTS, empty where a refusal has none.
 * Those of the URLs are left to _fact_url(), for URLs may be made of variables
 * and variables of facts.
 */
ngx_int_t ngx_http_tollgate_fact(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts);
ngx_int_t ngx_http_tollgate_fact_url(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts);
int64_t ngx_http_tollgate_fact_wait(ngx_http_tollgate_ctx_t *ctx);
ngx_str_t *ngx_http_tollgate_fact_title(ngx_http_tollgate_ctx_t *ctx,
    ngx_uint_t language);
ngx_str_t *ngx_http_tollgate_fact_detail(ngx_http_tollgate_ctx_t *ctx,
    ngx_uint_t language);

#define NGX_HTTP_TOLLGATE_FACT_SHORT  60000     /* ms worth waiting for */

/* _json.c, _html.c: fill b, which is empty, with a body of the pool */
ngx_int_t ngx_http_tollgate_json(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts, ngx_buf_t *b);
ngx_int_t ngx_http_tollgate_html(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts, ngx_buf_t *b);

/* _accept.c */
ngx_uint_t ngx_http_tollgate_accept_html(ngx_http_request_t *r);
ngx_uint_t ngx_http_tollgate_accept_language(ngx_http_request_t *r);

/* _limits.c; _violated() writes a member of a problem, or nothing */
ngx_int_t ngx_http_tollgate_limits(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
u_char *ngx_http_tollgate_limits_violated(u_char *p,
    ngx_http_tollgate_ctx_t *ctx);

/* _var.c */
ngx_http_tollgate_ctx_t *ngx_http_tollgate_var_ctx(ngx_http_request_t *r,
    ngx_http_variable_value_t *v);
ngx_int_t ngx_http_tollgate_var_set(ngx_http_variable_value_t *v,
    u_char *data, size_t len);
ngx_int_t ngx_http_tollgate_var_micro(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, int64_t credits);
ngx_int_t ngx_http_tollgate_var_print(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, const char *format, int64_t n, int64_t m);

/* _conf_deny.c */
char *ngx_http_tollgate_conf_headers(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_HTTP_TOLLGATE_DENY_H_INCLUDED_ */
