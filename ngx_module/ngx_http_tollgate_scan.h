
/*
 * ngx_http_tollgate_scan.h: fields of a JSON body, found while it comes in,
 * and what a request has of its body.
 */


#ifndef _NGX_HTTP_TOLLGATE_SCAN_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_SCAN_H_INCLUDED_


#include "ngx_http_tollgate.h"


#define NGX_HTTP_TOLLGATE_SCAN_DEPTH      128   /* objects and arrays */
#define NGX_HTTP_TOLLGATE_SCAN_NAME       128   /* bytes of a part of a path */
#define NGX_HTTP_TOLLGATE_SCAN_VALUE      512   /* bytes of a field */


/* a part of the wanted paths; the first of the array is the document */

typedef struct {
    ngx_str_t                        name;
    ngx_str_t                        folded;    /* as careless readers see it */
    ngx_int_t                        index;     /* in an array, or -1 */
    ngx_uint_t                       parent;
    ngx_int_t                        field;     /* that ends here, or -1 */
} ngx_http_tollgate_scan_part_t;


/* what all tollgate_json directives want */

typedef struct ngx_http_tollgate_scan_want_s {
    ngx_array_t                      parts;     /* of scan_part_t */
    ngx_uint_t                       nfields;
} ngx_http_tollgate_scan_want_t;


typedef struct {
    ngx_uint_t                       elements;  /* of an array, so far */
    unsigned                         seen:1;
} ngx_http_tollgate_scan_mark_t;


/* text that is being gathered */

typedef struct {
    size_t                           len;
    unsigned                         cut:1;     /* it didn't fit */
    u_char                           data[NGX_HTTP_TOLLGATE_SCAN_VALUE];
} ngx_http_tollgate_scan_text_t;


typedef struct ngx_http_tollgate_scan_s  ngx_http_tollgate_scan_t;

/* returns where it stopped, or NULL with scan->fault */

typedef u_char *(*ngx_http_tollgate_scan_pt)(ngx_http_tollgate_scan_t *scan,
    u_char *p, u_char *last);


struct ngx_http_tollgate_scan_s {
    ngx_http_tollgate_scan_want_t   *want;
    ngx_pool_t                      *pool;
    ngx_str_t                       *values;    /* of fields, empty if none */
    ngx_http_tollgate_scan_mark_t   *marks;     /* of parts */
    const char                      *fault;     /* NULL: none so far */

    ngx_http_tollgate_scan_pt        state;
    ngx_uint_t                       depth;
    ngx_uint_t                       inside;    /* of these are in parts */
    ngx_uint_t                       part;      /* the innermost of them */
    ngx_int_t                        next;      /* part of the next value */
    ngx_int_t                        field;     /* being read, or -1 */
    ngx_uint_t                       number;    /* state of its grammar */
    const char                      *rest;      /* of a literal */
    ngx_uint_t                       digits;    /* of an escape, to come */
    ngx_uint_t                       bytes;     /* of UTF-8, to come */
    uint32_t                         least;     /* that so many bytes hold */
    uint32_t                         code;
    uint32_t                         high;      /* half of a pair */

    ngx_http_tollgate_scan_text_t    text;
    ngx_http_tollgate_scan_text_t    folded;    /* of the name of a member */

    unsigned                         any:1;     /* bytes have come */
    unsigned                         empty:1;   /* it may end here */
    unsigned                         key:1;     /* the string is a name */
    unsigned                         kept:1;    /* the string is wanted */
    u_char                           stack[NGX_HTTP_TOLLGATE_SCAN_DEPTH];
};


/* _body.c: what a gated request has of it */

struct ngx_http_tollgate_body_s {
    ngx_http_tollgate_scan_t         scan;
    unsigned                         reading:1; /* it is to be read first */
    unsigned                         waiting:1; /* for the rest of it */
    unsigned                         come:1;    /* and nobody has looked */
};


/* _scan_path.c: of a path NULL, or what is wrong with it */
ngx_http_tollgate_scan_want_t *ngx_http_tollgate_scan_want(ngx_pool_t *pool);
const char *ngx_http_tollgate_scan_path(ngx_http_tollgate_scan_want_t *want,
    ngx_pool_t *pool, ngx_str_t *path);
u_char *ngx_http_tollgate_scan_name(ngx_http_tollgate_scan_t *scan,
    u_char *p);

/* _scan_string.c: from behind the first quote */
u_char *ngx_http_tollgate_scan_string(ngx_http_tollgate_scan_t *scan,
    u_char *p, u_char *last);
void ngx_http_tollgate_scan_add(ngx_http_tollgate_scan_text_t *text,
    uint32_t code, size_t max);

/* _scan.c */
ngx_int_t ngx_http_tollgate_scan_start(ngx_http_tollgate_scan_t *scan,
    ngx_http_tollgate_scan_want_t *want, ngx_pool_t *pool);

/* NGX_ERROR: scan->fault says why */
ngx_int_t ngx_http_tollgate_scan_feed(ngx_http_tollgate_scan_t *scan,
    u_char *p, u_char *last);
ngx_int_t ngx_http_tollgate_scan_end(ngx_http_tollgate_scan_t *scan);

/* what the scanner goes on with behind a name, and behind a value */
u_char *ngx_http_tollgate_scan_colon(ngx_http_tollgate_scan_t *scan,
    u_char *p, u_char *last);
u_char *ngx_http_tollgate_scan_done(ngx_http_tollgate_scan_t *scan,
    u_char *p);
u_char *ngx_http_tollgate_scan_fail(ngx_http_tollgate_scan_t *scan,
    const char *fault);

/* _body.c: PASS or BODY_INVALID; where it is to be read first it says so */
ngx_http_tollgate_verdict_e ngx_http_tollgate_body(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
ngx_int_t ngx_http_tollgate_body_read(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
char *ngx_http_tollgate_body_conf(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
void ngx_http_tollgate_body_init(void);

/* whether it has since this was asked last */
ngx_uint_t ngx_http_tollgate_body_came(ngx_http_tollgate_ctx_t *ctx);

#define ngx_http_tollgate_body_reads(ctx)                                     \
    ((ctx)->body != NULL && (ctx)->body->reading)


#endif /* _NGX_HTTP_TOLLGATE_SCAN_H_INCLUDED_ */
