
/*
 * ngx_http_tollgate.h: what the steps of a request share, in the order in
 * which a request meets them.
 */


#ifndef _NGX_HTTP_TOLLGATE_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_tollgate_redis.h"


/* tollgate */

#define NGX_HTTP_TOLLGATE_MODE_OFF        0
#define NGX_HTTP_TOLLGATE_MODE_ON         1
#define NGX_HTTP_TOLLGATE_MODE_DRY_RUN    2

/* tollgate_on_error */

#define NGX_HTTP_TOLLGATE_CLOSED          0
#define NGX_HTTP_TOLLGATE_OPEN            1
#define NGX_HTTP_TOLLGATE_STALE           2

/* tollgate_headers */

#define NGX_HTTP_TOLLGATE_HEADERS_OFF     0x0001
#define NGX_HTTP_TOLLGATE_HEADERS_IETF    0x0002
#define NGX_HTTP_TOLLGATE_HEADERS_LEGACY  0x0004
#define NGX_HTTP_TOLLGATE_HEADERS_CREDITS 0x0008
#define NGX_HTTP_TOLLGATE_HEADERS_VERDICT 0x0010
#define NGX_HTTP_TOLLGATE_HEADERS_OPENAI  0x0020
#define NGX_HTTP_TOLLGATE_HEADERS_ANTHROPIC 0x0040

/* tollgate_charge_on: bits 1 to 5 are the classes of a status */

#define NGX_HTTP_TOLLGATE_CHARGE_ABORT    0x0100

/* sizes of what docs/design.md fixes */

#define NGX_HTTP_TOLLGATE_KEY_LEN         56
#define NGX_HTTP_TOLLGATE_KEY_SUM         50    /* where the checksum begins */
#define NGX_HTTP_TOLLGATE_ACCOUNT_LEN     10
#define NGX_HTTP_TOLLGATE_ACCOUNT_AT      8
#define NGX_HTTP_TOLLGATE_HASH_LEN        64
#define NGX_HTTP_TOLLGATE_CODE_LEN        64
#define NGX_HTTP_TOLLGATE_USER_LEN        128
#define NGX_HTTP_TOLLGATE_LABEL_LEN       64
#define NGX_HTTP_TOLLGATE_SOURCE_LEN      26    /* see _batch.c */
#define NGX_HTTP_TOLLGATE_ORIGIN_LEN      384   /* see _origin.c */
#define NGX_HTTP_TOLLGATE_EXTRAS_LEN      512   /* see _extras.c */
#define NGX_HTTP_TOLLGATE_CREDIT          1000000
#define NGX_HTTP_TOLLGATE_MAX             9007199254740992LL

#define NGX_HTTP_TOLLGATE_NO_TIER         2147483647
#define NGX_HTTP_TOLLGATE_BUNDLES         4     /* that content is in */

#define NGX_HTTP_TOLLGATE_PAYMENT         402
#define NGX_HTTP_TOLLGATE_UNPROCESSABLE   422


#define VERDICT(name, code, status, type, title)                              \
    NGX_HTTP_TOLLGATE_##name,

typedef enum {
#include "verdict_table.h"
    NGX_HTTP_TOLLGATE_VERDICTS
} ngx_http_tollgate_verdict_e;

#undef VERDICT


typedef struct {
    ngx_str_t                        code;
    ngx_uint_t                       status;
    ngx_str_t                        type;
    ngx_str_t                        title;
} ngx_http_tollgate_verdict_t;


extern ngx_http_tollgate_verdict_t  ngx_http_tollgate_verdicts[];


/* the limits that a decision tells about, and whose names gate.lua uses */

typedef enum {
    NGX_HTTP_TOLLGATE_KEY_RATE = 0,
    NGX_HTTP_TOLLGATE_APP_RATE,
    NGX_HTTP_TOLLGATE_DAY,
    NGX_HTTP_TOLLGATE_MONTH,
    NGX_HTTP_TOLLGATE_LIMITS
} ngx_http_tollgate_limit_e;


