
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
    ngx_http_tollgate_meter_json_t   json;
} ngx_http_tollgate_meter_scan_t;


/* input is what was not cached */

typedef struct {
    int64_t                          input;
    int64_t                          cached;
    int64_t                          output;
} ngx_http_tollgate_meter_tokens_t;


/* _meter_scan.c */
void ngx_http_tollgate_meter_start(ngx_http_tollgate_meter_scan_t *scan,
    ngx_uint_t dialects, ngx_uint_t stream);
void ngx_http_tollgate_meter_feed(ngx_http_tollgate_meter_scan_t *scan,
    u_char *p, u_char *last);

/*
 * NGX_DECLINED: not all was told, and what was not is _UNTOLD; NGX_ERROR:
 * something told is no count
 */
ngx_int_t ngx_http_tollgate_meter_tokens(ngx_http_tollgate_meter_scan_t *scan,
    ngx_http_tollgate_meter_tokens_t *tokens);


#endif /* _NGX_HTTP_TOLLGATE_METER_H_INCLUDED_ */
