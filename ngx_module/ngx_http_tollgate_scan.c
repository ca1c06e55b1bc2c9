
/*
 * ngx_http_tollgate_scan.c owns the reading of JSON: a scanner that is fed
 * piece by piece, keeps nothing but the wanted fields, and refuses what two
 * readers could understand in two ways.  Strings are in _scan_string.c, what
 * is wanted in _scan_path.c.
 */


#include "ngx_http_tollgate_scan.h"


static u_char *ngx_http_tollgate_scan_blank(u_char *p, u_char *last);
static u_char *ngx_http_tollgate_scan_value(ngx_http_tollgate_scan_t *scan,
    u_char *p, u_char *last);
static u_char *ngx_http_tollgate_scan_open(ngx_http_tollgate_scan_t *scan,
    u_char *p);
static u_char *ngx_http_tollgate_scan_close(ngx_http_tollgate_scan_t *scan,
    u_char *p);
static u_char *ngx_http_tollgate_scan_member(ngx_http_tollgate_scan_t *scan,
    u_char *p, u_char *last);
static u_char *ngx_http_tollgate_scan_after(ngx_http_tollgate_scan_t *scan,
    u_char *p, u_char *last);
static u_char *ngx_http_tollgate_scan_literal(ngx_http_tollgate_scan_t *scan,
    u_char *p, u_char *last);
static u_char *ngx_http_tollgate_scan_number(ngx_http_tollgate_scan_t *scan,
    u_char *p, u_char *last);


/* states of a number, and where a byte of these leads; 0: to no number */

typedef enum {
    NGX_HTTP_TOLLGATE_SCAN_NONE = 0,
    NGX_HTTP_TOLLGATE_SCAN_START,
    NGX_HTTP_TOLLGATE_SCAN_MINUS,
    NGX_HTTP_TOLLGATE_SCAN_ZERO,
    NGX_HTTP_TOLLGATE_SCAN_WHOLE,
    NGX_HTTP_TOLLGATE_SCAN_POINT,
    NGX_HTTP_TOLLGATE_SCAN_FRACTION,
    NGX_HTTP_TOLLGATE_SCAN_E,
    NGX_HTTP_TOLLGATE_SCAN_SIGN,
    NGX_HTTP_TOLLGATE_SCAN_EXPONENT,
    NGX_HTTP_TOLLGATE_SCAN_NUMBERS
} ngx_http_tollgate_scan_number_e;


static u_char
    ngx_http_tollgate_scan_numbers[NGX_HTTP_TOLLGATE_SCAN_NUMBERS][6] = {
    /*            0  1  -  +  .  e */
    /* none */  { 0, 0, 0, 0, 0, 0 },
    /* start */ { 3, 4, 2, 0, 0, 0 },
    /* minus */ { 3, 4, 0, 0, 0, 0 },
    /* zero */  { 0, 0, 0, 0, 5, 7 },
    /* whole */ { 4, 4, 0, 0, 5, 7 },
    /* point */ { 6, 6, 0, 0, 0, 0 },
    /* fract */ { 6, 6, 0, 0, 0, 7 },
    /* e */     { 9, 9, 8, 8, 0, 0 },
    /* sign */  { 9, 9, 0, 0, 0, 0 },
    /* expon */ { 9, 9, 0, 0, 0, 0 }
};