typedef struct {
    int64_t                          max;       /* <= 0: none for a rate,
                                                   -1: none for a quota */
    int64_t                          left;
    int64_t                          reset;     /* rate: ms until full,
                                                   quota: end, unix s */
} ngx_http_tollgate_limit_t;


/* a limit with a name that fits the request, as gate.lua tells of it */

typedef struct {
    ngx_str_t                        name;
    ngx_str_t                        meter;
    ngx_str_t                        window;
    ngx_str_t                        effect;
    ngx_http_tollgate_limit_t        limit;     /* reset 0: without end */
    unsigned                         rate:1;
    unsigned                         credits:1; /* counts micro-credits */
    unsigned                         running:1; /* at once: no window */
    unsigned                         refuses:1;
} ngx_http_tollgate_named_t;


/* text of a bounded size that outlives its request */

typedef struct {
    u_char                           len;
    u_char                           data[NGX_HTTP_TOLLGATE_CODE_LEN];
} ngx_http_tollgate_text_t;


typedef struct ngx_http_tollgate_store_s  ngx_http_tollgate_store_t;
typedef struct ngx_http_tollgate_node_s   ngx_http_tollgate_node_t;
typedef struct ngx_http_tollgate_ask_s    ngx_http_tollgate_ask_t;
typedef struct ngx_http_tollgate_foreign_s  ngx_http_tollgate_foreign_t;
typedef struct ngx_http_tollgate_chunk_s  ngx_http_tollgate_chunk_t;
typedef struct ngx_http_tollgate_body_s   ngx_http_tollgate_body_t;
typedef struct ngx_http_tollgate_self_s   ngx_http_tollgate_self_t;
typedef struct ngx_http_tollgate_link_s   ngx_http_tollgate_link_t;
typedef struct ngx_http_tollgate_catalog_s  ngx_http_tollgate_catalog_t;
typedef struct ngx_http_tollgate_meter_s  ngx_http_tollgate_meter_t;
typedef struct ngx_http_tollgate_hold_s   ngx_http_tollgate_hold_t;
typedef struct ngx_http_tollgate_leases_s  ngx_http_tollgate_leases_t;


/* what gate.lua took beside credits and units: its own words, handed back */

#define NGX_HTTP_TOLLGATE_TICKET_LEN      2048

typedef struct {
    size_t                           len;
    u_char                           data[NGX_HTTP_TOLLGATE_TICKET_LEN];
} ngx_http_tollgate_ticket_t;


/* what was or may have been charged, enough to give it back */

typedef struct {
    u_char                           account[NGX_HTTP_TOLLGATE_ACCOUNT_LEN];
    ngx_http_tollgate_text_t         request_id;
    ngx_http_tollgate_text_t         feature;
    ngx_http_tollgate_text_t         model;
    ngx_http_tollgate_text_t         key;
    ngx_http_tollgate_text_t         app;
    uint32_t                         shard;
    int64_t                          credits;
    int64_t                          units;
    int64_t                          epoch;
    int64_t                          day_end;
    int64_t                          month_end;
    ngx_msec_t                       hold_ms;   /* 0: it is charged at once */
    ngx_uint_t                       overage;   /* see _hold.h */
    ngx_http_tollgate_ticket_t       ticket;
} ngx_http_tollgate_charge_t;

#define ngx_http_tollgate_charge_taken(charge)                                \
    ((charge)->credits || (charge)->units || (charge)->ticket.len)

/* credits are held, not charged: what has no room in a quota, or needs none */

#define ngx_http_tollgate_charge_held(charge)                                 \
    ((charge)->hold_ms && (charge)->credits)


/* the record of what a lease paid, in the ring of this process */

typedef struct {
    uint64_t                         no;        /* 0: there is none */
    uint32_t                         slot;
    uint32_t                         lease;
    uint32_t                         life;
} ngx_http_tollgate_leased_t;


/* what is known of the account of a key that is not of our form */

