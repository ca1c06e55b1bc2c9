
/*
 * ngx_http_tollgate_accept.c owns what a client would rather read: HTML or
 * JSON, and in which language, by Accept and Accept-Language (RFC 9110, 12.5).
 */


#include "ngx_http_tollgate_deny.h"


#define NGX_HTTP_TOLLGATE_ACCEPT_MOST  1000     /* of q, in thousandths */


static ngx_str_t ngx_http_tollgate_accept_header(ngx_http_request_t *r,
    const char *name);
static ngx_uint_t ngx_http_tollgate_accept_type(ngx_str_t list,
    const char *type);
static ngx_uint_t ngx_http_tollgate_accept_next(ngx_str_t *list,
    ngx_str_t *range, ngx_uint_t *q);
static ngx_uint_t ngx_http_tollgate_accept_q(ngx_str_t *params);
static ngx_uint_t ngx_http_tollgate_accept_until(ngx_str_t *s, u_char c,
    ngx_str_t *part);


/* in the order of ngx_http_tollgate_language_e */

static const char  *ngx_http_tollgate_accept_languages[] = {
    "en", "th", "id"
};


/*
 * Only one who would rather have HTML gets it: browsers do for a page, but
 * what asks for anything at all is a program.
 */

ngx_uint_t
ngx_http_tollgate_accept_html(ngx_http_request_t *r)
{
    ngx_str_t   accept;
    ngx_uint_t  html;

    accept = ngx_http_tollgate_accept_header(r, "accept");
    html = ngx_http_tollgate_accept_type(accept, "text/html");

    return html > ngx_http_tollgate_accept_type(accept, "application/json")
           && html > ngx_http_tollgate_accept_type(accept,
                                                   "application/problem+json");
}


ngx_uint_t
ngx_http_tollgate_accept_language(ngx_http_request_t *r)
{
    ngx_str_t   list, range;
    ngx_uint_t  i, q, best, language;

    list = ngx_http_tollgate_accept_header(r, "accept-language");
    language = NGX_HTTP_TOLLGATE_EN;
    best = 0;

    while (ngx_http_tollgate_accept_next(&list, &range, &q)) {
        if (q <= best || range.len < 2
            || (range.len > 2 && range.data[2] != '-'))
        {
            continue;
        }

        for (i = 0; i < NGX_HTTP_TOLLGATE_LANGUAGES; i++) {
            if (ngx_strncasecmp(range.data,
                          (u_char *) ngx_http_tollgate_accept_languages[i], 2)
                == 0)
            {
                language = i;
                best = q;
            }
        }
    }

    return language;
}


/* The first one of this name, which is in lower case. */

static ngx_str_t
ngx_http_tollgate_accept_header(ngx_http_request_t *r, const char *name)
{
    size_t            len;
    ngx_str_t         none;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == len
                && ngx_strncmp(h[i].lowcase_key, name, len) == 0)
            {
                return h[i].value;
            }
        }
    }

    ngx_str_null(&none);

    return none;
}


/* q of the range that fits the type most closely, 0 where none does. */

static ngx_uint_t
ngx_http_tollgate_accept_type(ngx_str_t list, const char *type)
{
    size_t      len, whole;
    ngx_str_t   range;
    ngx_uint_t  q, best, close, closest;

    whole = (u_char *) ngx_strchr(type, '/') - (u_char *) type + 1;
    len = ngx_strlen(type);
    closest = 0;
    best = 0;

    while (ngx_http_tollgate_accept_next(&list, &range, &q)) {
        if (range.len == len
            && ngx_strncasecmp(range.data, (u_char *) type, len) == 0)
        {
            close = 3;

        } else if (range.len == whole + 1 && range.data[whole] == '*'
                   && ngx_strncasecmp(range.data, (u_char *) type, whole) == 0)
        {
            close = 2;

        } else if (range.len == 3 && ngx_strncmp(range.data, "*/*", 3) == 0) {
            close = 1;

        } else {
            continue;
        }

        if (close > closest || (close == closest && q > best)) {
            closest = close;
            best = q;
        }
    }

    return best;
}


/* Takes an element off the list; 0 at its end. */

static ngx_uint_t
ngx_http_tollgate_accept_next(ngx_str_t *list, ngx_str_t *range,
    ngx_uint_t *q)
{
    ngx_str_t  element;

    if (!ngx_http_tollgate_accept_until(list, ',', &element)) {
        return 0;
    }

    if (!ngx_http_tollgate_accept_until(&element, ';', range)) {
        ngx_str_null(range);
    }

    *q = ngx_http_tollgate_accept_q(&element);

    return 1;
}


/* In thousandths; one that is not as it should be is 0, as "not wanted". */

static ngx_uint_t
ngx_http_tollgate_accept_q(ngx_str_t *params)
{
    ngx_int_t   q;
    ngx_str_t   param;

    while (ngx_http_tollgate_accept_until(params, ';', &param)) {
        if (param.len < 2
            || ngx_strncasecmp(param.data, (u_char *) "q=", 2) != 0)
        {
            continue;
        }

        q = ngx_atofp(param.data + 2, param.len - 2, 3);

        return q < 0 || q > NGX_HTTP_TOLLGATE_ACCEPT_MOST ? 0 : q;
    }

    return NGX_HTTP_TOLLGATE_ACCEPT_MOST;
}


/* Takes off what is ahead of the next c, without the blanks around it. */

static ngx_uint_t
ngx_http_tollgate_accept_until(ngx_str_t *s, u_char c, ngx_str_t *part)
{
    size_t   n;

    if (s->len == 0) {
        return 0;
    }

    for (n = 0; n < s->len && s->data[n] != c; n++) { /* void */ }

    part->data = s->data;
    part->len = n;

    n = ngx_min(n + 1, s->len);
    s->data += n;
    s->len -= n;

    while (part->len && (part->data[0] == ' ' || part->data[0] == '\t')) {
        part->data++;
        part->len--;
    }

    while (part->len && (part->data[part->len - 1] == ' '
                         || part->data[part->len - 1] == '\t'))
    {
        part->len--;
    }

    return 1;
}
