
/*
 * ngx_http_tollgate_redis.c owns the connection to a Redis server: it
 * connects, writes what callers append, hands replies out, and tries again.
 */


#include "ngx_http_tollgate_metrics.h"


#define NGX_HTTP_TOLLGATE_REDIS_READ     (32 * 1024)
#define NGX_HTTP_TOLLGATE_REDIS_BACKOFF  50
#define NGX_HTTP_TOLLGATE_REDIS_CALM     2000

/* how long a leaving process tries to get rid of what it owes, in ms */

#define NGX_HTTP_TOLLGATE_REDIS_LEAVE    10000


static void ngx_http_tollgate_redis_flush(ngx_event_t *ev);
static ngx_int_t ngx_http_tollgate_redis_write(
    ngx_http_tollgate_redis_t *redis);
static void ngx_http_tollgate_redis_write_handler(ngx_event_t *wev);
static void ngx_http_tollgate_redis_read_handler(ngx_event_t *rev);
static ngx_int_t ngx_http_tollgate_redis_answer(
    ngx_http_tollgate_redis_t *redis);
static void ngx_http_tollgate_redis_timer(ngx_event_t *ev);
static void ngx_http_tollgate_redis_close(ngx_http_tollgate_redis_t *redis);


static u_char  ngx_http_tollgate_redis_buf[NGX_HTTP_TOLLGATE_REDIS_READ];


void
ngx_http_tollgate_redis_init(ngx_http_tollgate_redis_t *redis, ngx_log_t *log)
{
    ngx_queue_init(&redis->calls);
    ngx_queue_init(&redis->spare);

    redis->log = log;

    redis->flush.handler = ngx_http_tollgate_redis_flush;
    redis->flush.data = redis;
    redis->flush.log = log;

    redis->timer.handler = ngx_http_tollgate_redis_timer;
    redis->timer.data = redis;
    redis->timer.log = log;
    redis->timer.cancelable = 1;
}


void
ngx_http_tollgate_redis_exit(ngx_http_tollgate_redis_t *redis)
{
    ngx_queue_t  *q;

    ngx_http_tollgate_redis_close(redis);

    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    if (redis->flush.posted) {
        ngx_delete_posted_event(&redis->flush);
    }

    while (!ngx_queue_empty(&redis->spare)) {
        q = ngx_queue_head(&redis->spare);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_http_tollgate_call_t, queue));
    }

    ngx_http_tollgate_reply_free(&redis->parser);

    free(redis->out);
    redis->out = NULL;
    redis->out_size = 0;
}


void
ngx_http_tollgate_redis_connect(ngx_http_tollgate_redis_t *redis)
{
    ngx_int_t          rc;
    ngx_addr_t        *addr;
    ngx_connection_t  *c;

    addr = &redis->addrs[redis->addr++ % redis->naddrs];

    ngx_memzero(&redis->peer, sizeof(ngx_peer_connection_t));

    redis->peer.sockaddr = addr->sockaddr;
    redis->peer.socklen = addr->socklen;
    redis->peer.name = &addr->name;
    redis->peer.get = ngx_event_get_peer;
    redis->peer.log = redis->log;
    redis->peer.log_error = NGX_ERROR_ERR;
    redis->peer.so_keepalive = 1;

    redis->state = NGX_HTTP_TOLLGATE_REDIS_CONNECTING;

    rc = ngx_event_connect_peer(&redis->peer);

    if (rc == NGX_ERROR || rc == NGX_BUSY || rc == NGX_DECLINED) {
        ngx_http_tollgate_redis_fail(redis, NULL);
        return;
    }

    c = redis->peer.connection;
    c->data = redis;
    c->pool = NULL;
    c->log = redis->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_http_tollgate_redis_read_handler;
    c->write->handler = ngx_http_tollgate_redis_write_handler;

    redis->out_pos = 0;
    redis->out_len = 0;

    /* a process that starts still has the time at which it was forked */

    ngx_time_update();
    ngx_add_timer(&redis->timer, redis->conf->connect_timeout);

    if (ngx_http_tollgate_reply_init(&redis->parser) != NGX_OK
        || ngx_http_tollgate_redis_greet(redis) != NGX_OK)
    {
        ngx_http_tollgate_redis_fail(redis, "no memory to greet Redis");
        return;
    }

    if (rc == NGX_OK) {
        ngx_http_tollgate_redis_write_handler(c->write);
    }
}