typedef enum {
    NGX_HTTP_TOLLGATE_FOREIGN_NONE = 0,         /* it is, or was not looked at */
    NGX_HTTP_TOLLGATE_FOREIGN_WANTED,           /* Redis has to be asked */
    NGX_HTTP_TOLLGATE_FOREIGN_FOUND,
    NGX_HTTP_TOLLGATE_FOREIGN_UNKNOWN,          /* nobody has it */
    NGX_HTTP_TOLLGATE_FOREIGN_LOST,             /* Redis did not say */
    NGX_HTTP_TOLLGATE_FOREIGN_BUSY              /* and was not asked: too many */
} ngx_http_tollgate_foreign_e;


/* names of the keys of a shard, made from redis/key_names.h once */

typedef struct {
    ngx_str_t                        wallet;    /* + account */
    ngx_str_t                        ledger;
    ngx_str_t                        plan;      /* + code */
    ngx_str_t                        refund;    /* + request id */
    ngx_str_t                        alias;     /* + hash of a key */
    ngx_str_t                        aliases;
    ngx_str_t                        holds;
    ngx_str_t                        leases;
    ngx_str_t                        ring;      /* + host:ring */
} ngx_http_tollgate_shard_t;


typedef struct {
    ngx_array_t                      stores;    /* of store_t * */
    ngx_http_tollgate_shard_t       *shards;
    ngx_uint_t                       nshards;
    ngx_shm_zone_t                  *zone;
    ngx_http_tollgate_store_t       *catalog;   /* whose catalog it is */
    ngx_msec_t                       refresh;
    ngx_int_t                        request_id;
    struct ngx_http_tollgate_scan_want_s  *json; /* NULL: nothing */
    ngx_str_t                        usage_key;
    size_t                           usage_buffer;
    ngx_uint_t                       used;      /* "tollgate" is on somewhere */
    ngx_uint_t                       meters;    /* and tollgate_meter */
    ngx_uint_t                       leasing;   /* and tollgate_lease */
    ngx_http_tollgate_leases_t      *leases;
    ngx_str_t                        status_at; /* "file:line", the first */
} ngx_http_tollgate_main_conf_t;


typedef struct {
    ngx_uint_t                       enable;
    ngx_str_t                        enable_at; /* "file:line" */
    ngx_http_tollgate_store_t       *store;
    ngx_array_t                     *keys;      /* of complex values */
    ngx_uint_t                       foreign_keys;   /* of any form */
    ngx_msec_t                       foreign_cache;
    ngx_uint_t                       foreign_entries;
    ngx_uint_t                       foreign_lookups; /* a second */
    ngx_flag_t                       link;
    ngx_array_t                     *link_secrets; /* of ngx_str_t */
    ngx_http_complex_value_t        *feature;
    ngx_http_complex_value_t        *model;
    ngx_http_complex_value_t        *content;
    ngx_http_complex_value_t        *scope;
    ngx_http_complex_value_t        *tier;
    ngx_http_complex_value_t        *cost;
    int64_t                          fixed_cost;
    ngx_uint_t                       meter;     /* dialects */
    ngx_uint_t                       meter_abort;
    ngx_http_complex_value_t        *max_tokens;
    ngx_http_tollgate_hold_t        *hold;      /* NULL: it is charged */
    ngx_http_complex_value_t        *actual;    /* what a hold came to */
    ngx_flag_t                       lease;
    ngx_http_complex_value_t        *user;
    ngx_http_complex_value_t        *label;
    ngx_uint_t                       on_error;
    ngx_msec_t                       stale_for;
    ngx_uint_t                       stale_requests;
    int64_t                          stale_credits; /* -1: no limit */
    ngx_msec_t                       timeout;
    ngx_uint_t                       charge_on;
    ngx_array_t                     *charge_codes; /* of ngx_uint_t */
    ngx_http_complex_value_t        *idempotency; /* NULL: off */
    time_t                           idem_ttl;  /* s */
    ngx_int_t                        idem_retries;
    ngx_uint_t                       idem_required;
    ngx_flag_t                       strip_key;
    ngx_uint_t                       headers;
    ngx_uint_t                       error_shape;
    ngx_flag_t                       error_html;
    ngx_http_complex_value_t        *upgrade_url;
    ngx_http_complex_value_t        *topup_url;
    ngx_http_tollgate_self_t        *self;      /* NULL: it is no such place */
    ngx_http_complex_value_t        *self_app;
    ngx_str_t                        self_at;   /* "file:line" */
} ngx_http_tollgate_loc_conf_t;


