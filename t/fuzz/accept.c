
/*
 * accept.c: fuzzes what a client would rather read: a page only where it says
 * so, a language only where it names it, and the same with empty elements in
 * the list or other cases of its letters.
 */


#include "ngx_shim.h"
#include "ngx_http_tollgate_deny.h"

#include <ctype.h>


static void
accept_header(ngx_pool_t *pool, ngx_http_request_t *r, const char *name,
    ngx_str_t value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_in.headers);
    ngx_memzero(h, sizeof(ngx_table_elt_t));
    h->hash = 1;
    h->key.len = strlen(name);
    h->key.data = (u_char *) name;
    h->lowcase_key = (u_char *) name;
    h->value = value;
}


/* The list between empty elements, in capitals where asked for. */

static ngx_str_t
accept_dressed(ngx_pool_t *pool, struct input list, bool capitals)
{
    size_t     i;
    ngx_str_t  s;

    s.len = list.size + 4;
    s.data = ngx_pnalloc(pool, s.len);
    s.data[0] = ',';
    s.data[1] = ' ';
    s.data[s.len - 2] = ',';
    s.data[s.len - 1] = ';';

    for (i = 0; i < list.size; i++) {
        s.data[2 + i] = capitals ? toupper(list.data[i]) : list.data[i];
    }

    return s;
}


static bool
accept_has(struct input list, const char *text)
{
    size_t  i, len;

    len = strlen(text);

    for (i = 0; i + len <= list.size; i++) {
        if (strncasecmp((const char *) list.data + i, text, len) == 0) {
            return true;
        }
    }

    return false;
}


/* The first line is Accept, the second Accept-Language. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_uint_t           html, language;
    ngx_pool_t          *pool;
    struct input         input = { data, size }, list[2] = { { data, 0 },
                                                             { data, 0 } };
    ngx_http_request_t  *r, *dressed;

    if (input_cut(&input, '\n', &list[0])) {
        (void) input_cut(&input, '\n', &list[1]);
    }

    pool = shim_pool();
    r = shim_request(pool, NULL);
    CHECK(!ngx_http_tollgate_accept_html(r));
    CHECK(ngx_http_tollgate_accept_language(r) == NGX_HTTP_TOLLGATE_EN);

    accept_header(pool, r, "accept", shim_str(pool, list[0]));
    accept_header(pool, r, "accept-language", shim_str(pool, list[1]));

    html = ngx_http_tollgate_accept_html(r);
    language = ngx_http_tollgate_accept_language(r);

    CHECK(html <= 1);
    CHECK(!html || accept_has(list[0], "text/html")
          || accept_has(list[0], "text/*"));
    CHECK(language < NGX_HTTP_TOLLGATE_LANGUAGES);
    CHECK(language != NGX_HTTP_TOLLGATE_TH || accept_has(list[1], "th"));
    CHECK(language != NGX_HTTP_TOLLGATE_ID || accept_has(list[1], "id"));

    dressed = shim_request(pool, NULL);
    accept_header(pool, dressed, "accept",
                  accept_dressed(pool, list[0], size & 1));
    accept_header(pool, dressed, "accept-language",
                  accept_dressed(pool, list[1], size & 1));

    CHECK(ngx_http_tollgate_accept_html(dressed) == html);
    CHECK(ngx_http_tollgate_accept_language(dressed) == language);

    shim_pool_free(pool);

    return 0;
}
