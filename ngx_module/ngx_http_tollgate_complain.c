
/*
 * ngx_http_tollgate_complain.c owns how often the module says the same: once
 * a second in each worker process, with the number of times that it didn't.
 */


#include "ngx_http_tollgate_redis.h"


#define NGX_HTTP_TOLLGATE_COMPLAIN_LEN  1024


void
ngx_http_tollgate_complain(ngx_http_tollgate_complaint_t *complaint,
    ngx_uint_t level, ngx_log_t *log, const char *fmt, ...)
{
    u_char   *p, text[NGX_HTTP_TOLLGATE_COMPLAIN_LEN];
    va_list   args;

    if (complaint->at == ngx_time()) {
        complaint->unsaid++;
        return;
    }

    va_start(args, fmt);
    p = ngx_vslprintf(text, text + sizeof(text), fmt, args);
    va_end(args);

    if (complaint->unsaid) {
        p = ngx_slprintf(p, text + sizeof(text),
                         " (and %ui times more since it was last said)",
                         complaint->unsaid);
    }

    complaint->at = ngx_time();
    complaint->unsaid = 0;

    ngx_log_error(level, log, 0, "tollgate: %*s", (size_t) (p - text), text);
}