/*
 * The decision on a request.  It lives in the request's pool and is found
 * again, after an internal redirect too, by ngx_http_tollgate_ctx().
 */

typedef struct {
    ngx_http_request_t              *request;
    ngx_http_tollgate_loc_conf_t    *conf;      /* where it was decided */
    ngx_http_tollgate_ask_t         *ask;       /* while it is pending */
    ngx_event_t                      later;     /* to look again */
    ngx_http_tollgate_body_t        *body;      /* where it is looked into */
    EVP_MD_CTX                      *body_digest; /* for _idem.c */
    ngx_event_t                      keep;      /* up leases, see _ends.c */
    ngx_event_t                      hold;      /* see _extend.c */
    struct ngx_http_tollgate_call_s *extending; /* under way, or NULL */
    int64_t                          asked;     /* credits, by that call */
    int64_t                          more;      /* held in addition */
    ngx_msec_t                       lease;     /* 0: none */
    ngx_http_tollgate_leased_t       leased;    /* where a lease paid */
    ngx_uint_t                       recalls;   /* of what is lent */
    ngx_http_tollgate_meter_t       *meter;     /* of the response, or NULL */
    ngx_http_tollgate_link_t        *link;      /* in the place of a key */

    ngx_http_tollgate_verdict_e      verdict;
    ngx_http_tollgate_verdict_e      instead;   /* in an outage */
    ngx_http_tollgate_limit_e        refused_by;
    ngx_http_tollgate_foreign_e      foreign;   /* of the key */
    int64_t                          wait_ms;   /* 0: unknown */

    ngx_str_t                        presented; /* the text of the key */
    ngx_str_t                        user;      /* percent-encoded */
    ngx_str_t                        label;
    ngx_str_t                        idem;      /* its word of extras */
    ngx_str_t                        plan;
    ngx_str_t                        mode;      /* of the plan */
    ngx_str_t                        named;     /* lines of named limits */
    ngx_str_t                        refuser;   /* the name of one */
    ngx_str_t                        feature;   /* as asked for */
    ngx_str_t                        model;
    ngx_str_t                        content;
    ngx_uint_t                       tier;      /* needed */
    int64_t                          cost;      /* -1: not known */
    int64_t                          cost_units;
    int64_t                          plan_tier;
    int64_t                          avail;
    int64_t                          start_us;  /* of now_us() */
    int64_t                          asked_us;  /* 0: Redis wasn't asked */
    int64_t                          store_us;  /* from then to the answer */
    int64_t                          held;      /* what a look tells */
    int64_t                          used[2];   /* in the day, the month */
    ngx_http_tollgate_limit_t        limits[NGX_HTTP_TOLLGATE_LIMITS];
    ngx_http_tollgate_charge_t       charge;    /* what was charged */
    u_char                           hash[NGX_HTTP_TOLLGATE_HASH_LEN];

    ngx_uint_t                       outcome;   /* when headers were sent */
    ngx_uint_t                       changes;   /* r->uri_changes, last seen */

    unsigned                         done:1;
    unsigned                         outage:1;  /* it can't be decided */
    unsigned                         hashed:1;  /* hash is that of the key */
    unsigned                         sought:1;  /* Redis was, for an account */
    unsigned                         early:1;   /* there is no catalog yet */
    unsigned                         wanted:1;  /* a field of the body is */
    unsigned                         known:1;   /* gate.lua has answered */
    unsigned                         ruled:1;   /* by rules of the key */
    unsigned                         account:1; /* charge.account is set */
    unsigned                         dry_run:1;
    unsigned                         look:1;    /* for _self.c, and free */
    unsigned                         refunded:1;
    unsigned                         stuck:1;   /* not extended for a while */
    unsigned                         unheld:1;  /* since Redis refused it */
    unsigned                         stopped:1; /* by another, after us */
    unsigned                         lent:1;    /* what it lacks is on lease */
    unsigned                         recalling:1; /* until that returns */
} ngx_http_tollgate_ctx_t;


