
/*
 * ngx_http_tollgate_meter.h: what a response says it used, found while it
 * passes, and what that costs.
 */


#ifndef _NGX_HTTP_TOLLGATE_METER_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_METER_H_INCLUDED_


#include "ngx_http_tollgate_catalog.h"


/* tollgate_meter: dialects, as bits */

#define NGX_HTTP_TOLLGATE_METER_OFF        0
#define NGX_HTTP_TOLLGATE_METER_OPENAI     1
#define NGX_HTTP_TOLLGATE_METER_ANTHROPIC  2
#define NGX_HTTP_TOLLGATE_METER_AUTO       3

/* what on_abort= says of a response that ended too early */

#define NGX_HTTP_TOLLGATE_METER_ESTIMATE   0
#define NGX_HTTP_TOLLGATE_METER_DRAIN      1
#define NGX_HTTP_TOLLGATE_METER_HOLD       2

/* objects that are looked into, and bytes of the name of a member */

#define NGX_HTTP_TOLLGATE_METER_DEPTH      10
#define NGX_HTTP_TOLLGATE_METER_NAME       32

/* more tokens than this are no count */

#define NGX_HTTP_TOLLGATE_METER_MOST       1000000000000LL

#define NGX_HTTP_TOLLGATE_METER_UNTOLD     -1
#define NGX_HTTP_TOLLGATE_METER_WRONG      -2   /* told, and no count */


/* counts as the APIs name them */

typedef enum {
    NGX_HTTP_TOLLGATE_METER_PROMPT = 0,
    NGX_HTTP_TOLLGATE_METER_PROMPT_CACHED,      /* a part of PROMPT */
    NGX_HTTP_TOLLGATE_METER_COMPLETION,
    NGX_HTTP_TOLLGATE_METER_INPUT,
    NGX_HTTP_TOLLGATE_METER_INPUT_CACHED,       /* a part of INPUT */
    NGX_HTTP_TOLLGATE_METER_OUTPUT,
    NGX_HTTP_TOLLGATE_METER_CACHE_READ,         /* beside INPUT */
    NGX_HTTP_TOLLGATE_METER_CACHE_WRITE,        /* beside INPUT */
    NGX_HTTP_TOLLGATE_METER_COUNTS
} ngx_http_tollgate_meter_count_e;


/* an event of a stream, or a document */

typedef struct {
    ngx_uint_t                       state;
    ngx_uint_t                       depth;
    ngx_uint_t                       objects;   /* bits by depth */
    ngx_uint_t                       next;      /* place of the next value */
    ngx_uint_t                       place;     /* of the one being read */
    int64_t                          number;
    ngx_uint_t                       code;      /* of an escape */
    ngx_uint_t                       digits;
    size_t                           len;       /* of name */
    unsigned                         named:1;   /* a name comes next */
    unsigned                         name_is:1; /* the string is one */
    unsigned                         minus:1;
    unsigned                         whole:1;   /* a number so far */
    u_char                           places[NGX_HTTP_TOLLGATE_METER_DEPTH];
    u_char                           name[NGX_HTTP_TOLLGATE_METER_NAME];
} ngx_http_tollgate_meter_json_t;


typedef struct {
    int64_t                          counts[NGX_HTTP_TOLLGATE_METER_COUNTS];
    int64_t                          text;      /* bytes of content */
    ngx_uint_t                       dialects;
    ngx_uint_t                       field;     /* of a line of a stream */
    unsigned                         stream:1;  /* of events */
    unsigned                         cr:1;      /* was the last byte */
    unsigned                         data:1;    /* the event has some */
    unsigned                         failed:1;  /* it told of an error */
    unsigned                         ended:1;   /* no event is under way */
    ngx_http_tollgate_meter_json_t   json;
} ngx_http_tollgate_meter_scan_t;


/* input is what was not cached */

typedef struct {
    int64_t                          input;
    int64_t                          cached;
    int64_t                          output;
} ngx_http_tollgate_meter_tokens_t;


