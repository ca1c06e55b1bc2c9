
/*
 * ngx_http_tollgate_redis.h: one pipelined connection of a worker process to
 * one Redis server, on nginx's events.
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
#include <hiredis/hiredis.h>


/* bytes that wait to be written: no new commands above this */

#define NGX_HTTP_TOLLGATE_REDIS_OUT    (1024 * 1024)

/* a server that owes a reply for so long is taken for hung, in ms */

#define NGX_HTTP_TOLLGATE_REDIS_STALL  2000


/* scripts that a connection loads before anything else is sent */

typedef enum {
    NGX_HTTP_TOLLGATE_GATE = 0,
    NGX_HTTP_TOLLGATE_REFUND,
    NGX_HTTP_TOLLGATE_VOID,
    NGX_HTTP_TOLLGATE_SCRIPTS
} ngx_http_tollgate_script_e;


typedef struct ngx_http_tollgate_redis_s  ngx_http_tollgate_redis_t;
typedef struct ngx_http_tollgate_call_s   ngx_http_tollgate_call_t;


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
};


typedef enum {
    NGX_HTTP_TOLLGATE_REDIS_DOWN = 0,
    NGX_HTTP_TOLLGATE_REDIS_CONNECTING,
    NGX_HTTP_TOLLGATE_REDIS_GREETING,
    NGX_HTTP_TOLLGATE_REDIS_READY
} ngx_http_tollgate_redis_state_e;


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
    /* set by the configuration */

    ngx_str_t                        name;
    ngx_addr_t                      *addrs;
    ngx_uint_t                       naddrs;
    ngx_str_t                        user;
    ngx_str_t                        password;
    ngx_uint_t                       database;
    ngx_msec_t                       connect_timeout;

    /*
     * set by the owner: what to send when there is room, whom to tell that
     * the server is down, whether something waits that must not be lost
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
    ngx_msec_t                       leaving;   /* drains since, 0 = doesn't */

    int64_t                          offset[2]; /* clock, us: this and the last
                                                   period */
    ngx_msec_t                       offset_at;

    time_t                           logged;
    ngx_log_t                       *log;
};


ngx_int_t ngx_http_tollgate_redis_init(ngx_http_tollgate_redis_t *redis,
    ngx_cycle_t *cycle);
void ngx_http_tollgate_redis_exit(ngx_http_tollgate_redis_t *redis);

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

/* what must not be lost has come or gone: may this process exit? */
void ngx_http_tollgate_redis_weigh(ngx_http_tollgate_redis_t *redis);

/* Redis' clock in us; _heard() learns it from a reply */
int64_t ngx_http_tollgate_redis_clock(ngx_http_tollgate_redis_t *redis);
void ngx_http_tollgate_redis_heard(ngx_http_tollgate_redis_t *redis,
    int64_t time_us);

/* log an error reply, at most one a second a server */
void ngx_http_tollgate_redis_complain(ngx_http_tollgate_redis_t *redis,
    const char *what, ngx_http_tollgate_reply_t *reply);
ngx_uint_t ngx_http_tollgate_redis_noscript(ngx_http_tollgate_reply_t *reply);

ngx_int_t ngx_http_tollgate_reply_init(ngx_http_tollgate_parser_t *parser);
void ngx_http_tollgate_reply_reset(ngx_http_tollgate_parser_t *parser);
ngx_int_t ngx_http_tollgate_reply_feed(ngx_http_tollgate_parser_t *parser,
    u_char *data, size_t len);

/* NGX_OK a reply, NGX_AGAIN none yet, NGX_ERROR not the protocol of Redis */
ngx_int_t ngx_http_tollgate_reply_next(ngx_http_tollgate_parser_t *parser,
    ngx_http_tollgate_reply_t *reply);


#endif /* _NGX_HTTP_TOLLGATE_REDIS_H_INCLUDED_ */
