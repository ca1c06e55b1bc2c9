
/*
 * ngx_http_tollgate_redis.h: one pipelined connection of a worker process to
 * one server that speaks the protocol of Redis, on nginx's events.
 *
 * Callers append whole commands with ngx_http_tollgate_redis_command() and
 * _arg(), then say with _expect() who takes the reply.  Replies come in the
 * order of the commands.  A handler gets NULL where the connection was lost
 * before the reply; whether the command ran is then unknown.
 */


#ifndef _NGX_HTTP_TOLLGATE_REDIS_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>
#include <ngx_event_openssl.h>
#include <hiredis/hiredis.h>


/* what is not said more than once a second */

typedef struct {
    time_t                           at;
    ngx_uint_t                       unsaid;    /* since */
} ngx_http_tollgate_complaint_t;


/* bytes that wait to be written: no new commands above this */

#define NGX_HTTP_TOLLGATE_REDIS_OUT    (1024 * 1024)

/* a server that owes a reply for so long is taken for hung, in ms */

#define NGX_HTTP_TOLLGATE_REDIS_STALL  2000

/* after so many requests in a row without an answer nobody waits any more */

#define NGX_HTTP_TOLLGATE_REDIS_STRIKES  32


/* scripts that a connection loads before anything else is sent */

typedef enum {
    NGX_HTTP_TOLLGATE_GATE = 0,
    NGX_HTTP_TOLLGATE_REFUND,
    NGX_HTTP_TOLLGATE_VOID,
    NGX_HTTP_TOLLGATE_RELEASE,
    NGX_HTTP_TOLLGATE_COMMIT,
    NGX_HTTP_TOLLGATE_EXTEND,
    NGX_HTTP_TOLLGATE_LEASE,
    NGX_HTTP_TOLLGATE_SCRIPTS
} ngx_http_tollgate_script_e;


typedef struct ngx_http_tollgate_redis_s  ngx_http_tollgate_redis_t;
typedef struct ngx_http_tollgate_call_s   ngx_http_tollgate_call_t;

/* of _metrics.h */
typedef struct ngx_http_tollgate_server_metrics_s
    ngx_http_tollgate_server_metrics_t;
typedef struct ngx_http_tollgate_tls_s    ngx_http_tollgate_tls_t;


/* one server, the master that sentinels name, or the masters of a cluster */

typedef enum {
    NGX_HTTP_TOLLGATE_SINGLE = 0,
    NGX_HTTP_TOLLGATE_SENTINEL,
    NGX_HTTP_TOLLGATE_CLUSTER
} ngx_http_tollgate_topology_e;


/* what tollgate_redis says */

typedef struct {
    ngx_str_t                        name;      /* for logs */
    ngx_http_tollgate_topology_e     topology;
    ngx_addr_t                      *addrs;     /* servers, sentinels, seeds */
    ngx_uint_t                       naddrs;
    ngx_str_t                        user;
    ngx_str_t                        password;
    ngx_uint_t                       database;
    ngx_str_t                        master;    /* as sentinels know it */
    ngx_str_t                        sentinel_user;
    ngx_str_t                        sentinel_password;
    ngx_msec_t                       connect_timeout;
    ngx_uint_t                       queue;     /* requests that may wait */
    ngx_http_tollgate_tls_t         *tls;       /* NULL: none */
} ngx_http_tollgate_redis_conf_t;


typedef struct {
    ngx_uint_t                       type;      /* REDIS_REPLY_... */
    int64_t                          integer;
    ngx_str_t                        str;
} ngx_http_tollgate_value_t;


/*
 * type is that of the whole reply; an array's values, or the one value of any
 * other reply, are value[0 .. n - 1].  Valid until the handler returns.
 */

typedef struct {
    ngx_uint_t                       type;
    ngx_uint_t                       n;
    ngx_http_tollgate_value_t       *value;
} ngx_http_tollgate_reply_t;


/* NGX_ERROR: the reply is not one that the command can have; hang up */

typedef ngx_int_t (*ngx_http_tollgate_reply_pt)(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);


struct ngx_http_tollgate_call_s {
    ngx_queue_t                      queue;
    ngx_http_tollgate_reply_pt       handler;
    ngx_http_tollgate_redis_t       *redis;
    void                            *data;
    ngx_queue_t                      list;      /* the handler's, may be empty */
    ngx_msec_t                       start;
    int64_t                          start_us;
};


typedef enum {
    NGX_HTTP_TOLLGATE_REDIS_DOWN = 0,
    NGX_HTTP_TOLLGATE_REDIS_CONNECTING,
    NGX_HTTP_TOLLGATE_REDIS_GREETING,
    NGX_HTTP_TOLLGATE_REDIS_READY
} ngx_http_tollgate_redis_state_e;