void
ngx_http_tollgate_redis_post(ngx_http_tollgate_redis_t *redis)
{
    ngx_event_t  *ev;

    ev = &redis->flush;

    if (!ev->posted) {
        ngx_post_event(ev, &ngx_posted_events);
    }
}


/* The end of a turn: everything that waits goes out in one write. */

static void
ngx_http_tollgate_redis_flush(ngx_event_t *ev)
{
    ngx_http_tollgate_redis_t  *redis;

    redis = ev->data;

    if (redis->state != NGX_HTTP_TOLLGATE_REDIS_READY) {
        return;
    }

    redis->send(redis);

    if (ngx_http_tollgate_redis_write(redis) != NGX_OK) {
        ngx_http_tollgate_redis_fail(redis, "write to Redis failed");
    }
}


static ngx_int_t
ngx_http_tollgate_redis_write(ngx_http_tollgate_redis_t *redis)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = redis->peer.connection;

    while (redis->out_pos < redis->out_len) {
        if (!c->write->ready) {
            break;
        }

        n = c->send(c, redis->out + redis->out_pos,
                    redis->out_len - redis->out_pos);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (n == NGX_AGAIN) {
            break;
        }

        redis->out_pos += n;
    }

    if (redis->out_pos == redis->out_len) {
        redis->out_pos = 0;
        redis->out_len = 0;

    } else if (redis->out_pos > NGX_HTTP_TOLLGATE_REDIS_OUT) {
        ngx_memmove(redis->out, redis->out + redis->out_pos,
                    redis->out_len - redis->out_pos);
        redis->out_len -= redis->out_pos;
        redis->out_pos = 0;
    }

    return ngx_handle_write_event(c->write, 0);
}


static void
ngx_http_tollgate_redis_write_handler(ngx_event_t *wev)
{
    int                         err;
    socklen_t                   len;
    ngx_connection_t           *c;
    ngx_http_tollgate_redis_t  *redis;

    c = wev->data;
    redis = c->data;

    if (redis->state == NGX_HTTP_TOLLGATE_REDIS_CONNECTING) {
        err = 0;
        len = sizeof(int);

        if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1)
        {
            err = ngx_socket_errno;
        }

        if (err) {
            ngx_http_tollgate_redis_fail(redis, strerror(err));
            return;
        }

        if (redis->conf->tls != NULL) {
            ngx_http_tollgate_tls_start(redis);
            return;
        }

        ngx_http_tollgate_redis_greeting(redis);
        return;
    }

    if (ngx_http_tollgate_redis_write(redis) != NGX_OK) {
        ngx_http_tollgate_redis_fail(redis, "write to Redis failed");
        return;
    }

    /* room again */

    ngx_http_tollgate_redis_post(redis);
}


/* Bytes can go: what waits first is the greeting. */

void
ngx_http_tollgate_redis_greeting(ngx_http_tollgate_redis_t *redis)
{
    ngx_connection_t  *c;

    c = redis->peer.connection;

    c->read->handler = ngx_http_tollgate_redis_read_handler;
    c->write->handler = ngx_http_tollgate_redis_write_handler;

    redis->state = NGX_HTTP_TOLLGATE_REDIS_GREETING;

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_http_tollgate_redis_fail(redis, "no event for Redis");
        return;
    }

    ngx_http_tollgate_redis_write_handler(c->write);
}