/* where the tokens of a response are known from */

typedef enum {
    NGX_HTTP_TOLLGATE_METER_BY_USAGE = 0,
    NGX_HTTP_TOLLGATE_METER_BY_ESTIMATE,
    NGX_HTTP_TOLLGATE_METER_BY_STATUS,      /* it can have used none */
    NGX_HTTP_TOLLGATE_METER_BY_NOTHING,     /* it didn't tell */
    NGX_HTTP_TOLLGATE_METER_BY_NONSENSE,    /* it told what is no count */
    NGX_HTTP_TOLLGATE_METER_BYS
} ngx_http_tollgate_meter_by_e;


struct ngx_http_tollgate_meter_s {
    ngx_http_tollgate_meter_scan_t   scan;
    ngx_http_tollgate_price_t        price;     /* when it was decided */
    struct ngx_http_tollgate_inflate_s  *inflate; /* NULL: as it is */
    unsigned                         priced:1;
    unsigned                         begun:1;   /* headers have passed */
    unsigned                         reading:1;
    unsigned                         whole:1;   /* the last of it has passed */
    unsigned                         none:1;    /* nothing can be told */
    unsigned                         gone:1;    /* who it would be sent to */
    unsigned                         cut:1;     /* it is to end: see _extend.c */
    unsigned                         dropped:1; /* some of it was not sent */
    ngx_buf_t                        flush;
};


/* _meter.c */
ngx_int_t ngx_http_tollgate_meter_init(ngx_conf_t *cf);
void ngx_http_tollgate_meter_close(ngx_http_tollgate_ctx_t *ctx);

/* _meter_cost.c */
ngx_int_t ngx_http_tollgate_meter_open(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
ngx_http_tollgate_meter_by_e ngx_http_tollgate_meter_found(
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_meter_tokens_t *tokens);

/*
 * What the response costs.  NGX_DECLINED: there is no meter, no price, or
 * nothing by which to tell.
 */
ngx_int_t ngx_http_tollgate_meter_cost(ngx_http_tollgate_ctx_t *ctx,
    int64_t *credits);

/* an estimate of it while it passes, -1: unknown */
int64_t ngx_http_tollgate_meter_so_far(ngx_http_tollgate_ctx_t *ctx);

char *ngx_http_tollgate_meter_conf(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

extern ngx_http_variable_t  ngx_http_tollgate_meter_vars[];

/* _meter_inflate.c: NGX_DECLINED: nobody here knows the encoding */
ngx_int_t ngx_http_tollgate_meter_encoding(ngx_http_request_t *r,
    ngx_http_tollgate_meter_t *meter);
ngx_int_t ngx_http_tollgate_meter_inflate(ngx_http_tollgate_meter_t *meter,
    u_char *p, u_char *last);

/* _meter_json.c: of scan->json */
void ngx_http_tollgate_meter_document(ngx_http_tollgate_meter_scan_t *scan);
void ngx_http_tollgate_meter_json(ngx_http_tollgate_meter_scan_t *scan,
    u_char *p, u_char *last);

/* _meter_scan.c */
void ngx_http_tollgate_meter_start(ngx_http_tollgate_meter_scan_t *scan,
    ngx_uint_t dialects, ngx_uint_t stream);
void ngx_http_tollgate_meter_feed(ngx_http_tollgate_meter_scan_t *scan,
    u_char *p, u_char *last);
u_char *ngx_http_tollgate_meter_event(ngx_http_tollgate_meter_scan_t *scan,
    u_char *p, u_char *last);

/*
 * NGX_DECLINED: not all was told, and what was not is _UNTOLD; NGX_ERROR:
 * something told is no count
 */
ngx_int_t ngx_http_tollgate_meter_tokens(ngx_http_tollgate_meter_scan_t *scan,
    ngx_http_tollgate_meter_tokens_t *tokens);


#endif /* _NGX_HTTP_TOLLGATE_METER_H_INCLUDED_ */
