
/*
 * ngx_http_tollgate_number.c owns numbers as text.  A request has some forty
 * of them, and ngx_sprintf() takes three times as long for each.
 */


#include "ngx_http_tollgate.h"


/* Writes at most NGX_INT64_LEN bytes, returns their end. */

u_char *
ngx_http_tollgate_number(u_char *p, int64_t n)
{
    u_char    buf[NGX_INT64_LEN], *digit;
    uint64_t  left;

    left = (uint64_t) n;

    if (n < 0) {
        *p++ = '-';
        left = 0 - left;
    }

    digit = buf + sizeof(buf);

    do {
        *--digit = (u_char) ('0' + left % 10);
        left /= 10;
    } while (left);

    return ngx_cpymem(p, digit, buf + sizeof(buf) - digit);
}


/* Writes at most NGX_HTTP_TOLLGATE_CREDITS_LEN bytes, returns their end. */

u_char *
ngx_http_tollgate_credits(u_char *p, int64_t credits)
{
    if (credits < 0) {
        *p++ = '-';
        credits = -credits;
    }

    p = ngx_http_tollgate_number(p, credits / NGX_HTTP_TOLLGATE_CREDIT);
    credits %= NGX_HTTP_TOLLGATE_CREDIT;

    if (credits == 0) {
        return p;
    }

    p = ngx_sprintf(p, ".%06L", credits);

    while (p[-1] == '0') {
        p--;
    }

    return p;
}