struct ngx_http_tollgate_tls_s {
    ngx_ssl_t                        ssl;
    ngx_str_t                        ca;        /* file names */
    ngx_str_t                        cert;
    ngx_str_t                        key;
    ngx_str_t                        name;      /* empty: that of the server */
    ngx_uint_t                       verify;
};


/* what one directive says, before a store is found for it */

typedef struct {
    ngx_http_tollgate_redis_conf_t   server;
    ngx_http_tollgate_tls_t          tls;
    ngx_flag_t                       secure;
    ngx_flag_t                       verify;
    ngx_flag_t                       cluster;
} ngx_http_tollgate_redis_args_t;


/* the incremental reader of replies, in _reply.c */

typedef struct {
    redisReader                     *reader;
    ngx_http_tollgate_value_t       *values;
    ngx_uint_t                       n;
    ngx_uint_t                       max;
    u_char                          *text;      /* strings of the values */
    size_t                           len;
    size_t                           size;
    unsigned                         array:1;
} ngx_http_tollgate_parser_t;


struct ngx_http_tollgate_redis_s {
    /* set by the owner */

    ngx_http_tollgate_redis_conf_t  *conf;
    ngx_str_t                        name;
    ngx_addr_t                      *addrs;
    ngx_uint_t                       naddrs;
    unsigned                         scout:1;   /* asks for the topology only */

    /*
     * what to send when there is room, whom to tell that the server is down,
     * whether something waits that must not be lost
     */

    void                           (*send)(ngx_http_tollgate_redis_t *redis);
    void                           (*down)(ngx_http_tollgate_redis_t *redis);
    ngx_uint_t                     (*owes)(ngx_http_tollgate_redis_t *redis);

    /* run time, each worker process its own */

    ngx_http_tollgate_redis_state_e  state;
    ngx_peer_connection_t            peer;
    ngx_uint_t                       addr;      /* next to try */
    ngx_http_tollgate_parser_t       parser;

    ngx_queue_t                      calls;     /* sent, oldest first */
    ngx_queue_t                      spare;
    ngx_uint_t                       ncalls;
    ngx_uint_t                       greetings; /* replies of the greeting due */
    ngx_uint_t                       loads;     /* of loading scripts */

    u_char                          *out;
    size_t                           out_pos;
    size_t                           out_len;
    size_t                           out_size;

    ngx_event_t                      flush;     /* end of this turn */
    ngx_event_t                      timer;     /* by state: connect, stall,
                                                   next attempt */
    ngx_msec_t                       backoff;
    ngx_uint_t                       strikes;   /* since the last reply */
    ngx_msec_t                       leaving;   /* drains since, 0 = doesn't */

    int64_t                          offset[2]; /* clock, us: this and the last
                                                   period */
    ngx_msec_t                       offset_at;

    ngx_http_tollgate_server_metrics_t
                                    *metrics;   /* NULL until first used */
    ngx_http_tollgate_complaint_t    said;
    ngx_log_t                       *log;
};


/* where a node of a cluster is; host may be empty: where the text came from */

typedef struct {
    ngx_str_t                        host;
    in_port_t                        port;
} ngx_http_tollgate_place_t;


/* a walk through the text of CLUSTER NODES */

#define NGX_HTTP_TOLLGATE_SLOTS  16384

typedef struct {
    ngx_http_tollgate_place_t        place;
    ngx_int_t                        first;     /* slots, both ends count */
    ngx_int_t                        to;

    u_char                          *pos;
    u_char                          *last;
    ngx_str_t                        rest;      /* of the line */
} ngx_http_tollgate_cluster_t;


/* where a call goes that was refused, and that did nothing */

typedef enum {
    NGX_HTTP_TOLLGATE_STAY = 0,                 /* refused for good */
    NGX_HTTP_TOLLGATE_MOVED,                    /* the slot is elsewhere */
    NGX_HTTP_TOLLGATE_ASKING,                   /* this call, this once */
    NGX_HTTP_TOLLGATE_LATER
} ngx_http_tollgate_redirect_e;


/* _redis.c; the owner's fields are set; _exit() leaves nothing behind */
void ngx_http_tollgate_redis_init(ngx_http_tollgate_redis_t *redis,
    ngx_log_t *log);
void ngx_http_tollgate_redis_connect(ngx_http_tollgate_redis_t *redis);
void ngx_http_tollgate_redis_greeting(ngx_http_tollgate_redis_t *redis);
void ngx_http_tollgate_redis_fail(ngx_http_tollgate_redis_t *redis,
    const char *why);
