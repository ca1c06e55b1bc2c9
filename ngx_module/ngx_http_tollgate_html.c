
/*
 * ngx_http_tollgate_html.c owns the page of a refusal, for people: whole in
 * itself, and with nothing in it that runs.
 */


#include "ngx_http_tollgate_deny.h"


/* the policy in the table of headers has the hash of this very text */

#define NGX_HTTP_TOLLGATE_HTML_STYLE                                          \
    ":root{color-scheme:light dark}"                                          \
    "body{margin:0;min-height:100vh;display:grid;place-items:center;"         \
    "font:1rem/1.5 system-ui,sans-serif}"                                     \
    "main{max-width:34rem;padding:2rem;box-sizing:border-box;"                \
    "overflow-wrap:anywhere}"                                                 \
    "h1{font-size:1.6rem;line-height:1.2;margin:0}"                           \
    "dl{display:grid;grid-template-columns:auto 1fr;gap:.3rem 1.5rem}"        \
    "dd{margin:0;font-weight:600}"                                            \
    "a{display:inline-block;padding:.6rem 1.4rem;border-radius:.4rem;"        \
    "background:#14532d;color:#fff;text-decoration:none}"                     \
    "a:focus-visible{outline:3px solid;outline-offset:3px}"                   \
    "small{opacity:.8}"

#define NGX_HTTP_TOLLGATE_HTML_FRAME  2048


static size_t ngx_http_tollgate_html_size(ngx_http_tollgate_ctx_t *ctx,
    ngx_str_t *facts, ngx_uint_t language);
static u_char *ngx_http_tollgate_html_head(u_char *p,
    ngx_http_tollgate_ctx_t *ctx, ngx_uint_t language);
static u_char *ngx_http_tollgate_html_facts(u_char *p, ngx_str_t *facts,
    ngx_uint_t language);
static u_char *ngx_http_tollgate_html_link(u_char *p, ngx_str_t *facts,
    ngx_uint_t language);
static ngx_uint_t ngx_http_tollgate_html_safe(ngx_str_t *url);
static u_char *ngx_http_tollgate_html_text(u_char *p, ngx_str_t *text);


static struct {
    const char                      *name;
    ngx_str_t                        value;
} ngx_http_tollgate_html_headers[] = {
    { "Content-Security-Policy",
      ngx_string("default-src 'none'; "
                 "style-src 'sha256-DGDFgJh5etSTTkZ3rqyjafdntjNLO+37irmnKrYKU+g='; "
                 "base-uri 'none'; form-action 'none'; "
                 "frame-ancestors 'none'") },
    { "Referrer-Policy", ngx_string("no-referrer") },
    { "X-Content-Type-Options", ngx_string("nosniff") }
};


/* in the order of ngx_http_tollgate_language_e */

static ngx_str_t  ngx_http_tollgate_html_languages[] = {
    ngx_string("en"),
    ngx_string("th"),
    ngx_string("id")
};


