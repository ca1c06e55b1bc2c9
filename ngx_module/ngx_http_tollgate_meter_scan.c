
/*
 * ngx_http_tollgate_meter_scan.c owns finding what a response says it used: in
 * a document, or in a stream of events with one in each, fed piece by piece.
 */


#include "ngx_http_tollgate_meter.h"


/* states of a line behind the letters of "data" */

#define NGX_HTTP_TOLLGATE_METER_COLON    4
#define NGX_HTTP_TOLLGATE_METER_DATA     5
#define NGX_HTTP_TOLLGATE_METER_OTHER    6


static void ngx_http_tollgate_meter_lines(
    ngx_http_tollgate_meter_scan_t *scan, u_char *p, u_char *last);
static void ngx_http_tollgate_meter_line_end(
    ngx_http_tollgate_meter_scan_t *scan);


void
ngx_http_tollgate_meter_start(ngx_http_tollgate_meter_scan_t *scan,
    ngx_uint_t dialects, ngx_uint_t stream)
{
    ngx_uint_t  i;

    ngx_memzero(scan, sizeof(ngx_http_tollgate_meter_scan_t));

    scan->dialects = dialects;
    scan->stream = stream;
    scan->ended = 1;

    for (i = 0; i < NGX_HTTP_TOLLGATE_METER_COUNTS; i++) {
        scan->counts[i] = NGX_HTTP_TOLLGATE_METER_UNTOLD;
    }

    ngx_http_tollgate_meter_document(scan);
}


void
ngx_http_tollgate_meter_feed(ngx_http_tollgate_meter_scan_t *scan, u_char *p,
    u_char *last)
{
    if (scan->stream) {
        ngx_http_tollgate_meter_lines(scan, p, last);

    } else {
        ngx_http_tollgate_meter_json(scan, p, last);
    }
}


/* Feeds what is left of the event under way; where it ends, or last. */

u_char *
ngx_http_tollgate_meter_event(ngx_http_tollgate_meter_scan_t *scan, u_char *p,
    u_char *last)
{
    while (p < last && !scan->ended) {
        ngx_http_tollgate_meter_feed(scan, p, p + 1);
        p++;
    }

    if (p < last && scan->cr && *p == LF) {
        ngx_http_tollgate_meter_feed(scan, p, p + 1);
        p++;
    }

    return p;
}


/* Lines end with CR, LF or both; of their fields only "data" counts. */

static void
ngx_http_tollgate_meter_lines(ngx_http_tollgate_meter_scan_t *scan, u_char *p,
    u_char *last)
{
    u_char  *start;

    static const char  name[] = "data:";

    while (p < last) {

        if (*p == CR || *p == LF) {
            if (*p == CR || !scan->cr) {
                ngx_http_tollgate_meter_line_end(scan);
            }

            scan->cr = *p++ == CR;
            continue;
        }

        scan->cr = 0;
        scan->ended = 0;

        if (scan->field <= NGX_HTTP_TOLLGATE_METER_COLON) {
            scan->field = *p == (u_char) name[scan->field]
                          ? scan->field + 1 : NGX_HTTP_TOLLGATE_METER_OTHER;
            p++;
            continue;
        }

        start = p;

        while (p < last && *p != CR && *p != LF) {
            p++;
        }

        if (scan->field == NGX_HTTP_TOLLGATE_METER_OTHER) {
            continue;
        }

        scan->data = 1;

        /* a space behind the colon is nothing to JSON either */

        ngx_http_tollgate_meter_json(scan, start, p);
    }
}


/* An empty line ends the event; lines of data are joined by an LF. */

static void
ngx_http_tollgate_meter_line_end(ngx_http_tollgate_meter_scan_t *scan)
{
    u_char  lf;

    lf = LF;
    scan->ended = scan->field == 0;

    if (scan->field == 0) {
        ngx_http_tollgate_meter_document(scan);
        scan->data = 0;

    } else if (scan->data) {
        ngx_http_tollgate_meter_json(scan, &lf, &lf + 1);
    }

    scan->field = 0;
}


/*
 * OpenAI's input has the cached tokens in it; Anthropic's has not, and those
 * that it wrote into the cache are input.  Who tells prompt_tokens speaks as
 * OpenAI does, whatever else is told.
 */

ngx_int_t
ngx_http_tollgate_meter_tokens(ngx_http_tollgate_meter_scan_t *scan,
    ngx_http_tollgate_meter_tokens_t *tokens)
{
    int64_t     *counts, cached, written;
    ngx_int_t    rc;
    ngx_uint_t   i, prompt;

    counts = scan->counts;
    prompt = counts[NGX_HTTP_TOLLGATE_METER_PROMPT]
             != NGX_HTTP_TOLLGATE_METER_UNTOLD;
    i = prompt ? NGX_HTTP_TOLLGATE_METER_PROMPT
               : NGX_HTTP_TOLLGATE_METER_INPUT;

    /* the three of a dialect follow one another */

    tokens->input = counts[i];
    cached = counts[i + 1];
    tokens->output = counts[i + 2];
    written = 0;

    rc = tokens->input == NGX_HTTP_TOLLGATE_METER_WRONG
         || cached == NGX_HTTP_TOLLGATE_METER_WRONG
         || tokens->output == NGX_HTTP_TOLLGATE_METER_WRONG
         ? NGX_ERROR : NGX_OK;

    if (prompt || cached != NGX_HTTP_TOLLGATE_METER_UNTOLD) {
        cached = ngx_min(ngx_max(cached, 0), ngx_max(tokens->input, 0));
        written = -cached;

    } else {
        cached = counts[NGX_HTTP_TOLLGATE_METER_CACHE_READ];
        written = counts[NGX_HTTP_TOLLGATE_METER_CACHE_WRITE];

        if (cached == NGX_HTTP_TOLLGATE_METER_WRONG
            || written == NGX_HTTP_TOLLGATE_METER_WRONG)
        {
            rc = NGX_ERROR;
        }

        written = ngx_max(written, 0);
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    tokens->cached = ngx_max(cached, 0);

    if (tokens->input >= 0) {
        tokens->input += written;
    }

    /* embeddings have no output */

    if (prompt && tokens->output < 0 && !scan->stream) {
        tokens->output = 0;
    }

    return tokens->input >= 0 && tokens->output >= 0 ? NGX_OK : NGX_DECLINED;
}
