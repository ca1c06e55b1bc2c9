
/*
 * ngx_http_tollgate_page.c owns Prometheus' text format: families, samples and
 * histograms, in buffers of a request's pool.
 */


#include "ngx_http_tollgate_page.h"


#define NGX_HTTP_TOLLGATE_PAGE_BUF  (16 * 1024)


static ngx_int_t ngx_http_tollgate_page_line(ngx_http_tollgate_page_t *page,
    const char *suffix, ngx_http_tollgate_label_t *labels, int64_t value,
    ngx_uint_t micro);
static u_char *ngx_http_tollgate_page_label(u_char *p,
    ngx_http_tollgate_label_t *label);
static u_char *ngx_http_tollgate_page_room(ngx_http_tollgate_page_t *page,
    size_t size);
static void ngx_http_tollgate_page_wrote(ngx_http_tollgate_page_t *page,
    u_char *p);


/* name has to live as long as the page is written */

ngx_int_t
ngx_http_tollgate_page_family(ngx_http_tollgate_page_t *page, ngx_str_t *name,
    const char *type, const char *help, ngx_uint_t micro)
{
    u_char  *p;

    page->name = name;
    page->micro = micro;

    p = ngx_http_tollgate_page_room(page, sizeof("# HELP  \n# TYPE  \n")
                                          + 2 * name->len + ngx_strlen(help)
                                          + ngx_strlen(type));
    if (p == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(p, "# HELP %V %s\n# TYPE %V %s\n", name, help, name, type);
    ngx_http_tollgate_page_wrote(page, p);

    return NGX_OK;
}


ngx_int_t
ngx_http_tollgate_page_sample(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_label_t *labels, int64_t value)
{
    return ngx_http_tollgate_page_line(page, "", labels, value, page->micro);
}


/* The count is that of the buckets, so that both agree while requests come. */

ngx_int_t
ngx_http_tollgate_page_histogram(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_label_t *labels,
    ngx_http_tollgate_histogram_t *histogram)
{
    u_char                      text[NGX_HTTP_TOLLGATE_CREDITS_LEN], *p;
    int64_t                     n;
    ngx_uint_t                  i;
    ngx_http_tollgate_label_t   all[3], *le;

    ngx_memzero(all, sizeof(all));

    le = all;

    if (labels->name != NULL) {
        *le++ = *labels;
    }

    le->name = "le";
    n = 0;

    for (i = 0; i < NGX_HTTP_TOLLGATE_METRICS_BUCKETS; i++) {
        n += histogram->buckets[i];

        if (i < NGX_HTTP_TOLLGATE_METRICS_BUCKETS - 1) {
            p = ngx_http_tollgate_credits(text,
                                          ngx_http_tollgate_metrics_bounds[i]);
            le->value.data = text;
            le->value.len = p - text;

        } else {
            ngx_str_set(&le->value, "+Inf");
        }

        if (ngx_http_tollgate_page_line(page, "_bucket", all, n, 0) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_http_tollgate_page_line(page, "_sum", labels, histogram->sum, 1)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_tollgate_page_line(page, "_count", labels, n, 0);
}


static ngx_int_t
ngx_http_tollgate_page_line(ngx_http_tollgate_page_t *page, const char *suffix,
    ngx_http_tollgate_label_t *labels, int64_t value, ngx_uint_t micro)
{
    size_t                      size;
    u_char                     *p, before;
    ngx_http_tollgate_label_t  *l;

    size = page->name->len + ngx_strlen(suffix)
           + NGX_HTTP_TOLLGATE_CREDITS_LEN + sizeof("{} \n");

    for (l = labels; l->name != NULL; l++) {
        size += ngx_strlen(l->name) + 2 * l->value.len + sizeof(",=\"\"");
    }

    p = ngx_http_tollgate_page_room(page, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(p, "%V%s", page->name, suffix);
    before = '{';

    for (l = labels; l->name != NULL; l++) {
        *p++ = before;
        before = ',';
        p = ngx_http_tollgate_page_label(p, l);
    }

    if (before == ',') {
        *p++ = '}';
    }

    *p++ = ' ';

    /* seconds and credits are both decimals of millionths */

    p = micro ? ngx_http_tollgate_credits(p, value)
              : ngx_sprintf(p, "%L", value);
    *p++ = '\n';

    ngx_http_tollgate_page_wrote(page, p);

    return NGX_OK;
}


static u_char *
ngx_http_tollgate_page_label(u_char *p, ngx_http_tollgate_label_t *label)
{
    u_char  ch;
    size_t  i;

    p = ngx_sprintf(p, "%s=\"", label->name);

    for (i = 0; i < label->value.len; i++) {
        ch = label->value.data[i];

        if (ch == '\\' || ch == '"' || ch == '\n') {
            *p++ = '\\';
        }

        *p++ = ch == '\n' ? 'n' : ch;
    }

    *p++ = '"';

    return p;
}


static u_char *
ngx_http_tollgate_page_room(ngx_http_tollgate_page_t *page, size_t size)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = page->last != NULL ? page->last->buf : NULL;

    if (b != NULL && (size_t) (b->end - b->last) >= size) {
        return b->last;
    }

    cl = ngx_alloc_chain_link(page->pool);
    if (cl == NULL) {
        return NULL;
    }

    cl->buf = ngx_create_temp_buf(page->pool,
                                  ngx_max(size, NGX_HTTP_TOLLGATE_PAGE_BUF));
    if (cl->buf == NULL) {
        return NULL;
    }

    cl->next = NULL;

    if (page->last != NULL) {
        page->last->next = cl;

    } else {
        page->first = cl;
    }

    page->last = cl;

    return cl->buf->last;
}


static void
ngx_http_tollgate_page_wrote(ngx_http_tollgate_page_t *page, u_char *p)
{
    page->size += p - page->last->buf->last;
    page->last->buf->last = p;
}