static void
ngx_http_tollgate_redis_read_handler(ngx_event_t *rev)
{
    ssize_t                     n;
    ngx_connection_t           *c;
    ngx_http_tollgate_redis_t  *redis;

    c = rev->data;
    redis = c->data;

    if (c->close || c->error) {
        ngx_http_tollgate_redis_fail(redis, "this process shuts down");
        return;
    }

    if (redis->state == NGX_HTTP_TOLLGATE_REDIS_CONNECTING) {
        return;
    }

    do {
        n = c->recv(c, ngx_http_tollgate_redis_buf,
                    NGX_HTTP_TOLLGATE_REDIS_READ);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_http_tollgate_redis_fail(redis,
                                         "Redis closed the connection");
            return;
        }

        if (ngx_http_tollgate_reply_feed(&redis->parser,
                                         ngx_http_tollgate_redis_buf, n)
            != NGX_OK)
        {
            ngx_http_tollgate_redis_fail(redis, "Redis sent too much");
            return;
        }

        if (ngx_http_tollgate_redis_answer(redis) != NGX_OK) {
            return;
        }

    } while (rev->ready);

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_http_tollgate_redis_fail(redis, "no event for Redis");
    }
}


/* Hand out the replies that have come.  Not NGX_OK: the connection is gone. */

static ngx_int_t
ngx_http_tollgate_redis_answer(ngx_http_tollgate_redis_t *redis)
{
    ngx_int_t                   rc;
    ngx_queue_t                *q;
    ngx_http_tollgate_call_t   *call;
    ngx_http_tollgate_reply_t   reply;

    for ( ;; ) {
        rc = ngx_http_tollgate_reply_next(&redis->parser, &reply);

        if (rc == NGX_AGAIN) {
            break;
        }

        if (rc == NGX_OK && ngx_queue_empty(&redis->calls)) {
            rc = NGX_ERROR;
        }

        if (rc == NGX_OK) {
            q = ngx_queue_head(&redis->calls);
            ngx_queue_remove(q);
            redis->ncalls--;
            redis->strikes = 0;

            call = ngx_queue_data(q, ngx_http_tollgate_call_t, queue);
            ngx_http_tollgate_metrics_reply(call, &reply);
            rc = call->handler(call, &reply);
            ngx_http_tollgate_redis_forget(call);
        }

        if (rc == NGX_ABORT) {
            ngx_http_tollgate_redis_fail(redis, NULL);
            return NGX_ERROR;
        }

        if (rc != NGX_OK) {
            ngx_http_tollgate_redis_fail(redis,
                                         "Redis sent an unexpected reply");
            return NGX_ERROR;
        }
    }

    (void) ngx_http_tollgate_redis_weigh(redis);

    if (redis->owes(redis)) {
        ngx_http_tollgate_redis_post(redis);
    }

    return NGX_OK;
}


static void
ngx_http_tollgate_redis_timer(ngx_event_t *ev)
{
    ngx_msec_t                  age, stall;
    ngx_queue_t                *q;
    ngx_http_tollgate_call_t   *call;
    ngx_http_tollgate_redis_t  *redis;

    redis = ev->data;

    if (redis->state == NGX_HTTP_TOLLGATE_REDIS_DOWN) {
        ngx_http_tollgate_redis_connect(redis);
        return;
    }

    if (redis->state != NGX_HTTP_TOLLGATE_REDIS_READY) {
        ngx_http_tollgate_redis_fail(redis, "Redis didn't answer the greeting "
                                     "in \"connect_timeout\"");
        return;
    }

    if (ngx_queue_empty(&redis->calls)) {
        return;
    }

    q = ngx_queue_head(&redis->calls);
    call = ngx_queue_data(q, ngx_http_tollgate_call_t, queue);
    age = ngx_current_msec - call->start;

    stall = redis->scout ? redis->conf->connect_timeout
                         : NGX_HTTP_TOLLGATE_REDIS_STALL;

    if (age < stall) {
        ngx_add_timer(ev, stall - age);
        return;
    }

    ngx_http_tollgate_redis_fail(redis, "Redis doesn't answer");
}


