
/*
 * ngx_http_tollgate_command.c owns the writing of commands into the buffer of
 * a connection, and the queue of those that wait for their replies.
 */


#include "ngx_http_tollgate_metrics.h"


#define NGX_HTTP_TOLLGATE_REDIS_CALLS    1024
#define NGX_HTTP_TOLLGATE_REDIS_NUMBER   (sizeof("$20\r\n\r\n") - 1           \
                                          + NGX_INT64_LEN)


ngx_uint_t
ngx_http_tollgate_redis_room(ngx_http_tollgate_redis_t *redis)
{
    return redis->state == NGX_HTTP_TOLLGATE_REDIS_READY
           && redis->ncalls < NGX_HTTP_TOLLGATE_REDIS_CALLS
           && redis->out_len - redis->out_pos < NGX_HTTP_TOLLGATE_REDIS_OUT;
}


ngx_int_t
ngx_http_tollgate_redis_command(ngx_http_tollgate_redis_t *redis, ngx_uint_t n,
    size_t size)
{
    u_char  *out, *p;
    size_t   need, max;

    need = redis->out_len + size + (n + 1) * NGX_HTTP_TOLLGATE_REDIS_NUMBER;

    if (need > redis->out_size) {
        max = ngx_max(2 * redis->out_size, need);

        out = realloc(redis->out, max);
        if (out == NULL) {
            return NGX_ERROR;
        }

        redis->out = out;
        redis->out_size = max;
    }

    p = redis->out + redis->out_len;
    redis->out_len = ngx_sprintf(p, "*%ui\r\n", n) - redis->out;

    return NGX_OK;
}


void
ngx_http_tollgate_redis_arg(ngx_http_tollgate_redis_t *redis, const void *data,
    size_t len)
{
    u_char  *p;

    p = redis->out + redis->out_len;

    if (len < 100) {
        *p++ = '$';

        if (len > 9) {
            *p++ = (u_char) ('0' + len / 10);
        }

        *p++ = (u_char) ('0' + len % 10);
        *p++ = CR;
        *p++ = LF;

    } else {
        p = ngx_sprintf(p, "$%uz\r\n", len);
    }

    p = ngx_cpymem(p, data, len);
    *p++ = CR;
    *p++ = LF;

    redis->out_len = p - redis->out;
}


void
ngx_http_tollgate_redis_arg_number(ngx_http_tollgate_redis_t *redis,
    int64_t n)
{
    u_char  *p, buf[NGX_INT64_LEN];

    p = ngx_http_tollgate_number(buf, n);
    ngx_http_tollgate_redis_arg(redis, buf, p - buf);
}


ngx_http_tollgate_call_t *
ngx_http_tollgate_redis_call(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_reply_pt handler, void *data)
{
    ngx_queue_t               *q;
    ngx_http_tollgate_call_t  *call;

    if (ngx_queue_empty(&redis->spare)) {
        call = ngx_alloc(sizeof(ngx_http_tollgate_call_t), redis->log);
        if (call == NULL) {
            return NULL;
        }

    } else {
        q = ngx_queue_head(&redis->spare);
        ngx_queue_remove(q);
        call = ngx_queue_data(q, ngx_http_tollgate_call_t, queue);
    }

    call->handler = handler;
    call->redis = redis;
    call->data = data;
    ngx_queue_init(&call->list);

    return call;
}


void
ngx_http_tollgate_redis_forget(ngx_http_tollgate_call_t *call)
{
    ngx_queue_insert_head(&call->redis->spare, &call->queue);
}


void
ngx_http_tollgate_redis_expect(ngx_http_tollgate_call_t *call)
{
    ngx_http_tollgate_redis_t  *redis;

    redis = call->redis;

    call->start = ngx_current_msec;
    ngx_http_tollgate_metrics_call(call);

    ngx_queue_insert_tail(&redis->calls, &call->queue);
    redis->ncalls++;

    if (redis->state == NGX_HTTP_TOLLGATE_REDIS_READY
        && !redis->timer.timer_set)
    {
        ngx_add_timer(&redis->timer, NGX_HTTP_TOLLGATE_REDIS_STALL);
    }

    redis->timer.cancelable = 0;
}