void ngx_http_tollgate_redis_exit(ngx_http_tollgate_redis_t *redis);

/* should a new request be refused at once? */
ngx_uint_t ngx_http_tollgate_redis_broken(ngx_http_tollgate_redis_t *redis);

/* ask for redis->send() and a write at the end of this turn */
void ngx_http_tollgate_redis_post(ngx_http_tollgate_redis_t *redis);
ngx_uint_t ngx_http_tollgate_redis_room(ngx_http_tollgate_redis_t *redis);

/*
 * _command() reserves room for a command of n arguments whose bytes are
 * together at most size; when it returns NGX_OK the rest can't fail.
 */
ngx_int_t ngx_http_tollgate_redis_command(ngx_http_tollgate_redis_t *redis,
    ngx_uint_t n, size_t size);
void ngx_http_tollgate_redis_arg(ngx_http_tollgate_redis_t *redis,
    const void *data, size_t len);
void ngx_http_tollgate_redis_arg_number(ngx_http_tollgate_redis_t *redis,
    int64_t n);
void ngx_http_tollgate_redis_arg_script(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_script_e script);

/* a call to fill in and to give to _expect(); _forget() takes one back */
ngx_http_tollgate_call_t *ngx_http_tollgate_redis_call(
    ngx_http_tollgate_redis_t *redis, ngx_http_tollgate_reply_pt handler,
    void *data);
void ngx_http_tollgate_redis_expect(ngx_http_tollgate_call_t *call);
void ngx_http_tollgate_redis_forget(ngx_http_tollgate_call_t *call);

/* _greet.c; _load() loads the scripts again, ahead of what is sent next */
void ngx_http_tollgate_redis_greet_init(void);
ngx_int_t ngx_http_tollgate_redis_greet(ngx_http_tollgate_redis_t *redis);
ngx_int_t ngx_http_tollgate_redis_load(ngx_http_tollgate_redis_t *redis);

/* _cluster.c */
ngx_uint_t ngx_http_tollgate_cluster_slot(ngx_str_t *tag);
void ngx_http_tollgate_cluster_read(ngx_http_tollgate_cluster_t *it,
    ngx_str_t *text);
ngx_int_t ngx_http_tollgate_cluster_next(ngx_http_tollgate_cluster_t *it);
ngx_http_tollgate_redirect_e ngx_http_tollgate_cluster_redirect(
    ngx_str_t *error, ngx_int_t *slot, ngx_http_tollgate_place_t *place);

/* what must not be lost has come or gone: does this process have to stay? */
ngx_uint_t ngx_http_tollgate_redis_weigh(ngx_http_tollgate_redis_t *redis);

/* _tls.c; _tls_start() goes on with _redis_greeting() or _redis_fail() */
ngx_int_t ngx_http_tollgate_tls_init(ngx_conf_t *cf,
    ngx_http_tollgate_tls_t *tls);
void ngx_http_tollgate_tls_start(ngx_http_tollgate_redis_t *redis);

/* Redis' clock in us; _heard() learns it from a reply */
int64_t ngx_http_tollgate_redis_clock(ngx_http_tollgate_redis_t *redis);
void ngx_http_tollgate_redis_heard(ngx_http_tollgate_redis_t *redis,
    int64_t time_us);

/* _complain.c: "tollgate: " and what is to be said and done about it */
void ngx_http_tollgate_complain(ngx_http_tollgate_complaint_t *complaint,
    ngx_uint_t level, ngx_log_t *log, const char *fmt, ...);

/* log an error reply, at most one a second a server */
void ngx_http_tollgate_redis_complain(ngx_http_tollgate_redis_t *redis,
    const char *what, ngx_http_tollgate_reply_t *reply);
ngx_uint_t ngx_http_tollgate_redis_noscript(ngx_http_tollgate_reply_t *reply);

ngx_int_t ngx_http_tollgate_reply_init(ngx_http_tollgate_parser_t *parser);
void ngx_http_tollgate_reply_reset(ngx_http_tollgate_parser_t *parser);
void ngx_http_tollgate_reply_free(ngx_http_tollgate_parser_t *parser);
ngx_int_t ngx_http_tollgate_reply_feed(ngx_http_tollgate_parser_t *parser,
    u_char *data, size_t len);

/* NGX_OK a reply, NGX_AGAIN none yet, NGX_ERROR not the protocol of Redis */
ngx_int_t ngx_http_tollgate_reply_next(ngx_http_tollgate_parser_t *parser,
    ngx_http_tollgate_reply_t *reply);


#endif /* _NGX_HTTP_TOLLGATE_REDIS_H_INCLUDED_ */