/* The connection is no use: say so to everyone who waits, try again later. */

void
ngx_http_tollgate_redis_fail(ngx_http_tollgate_redis_t *redis,
    const char *why)
{
    ngx_msec_t  wait;

    if (why != NULL) {
        ngx_http_tollgate_complain(&redis->said, NGX_LOG_ERR, redis->log,
                                   "redis \"%V\": %s, hint: is it up and well? "
                                   "see its log and \"tollgate doctor\"",
                                   &redis->name, why);
    }

    ngx_http_tollgate_metrics_up(redis, 0);
    ngx_http_tollgate_redis_close(redis);

    redis->backoff = redis->backoff ? ngx_min(2 * redis->backoff,
                                              NGX_HTTP_TOLLGATE_REDIS_CALM)
                                    : NGX_HTTP_TOLLGATE_REDIS_BACKOFF;
    wait = redis->backoff / 2 + ngx_random() % (redis->backoff / 2 + 1);

    ngx_add_timer(&redis->timer, wait);

    redis->down(redis);
    (void) ngx_http_tollgate_redis_weigh(redis);
}


static void
ngx_http_tollgate_redis_close(ngx_http_tollgate_redis_t *redis)
{
    ngx_pool_t                *pool;
    ngx_queue_t               *q, lost;
    ngx_connection_t          *c;
    ngx_http_tollgate_call_t  *call;

    redis->state = NGX_HTTP_TOLLGATE_REDIS_DOWN;

    c = redis->peer.connection;

    if (c != NULL) {
        pool = c->pool;

        if (c->ssl != NULL) {
            c->ssl->no_wait_shutdown = 1;
            c->ssl->no_send_shutdown = 1;
            (void) ngx_ssl_shutdown(c);
        }

        ngx_close_connection(c);
        redis->peer.connection = NULL;

        if (pool != NULL) {
            ngx_destroy_pool(pool);
        }
    }

    ngx_http_tollgate_reply_reset(&redis->parser);

    ngx_queue_init(&lost);

    if (!ngx_queue_empty(&redis->calls)) {
        ngx_queue_add(&lost, &redis->calls);
        ngx_queue_init(&redis->calls);
    }

    redis->ncalls = 0;

    while (!ngx_queue_empty(&lost)) {
        q = ngx_queue_head(&lost);
        ngx_queue_remove(q);

        call = ngx_queue_data(q, ngx_http_tollgate_call_t, queue);
        (void) call->handler(call, NULL);
        ngx_http_tollgate_redis_forget(call);
    }
}


/*
 * A server that could not be reached when it was last tried, or that leaves
 * one request after the other without an answer.  The next reply mends it, and
 * there will be one: calls are on their way, or a connection is being made.
 */

ngx_uint_t
ngx_http_tollgate_redis_broken(ngx_http_tollgate_redis_t *redis)
{
    return (redis->state != NGX_HTTP_TOLLGATE_REDIS_READY
            && redis->backoff != 0)
           || redis->strikes >= NGX_HTTP_TOLLGATE_REDIS_STRIKES;
}


ngx_uint_t
ngx_http_tollgate_redis_weigh(ngx_http_tollgate_redis_t *redis)
{
    ngx_uint_t      busy;
    ngx_msec_int_t  since;

    busy = redis->ncalls != 0 || redis->owes(redis);

    if (busy && ngx_exiting) {
        if (redis->leaving == 0) {
            redis->leaving = ngx_current_msec | 1;
        }

        since = (ngx_msec_int_t) (ngx_current_msec - redis->leaving);
        busy = since <= NGX_HTTP_TOLLGATE_REDIS_LEAVE;
    }

    redis->timer.cancelable = !busy;

    return busy;
}