#include "ngx_http_tollgate_store.h"


/* _gate.c: START HERE */
ngx_int_t ngx_http_tollgate_handler(ngx_http_request_t *r);
ngx_http_tollgate_ctx_t *ngx_http_tollgate_ctx(ngx_http_request_t *r);
void ngx_http_tollgate_resume(ngx_http_tollgate_ctx_t *ctx);

/* _id.c: sets charge.request_id */
ngx_int_t ngx_http_tollgate_id(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);

/* _key.c: PASS, KEY_MISSING or KEY_MALFORMED; on PASS the account is set */
ngx_http_tollgate_verdict_e ngx_http_tollgate_key_find(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
void ngx_http_tollgate_key_bearer(ngx_str_t *key);
void ngx_http_tollgate_key_account(ngx_http_tollgate_ctx_t *ctx,
    u_char *account);
ngx_int_t ngx_http_tollgate_key_hash(u_char *hash, ngx_str_t *key);
ngx_int_t ngx_http_tollgate_key_init(void);
void ngx_http_tollgate_key_exit(void);

/* _foreign.c: KEY_MALFORMED, KEY_UNKNOWN or PASS, and then ctx->foreign;
 * where it is wanted NGX_AGAIN: Redis was asked, NGX_DECLINED: it can't be */
ngx_http_tollgate_verdict_e ngx_http_tollgate_foreign(
    ngx_http_tollgate_ctx_t *ctx);
ngx_int_t ngx_http_tollgate_foreign_ask(ngx_http_tollgate_ctx_t *ctx);

/* _price.c: PASS, or why the request has no price */
ngx_http_tollgate_verdict_e ngx_http_tollgate_price(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
ngx_http_tollgate_catalog_t *ngx_http_tollgate_price_catalog(
    ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx);
ngx_int_t ngx_http_tollgate_credits_parse(ngx_str_t *text, int64_t *credits);
void ngx_http_tollgate_price_complain(ngx_http_request_t *r,
    ngx_http_tollgate_complaint_t *complaint, const char *directive,
    ngx_str_t *value, const char *what);
/* _number.c */
u_char *ngx_http_tollgate_number(u_char *p, int64_t n);
u_char *ngx_http_tollgate_credits(u_char *p, int64_t credits);

#define NGX_HTTP_TOLLGATE_CREDITS_LEN  (NGX_INT64_LEN + 2)

/* _content.c: PASS, or why there is none; a cost below 0 is that of a view */
ngx_http_tollgate_verdict_e ngx_http_tollgate_content(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, int64_t cost);
void ngx_http_tollgate_content_undecided(ngx_http_tollgate_ctx_t *ctx);
u_char *ngx_http_tollgate_content_extra(ngx_http_tollgate_ctx_t *ctx,
    u_char *p, u_char *last);

/* _origin.c: NGX_ERROR where the scope can't be found out */
ngx_int_t ngx_http_tollgate_origin(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_ask_t *ask);

u_char *ngx_http_tollgate_origin_address(u_char *p,
    struct sockaddr *sockaddr);

/* _extras.c: what only some requests ask for; NGX_ERROR: it can't be told */
ngx_int_t ngx_http_tollgate_extras(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_ask_t *ask);

/*
 * _idem.c: PASS, or what is wrong; _start() and _body() where the body is
 * looked into; _ticket() NGX_DECLINED: it has no such key
 */
ngx_http_tollgate_verdict_e ngx_http_tollgate_idem(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
ngx_int_t ngx_http_tollgate_idem_start(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
void ngx_http_tollgate_idem_body(ngx_http_tollgate_ctx_t *ctx, u_char *p,
    u_char *last);
u_char *ngx_http_tollgate_idem_extra(ngx_http_tollgate_ctx_t *ctx, u_char *p,
    u_char *last);
ngx_int_t ngx_http_tollgate_idem_ticket(ngx_http_tollgate_ask_t *ask,
    ngx_http_tollgate_ticket_t *ticket);

/*
 * _verdict.c: how many of max values are an answer, 0: they are none; _read():
 * NGX_ERROR where an answer is no decision
 */
ngx_uint_t ngx_http_tollgate_verdict_width(ngx_http_tollgate_value_t *v,
    ngx_uint_t max);
ngx_int_t ngx_http_tollgate_verdict_read(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_ask_t *ask, ngx_http_tollgate_value_t *v);
ngx_str_t *ngx_http_tollgate_verdict_limit_name(ngx_http_tollgate_ctx_t *ctx);
int64_t ngx_http_tollgate_verdict_avail(ngx_http_tollgate_ctx_t *ctx);
int64_t ngx_http_tollgate_verdict_left(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_limit_e limit);

/* _named.c; _code(): whether it may stand in headers, JSON and records */
ngx_int_t ngx_http_tollgate_named_next(ngx_str_t *lines,
    ngx_http_tollgate_named_t *named);
ngx_int_t ngx_http_tollgate_named_refuser(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_named_t *named);
ngx_uint_t ngx_http_tollgate_named_code(ngx_str_t *text);
ngx_uint_t ngx_http_tollgate_named_is(ngx_str_t *word, const char *text);

/* _stale.c */
ngx_uint_t ngx_http_tollgate_stale_serves(ngx_http_tollgate_ctx_t *ctx);
void ngx_http_tollgate_stale_learn(ngx_http_tollgate_ctx_t *ctx);

/* _pass.c: what the backend gets to see */
ngx_int_t ngx_http_tollgate_pass(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
ngx_int_t ngx_http_tollgate_pass_encode(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
void ngx_http_tollgate_pass_init(void);

/* _deny.c */
ngx_int_t ngx_http_tollgate_deny(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);

/* _headers.c */
ngx_int_t ngx_http_tollgate_headers_init(ngx_conf_t *cf);
ngx_int_t ngx_http_tollgate_headers_request_id(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
ngx_int_t ngx_http_tollgate_header(ngx_http_request_t *r, const char *name,
    u_char *value, size_t len);

/* _log.c */
ngx_int_t ngx_http_tollgate_log_handler(ngx_http_request_t *r);
ngx_uint_t ngx_http_tollgate_log_refunds(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
ngx_uint_t ngx_http_tollgate_log_outcome(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
ngx_uint_t ngx_http_tollgate_log_charged(ngx_http_tollgate_loc_conf_t *conf,
    ngx_uint_t status);

/* _usage.c */
void ngx_http_tollgate_usage(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);

/* _batch.c: of usage records */
void ngx_http_tollgate_batch_init(ngx_http_tollgate_store_t *store,
    ngx_cycle_t *cycle);
u_char *ngx_http_tollgate_batch_line(ngx_http_tollgate_store_t *store,
    size_t len);
void ngx_http_tollgate_batch_end(ngx_http_tollgate_store_t *store, u_char *p);
void ngx_http_tollgate_batch_send(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_redis_t *redis);
ngx_uint_t ngx_http_tollgate_batch_owes(ngx_http_tollgate_store_t *store);
void ngx_http_tollgate_batch_exit(ngx_http_tollgate_store_t *store);

/* _var.c */
ngx_int_t ngx_http_tollgate_var_init(ngx_conf_t *cf);

/* _names.c */
ngx_int_t ngx_http_tollgate_names(ngx_conf_t *cf,
    ngx_http_tollgate_main_conf_t *tmcf);

extern ngx_module_t  ngx_http_tollgate_module;


static ngx_inline void
ngx_http_tollgate_text(ngx_http_tollgate_text_t *text, ngx_str_t *s)
{
    text->len = (u_char) ngx_min(s->len, NGX_HTTP_TOLLGATE_CODE_LEN);

    if (text->len) {
        ngx_memcpy(text->data, s->data, text->len);
    }
}


static ngx_inline int64_t
ngx_http_tollgate_now_us(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


#endif /* _NGX_HTTP_TOLLGATE_H_INCLUDED_ */
