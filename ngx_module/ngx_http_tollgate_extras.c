
/*
 * ngx_http_tollgate_extras.c owns what only some requests ask gate.lua for:
 * words "name=value", each written by the step that it is for.
 */


#include "ngx_http_tollgate_hold.h"
#include "ngx_http_tollgate_link.h"


/*
 * Writes at most what is between p and last, with no space in it.  Returns the
 * end, p itself where the request doesn't ask for it, or NULL where it can't
 * be told or there is no room.
 */

typedef u_char *(*ngx_http_tollgate_extra_pt)(ngx_http_tollgate_ctx_t *ctx,
    u_char *p, u_char *last);


static ngx_http_tollgate_extra_pt  ngx_http_tollgate_extra[] = {
    ngx_http_tollgate_idem_extra,
    ngx_http_tollgate_content_extra,
    ngx_http_tollgate_hold_extra,
    ngx_http_tollgate_link_extra,
    NULL
};


ngx_int_t
ngx_http_tollgate_extras(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_ask_t *ask)
{
    u_char      *p, *end, *last;
    ngx_uint_t   i;

    p = ask->extras;
    last = ask->extras + NGX_HTTP_TOLLGATE_EXTRAS_LEN - 1;

    for (i = 0; ngx_http_tollgate_extra[i] != NULL; i++) {
        end = ngx_http_tollgate_extra[i](ctx, p, last);

        if (end == NULL) {
            return NGX_ERROR;
        }

        if (end != p) {
            *end++ = ' ';
            p = end;
        }
    }

    if (p == ask->extras) {
        *p++ = '-';

    } else {
        p--;
    }

    ask->extras_len = p - ask->extras;

    return NGX_OK;
}