ngx_int_t
ngx_http_tollgate_scan_start(ngx_http_tollgate_scan_t *scan,
    ngx_http_tollgate_scan_want_t *want, ngx_pool_t *pool)
{
    ngx_memzero(scan, sizeof(ngx_http_tollgate_scan_t));

    scan->want = want;
    scan->pool = pool;
    scan->state = ngx_http_tollgate_scan_value;
    scan->field = -1;

    scan->values = ngx_pcalloc(pool, want->nfields * sizeof(ngx_str_t));
    scan->marks = ngx_pcalloc(pool, want->parts.nelts
                                    * sizeof(ngx_http_tollgate_scan_mark_t));

    return scan->values && scan->marks ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_tollgate_scan_feed(ngx_http_tollgate_scan_t *scan, u_char *p,
    u_char *last)
{
    if (p < last) {
        scan->any = 1;
    }

    while (p < last && scan->fault == NULL) {
        p = scan->state(scan, p, last);
    }

    return scan->fault ? NGX_ERROR : NGX_OK;
}


/* A body without a byte is none, and has no fields. */

ngx_int_t
ngx_http_tollgate_scan_end(ngx_http_tollgate_scan_t *scan)
{
    u_char  blank;

    /* a number ends with what follows it */

    blank = ' ';

    if (scan->any) {
        (void) ngx_http_tollgate_scan_feed(scan, &blank, &blank + 1);

        if (scan->depth || scan->state != ngx_http_tollgate_scan_after) {
            (void) ngx_http_tollgate_scan_fail(scan, "it is cut short");
        }
    }

    return scan->fault ? NGX_ERROR : NGX_OK;
}


/* What is wrong first is told. */

u_char *
ngx_http_tollgate_scan_fail(ngx_http_tollgate_scan_t *scan, const char *fault)
{
    if (scan->fault == NULL) {
        scan->fault = fault;
    }

    return NULL;
}


static u_char *
ngx_http_tollgate_scan_blank(u_char *p, u_char *last)
{
    while (p < last && (*p == ' ' || *p == LF || *p == CR || *p == '\t')) {
        p++;
    }

    return p;
}


static u_char *
ngx_http_tollgate_scan_value(ngx_http_tollgate_scan_t *scan, u_char *p,
    u_char *last)
{
    ngx_uint_t                      i;
    ngx_http_tollgate_scan_part_t  *part;

    p = ngx_http_tollgate_scan_blank(p, last);

    if (p == last) {
        return p;
    }

    if (scan->empty && *p == ']') {
        return ngx_http_tollgate_scan_close(scan, p);
    }

    part = scan->want->parts.elts;

    /* members have been looked for by their name */

    if (scan->depth && scan->stack[scan->depth - 1] == '[') {
        scan->next = -1;

        if (scan->depth == scan->inside) {
            for (i = 1; i < scan->want->parts.nelts; i++) {
                if (part[i].parent == scan->part && part[i].index
                    == (ngx_int_t) scan->marks[scan->part].elements)
                {
                    scan->next = i;
                }
            }

            scan->marks[scan->part].elements++;
        }
    }

    scan->empty = 0;
    scan->field = scan->next < 0 ? -1 : part[scan->next].field;
    scan->text.len = 0;
    scan->text.cut = 0;

    switch (*p) {

    case '{':
    case '[':
        return ngx_http_tollgate_scan_open(scan, p);

    case '"':
        scan->key = 0;
        scan->kept = scan->field >= 0;
        scan->state = ngx_http_tollgate_scan_string;
        return p + 1;

    case 't':
    case 'f':
    case 'n':
        scan->rest = *p == 't' ? "true" : *p == 'f' ? "false" : "null";
        scan->state = ngx_http_tollgate_scan_literal;
        return p;

    default:
        scan->number = NGX_HTTP_TOLLGATE_SCAN_START;
        scan->state = ngx_http_tollgate_scan_number;
        return p;
    }
}


static u_char *
ngx_http_tollgate_scan_open(ngx_http_tollgate_scan_t *scan, u_char *p)
{
    if (scan->field >= 0) {
        return ngx_http_tollgate_scan_fail(scan, "a field that decides the "
                                           "price is an object or an array");
    }

    if (scan->depth == NGX_HTTP_TOLLGATE_SCAN_DEPTH) {
        return ngx_http_tollgate_scan_fail(scan, "it is nested too deeply");
    }

    scan->stack[scan->depth++] = *p;

    if (scan->next >= 0) {
        scan->inside = scan->depth;
        scan->part = scan->next;
    }

    scan->empty = 1;
    scan->state = *p == '{' ? ngx_http_tollgate_scan_member
                            : ngx_http_tollgate_scan_value;

    return p + 1;
}


static u_char *
ngx_http_tollgate_scan_close(ngx_http_tollgate_scan_t *scan, u_char *p)
{
    ngx_http_tollgate_scan_part_t  *part;

    if (scan->depth == scan->inside) {
        part = scan->want->parts.elts;
        scan->part = part[scan->part].parent;
        scan->inside--;
    }

    scan->depth--;
    scan->empty = 0;
    scan->state = ngx_http_tollgate_scan_after;

    return p + 1;
}


static u_char *
ngx_http_tollgate_scan_member(ngx_http_tollgate_scan_t *scan, u_char *p,
    u_char *last)
{
    p = ngx_http_tollgate_scan_blank(p, last);

    if (p == last) {
        return p;
    }

    if (scan->empty && *p == '}') {
        return ngx_http_tollgate_scan_close(scan, p);
    }

    if (*p != '"') {
        return ngx_http_tollgate_scan_fail(scan, "it is no JSON");
    }

    scan->empty = 0;
    scan->key = 1;
    scan->kept = scan->depth == scan->inside;
    scan->text.len = 0;
    scan->text.cut = 0;
    scan->folded.len = 0;
    scan->folded.cut = 0;
    scan->state = ngx_http_tollgate_scan_string;

    return p + 1;
}


u_char *
ngx_http_tollgate_scan_colon(ngx_http_tollgate_scan_t *scan, u_char *p,
    u_char *last)
{
    p = ngx_http_tollgate_scan_blank(p, last);

    if (p == last) {
        return p;
    }

    if (*p != ':') {
        return ngx_http_tollgate_scan_fail(scan, "it is no JSON");
    }

    scan->state = ngx_http_tollgate_scan_value;

    return p + 1;
}


static u_char *
ngx_http_tollgate_scan_after(ngx_http_tollgate_scan_t *scan, u_char *p,
    u_char *last)
{
    u_char  open;

    p = ngx_http_tollgate_scan_blank(p, last);

    if (p == last) {
        return p;
    }

    open = scan->depth ? scan->stack[scan->depth - 1] : '\0';

    if ((open == '{' && *p == '}') || (open == '[' && *p == ']')) {
        return ngx_http_tollgate_scan_close(scan, p);
    }

    if (open == '\0' || *p != ',') {
        return ngx_http_tollgate_scan_fail(scan, open ? "it is no JSON"
                                           : "more follows its end");
    }

    scan->state = open == '{' ? ngx_http_tollgate_scan_member
                              : ngx_http_tollgate_scan_value;

    return p + 1;
}


static u_char *
ngx_http_tollgate_scan_literal(ngx_http_tollgate_scan_t *scan, u_char *p,
    u_char *last)
{
    ngx_uint_t  null;

    if (*p != *scan->rest) {
        return ngx_http_tollgate_scan_fail(scan, "it is no JSON");
    }

    ngx_http_tollgate_scan_add(&scan->text, *p, NGX_HTTP_TOLLGATE_SCAN_VALUE);

    if (*++scan->rest != '\0') {
        return p + 1;
    }

    /* null is none */

    null = scan->text.data[0] == 'n';

    if (null) {
        scan->text.len = 0;
    }

    return ngx_http_tollgate_scan_done(scan, p + 1);
}


static u_char *
ngx_http_tollgate_scan_number(ngx_http_tollgate_scan_t *scan, u_char *p,
    u_char *last)
{
    ngx_uint_t  next;
    const char *at;

    static const char  bytes[] = "0-+.eE";
    static u_char      columns[] = { 0, 2, 3, 4, 5, 5 };

    for ( /* void */ ; p < last; p++) {
        at = *p >= '1' && *p <= '9' ? NULL : memchr(bytes, *p, 6);

        if (at == NULL && (*p < '1' || *p > '9')) {
            next = NGX_HTTP_TOLLGATE_SCAN_NONE;

        } else {
            next = ngx_http_tollgate_scan_numbers[scan->number]
                                              [at ? columns[at - bytes] : 1];
        }

        if (next == NGX_HTTP_TOLLGATE_SCAN_NONE) {
            break;
        }

        scan->number = next;

        if (scan->field >= 0) {
            ngx_http_tollgate_scan_add(&scan->text, *p,
                                       NGX_HTTP_TOLLGATE_SCAN_VALUE);
        }
    }

    if (p == last) {
        return p;
    }

    switch (scan->number) {

    case NGX_HTTP_TOLLGATE_SCAN_ZERO:
    case NGX_HTTP_TOLLGATE_SCAN_WHOLE:
    case NGX_HTTP_TOLLGATE_SCAN_FRACTION:
    case NGX_HTTP_TOLLGATE_SCAN_EXPONENT:
        break;

    default:
        return ngx_http_tollgate_scan_fail(scan, "it is no JSON");
    }

    return scan->text.cut ? ngx_http_tollgate_scan_fail(scan, "a field is too "
                                                        "long")
                          : ngx_http_tollgate_scan_done(scan, p);
}


u_char *
ngx_http_tollgate_scan_done(ngx_http_tollgate_scan_t *scan, u_char *p)
{
    ngx_str_t  *value;

    scan->state = ngx_http_tollgate_scan_after;

    if (scan->field < 0 || scan->text.len == 0) {
        return p;
    }

    value = &scan->values[scan->field];

    value->data = ngx_pnalloc(scan->pool, scan->text.len);
    if (value->data == NULL) {
        return ngx_http_tollgate_scan_fail(scan, "there is no memory for it");
    }

    ngx_memcpy(value->data, scan->text.data, scan->text.len);
    value->len = scan->text.len;

    return p;
}