ngx_int_t
ngx_http_tollgate_html(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx,
    ngx_str_t *facts, ngx_buf_t *b)
{
    u_char      *p;
    size_t       size;
    ngx_str_t   *code;
    ngx_uint_t   i, n, language;

    language = ngx_http_tollgate_accept_language(r);
    code = &ngx_http_tollgate_html_languages[language];

    n = sizeof(ngx_http_tollgate_html_headers)
        / sizeof(ngx_http_tollgate_html_headers[0]);

    for (i = 0; i < n; i++) {
        if (ngx_http_tollgate_header(r, ngx_http_tollgate_html_headers[i].name,
                              ngx_http_tollgate_html_headers[i].value.data,
                              ngx_http_tollgate_html_headers[i].value.len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_http_tollgate_header(r, "Content-Language", code->data, code->len)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    size = ngx_http_tollgate_html_size(ctx, facts, language);

    b->start = ngx_pnalloc(r->pool, size);
    if (b->start == NULL) {
        return NGX_ERROR;
    }

    p = ngx_http_tollgate_html_head(b->start, ctx, language);
    p = ngx_http_tollgate_html_facts(p, facts, language);
    p = ngx_http_tollgate_html_link(p, facts, language);
    p = ngx_sprintf(p, "<p><small>%V <code>%V</code></small></p>"
                    "</main></body></html>" CRLF,
                    &ngx_http_tollgate_facts[NGX_HTTP_TOLLGATE_FACT_REQUEST_ID]
                         .label[language],
                    &facts[NGX_HTTP_TOLLGATE_FACT_REQUEST_ID]);

    b->pos = b->start;
    b->last = p;
    b->end = b->start + size;

    return NGX_OK;
}


/* Escaping makes six bytes of one, and the title stands there twice. */

static size_t
ngx_http_tollgate_html_size(ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts,
    ngx_uint_t language)
{
    size_t      size;
    ngx_uint_t  i;

    size = NGX_HTTP_TOLLGATE_HTML_FRAME + sizeof(NGX_HTTP_TOLLGATE_HTML_STYLE)
           + 12 * ngx_http_tollgate_fact_title(ctx, language)->len
           + 6 * ngx_http_tollgate_fact_detail(ctx, language)->len;

    for (i = 0; i < NGX_HTTP_TOLLGATE_FACTS; i++) {
        size += sizeof("<dt></dt><dd></dd>")
                + ngx_http_tollgate_facts[i].label[language].len
                + 6 * facts[i].len;
    }

    return size;
}


static u_char *
ngx_http_tollgate_html_head(u_char *p, ngx_http_tollgate_ctx_t *ctx,
    ngx_uint_t language)
{
    ngx_str_t  *title;

    title = ngx_http_tollgate_fact_title(ctx, language);

    p = ngx_sprintf(p, "<!DOCTYPE html><html lang=\"%V\"><head>"
                    "<meta charset=\"utf-8\">"
                    "<meta name=\"viewport\" "
                    "content=\"width=device-width, initial-scale=1\">"
                    "<title>",
                    &ngx_http_tollgate_html_languages[language]);
    p = ngx_http_tollgate_html_text(p, title);
    p = ngx_cpymem(p, "</title><style>", sizeof("</title><style>") - 1);
    p = ngx_cpymem(p, NGX_HTTP_TOLLGATE_HTML_STYLE,
                   sizeof(NGX_HTTP_TOLLGATE_HTML_STYLE) - 1);
    p = ngx_sprintf(p, "</style></head><body><main><p>%ui</p><h1>",
                    ngx_http_tollgate_verdicts[ctx->verdict].status);
    p = ngx_http_tollgate_html_text(p, title);
    p = ngx_cpymem(p, "</h1><p>", sizeof("</h1><p>") - 1);
    p = ngx_http_tollgate_html_text(p,
                                ngx_http_tollgate_fact_detail(ctx, language));

    return ngx_cpymem(p, "</p>", sizeof("</p>") - 1);
}


static u_char *
ngx_http_tollgate_html_facts(u_char *p, ngx_str_t *facts, ngx_uint_t language)
{
    u_char      *start;
    ngx_str_t   *label;
    ngx_uint_t   i;

    start = p;

    for (i = NGX_HTTP_TOLLGATE_FACT_PLAN;
         i < NGX_HTTP_TOLLGATE_FACT_UPGRADE_URL; i++)
    {
        label = &ngx_http_tollgate_facts[i].label[language];

        if (facts[i].len == 0 || label->len == 0) {
            continue;
        }

        p = ngx_sprintf(p, "%s<dt>%V</dt><dd>", p == start ? "<dl>" : "",
                        label);
        p = ngx_http_tollgate_html_text(p, &facts[i]);
        p = ngx_cpymem(p, "</dd>", sizeof("</dd>") - 1);
    }

    return p == start ? p : ngx_cpymem(p, "</dl>", sizeof("</dl>") - 1);
}


/* What is to be done about it. */

static u_char *
ngx_http_tollgate_html_link(u_char *p, ngx_str_t *facts, ngx_uint_t language)
{
    ngx_uint_t  i;

    for (i = NGX_HTTP_TOLLGATE_FACT_UPGRADE_URL; i < NGX_HTTP_TOLLGATE_FACTS;
         i++)
    {
        if (!ngx_http_tollgate_html_safe(&facts[i])) {
            continue;
        }

        p = ngx_cpymem(p, "<p><a href=\"", sizeof("<p><a href=\"") - 1);
        p = ngx_http_tollgate_html_text(p, &facts[i]);
        p = ngx_sprintf(p, "\">%V</a></p>",
                        &ngx_http_tollgate_facts[i].label[language]);
    }

    return p;
}


/* A URL with variables may have become one that does something. */

static ngx_uint_t
ngx_http_tollgate_html_safe(ngx_str_t *url)
{
    ngx_uint_t  i;

    static ngx_str_t  begins[] = {
        ngx_string("https://"), ngx_string("http://"), ngx_string("/")
    };

    for (i = 0; i < 3; i++) {
        if (url->len >= begins[i].len
            && ngx_strncasecmp(url->data, begins[i].data, begins[i].len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static u_char *
ngx_http_tollgate_html_text(u_char *p, ngx_str_t *text)
{
    return (u_char *) ngx_escape_html(p, text->data, text->len);
}
