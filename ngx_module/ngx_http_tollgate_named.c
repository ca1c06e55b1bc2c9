
/*
 * ngx_http_tollgate_named.c owns the lines of an answer that tell of limits
 * with a name.
 */


#include "ngx_http_tollgate.h"


static void ngx_http_tollgate_named_word(ngx_str_t *line, ngx_str_t *word);


/* The limit with a name that refused; NGX_DECLINED where none did. */

ngx_int_t
ngx_http_tollgate_named_refuser(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_named_t *named)
{
    ngx_str_t  lines;

    lines = ctx->named;

    while (ctx->refuser.len
           && ngx_http_tollgate_named_next(&lines, named) == NGX_OK)
    {
        if (named->name.len == ctx->refuser.len
            && ngx_memcmp(named->name.data, ctx->refuser.data,
                          ctx->refuser.len)
               == 0)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/*
 * Takes the first line off the lines of limits with a name.  NGX_DECLINED: it
 * was the last one, or is none.
 */

ngx_int_t
ngx_http_tollgate_named_next(ngx_str_t *lines,
    ngx_http_tollgate_named_t *named)
{
    u_char     *end;
    int64_t     n[3];
    ngx_str_t   line, number;
    ngx_uint_t  i;

    if (lines->len == 0) {
        return NGX_DECLINED;
    }

    end = ngx_strlchr(lines->data, lines->data + lines->len, LF);

    if (end == NULL) {
        return NGX_DECLINED;
    }

    line.data = lines->data;
    line.len = end - lines->data;

    lines->data = end + 1;
    lines->len -= line.len + 1;

    ngx_http_tollgate_named_word(&line, &named->name);
    ngx_http_tollgate_named_word(&line, &named->meter);

    for (i = 0; i < 3; i++) {
        ngx_http_tollgate_named_word(&line, &number);
        n[i] = ngx_atoi(number.data, number.len);

        if (n[i] < 0 || n[i] > NGX_HTTP_TOLLGATE_MAX) {
            return NGX_DECLINED;
        }
    }

    ngx_http_tollgate_named_word(&line, &named->window);
    ngx_http_tollgate_named_word(&line, &named->effect);

    if (named->name.len == 0
        || !ngx_http_tollgate_named_code(&named->name)
        || !ngx_http_tollgate_named_code(&named->meter)
        || !ngx_http_tollgate_named_code(&named->window)
        || !ngx_http_tollgate_named_code(&named->effect))
    {
        return NGX_DECLINED;
    }

    named->limit.max = n[0];
    named->limit.left = n[1];
    named->limit.reset = n[2];

    named->rate = ngx_http_tollgate_named_is(&named->meter, "rate");
    named->credits = ngx_http_tollgate_named_is(&named->meter, "credits");
    named->running = ngx_http_tollgate_named_is(&named->meter, "running");
    named->refuses = ngx_http_tollgate_named_is(&named->effect, "refuse");

    return NGX_OK;
}


/* Whether a text may stand in headers, JSON and records as it is. */

ngx_uint_t
ngx_http_tollgate_named_code(ngx_str_t *text)
{
    u_char      c;
    ngx_uint_t  i;

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '.'
            && c != '_' && c != ':' && c != '-')
        {
            return 0;
        }
    }

    return text->len <= NGX_HTTP_TOLLGATE_CODE_LEN;
}


/* Takes the first word off a line. */

static void
ngx_http_tollgate_named_word(ngx_str_t *line, ngx_str_t *word)
{
    u_char  *end;

    word->data = line->data;

    for (end = line->data; end < line->data + line->len; end++) {
        if (*end == ' ') {
            break;
        }
    }

    word->len = end - line->data;

    if (end < line->data + line->len) {
        end++;
    }

    line->len -= end - line->data;
    line->data = end;
}


ngx_uint_t
ngx_http_tollgate_named_is(ngx_str_t *word, const char *text)
{
    return word->len == ngx_strlen(text)
           && ngx_memcmp(word->data, text, word->len) == 0;
}
