
/*
 * ngx_http_tollgate_scan_string.c owns the strings of a JSON body: UTF-8,
 * escapes, and the keeping of what is wanted.
 */


#include "ngx_http_tollgate_scan.h"


static u_char *ngx_http_tollgate_scan_lead(ngx_http_tollgate_scan_t *scan,
    u_char *p);
static u_char *ngx_http_tollgate_scan_utf8(ngx_http_tollgate_scan_t *scan,
    u_char *p, u_char *last);
static u_char *ngx_http_tollgate_scan_escape(ngx_http_tollgate_scan_t *scan,
    u_char *p, u_char *last);
static u_char *ngx_http_tollgate_scan_hex(ngx_http_tollgate_scan_t *scan,
    u_char *p, u_char *last);
static u_char *ngx_http_tollgate_scan_pair(ngx_http_tollgate_scan_t *scan,
    u_char *p, u_char *last);
static u_char *ngx_http_tollgate_scan_half(ngx_http_tollgate_scan_t *scan,
    u_char *p);
static u_char *ngx_http_tollgate_scan_keep(ngx_http_tollgate_scan_t *scan,
    uint32_t code, u_char *p);
static uint32_t ngx_http_tollgate_scan_fold(uint32_t code);


u_char *
ngx_http_tollgate_scan_string(ngx_http_tollgate_scan_t *scan, u_char *p,
    u_char *last)
{
    for ( /* void */ ; p < last; p++) {

        if (*p == '"') {
            return scan->key ? ngx_http_tollgate_scan_name(scan, p + 1)
                             : ngx_http_tollgate_scan_done(scan, p + 1);
        }

        if (*p == '\\') {
            scan->state = ngx_http_tollgate_scan_escape;
            return p + 1;
        }

        if (*p < 0x20) {
            return ngx_http_tollgate_scan_fail(scan, "it is no JSON");
        }

        if (*p >= 0x80) {
            return ngx_http_tollgate_scan_lead(scan, p);
        }

        if (scan->kept
            && ngx_http_tollgate_scan_keep(scan, *p, p) == NULL)
        {
            return NULL;
        }
    }

    return p;
}


static u_char *
ngx_http_tollgate_scan_lead(ngx_http_tollgate_scan_t *scan, u_char *p)
{
    if (*p >= 0xc0 && *p < 0xe0) {
        scan->bytes = 1;
        scan->least = 0x80;
        scan->code = *p & 0x1f;

    } else if (*p >= 0xe0 && *p < 0xf0) {
        scan->bytes = 2;
        scan->least = 0x800;
        scan->code = *p & 0x0f;

    } else if (*p >= 0xf0 && *p < 0xf8) {
        scan->bytes = 3;
        scan->least = 0x10000;
        scan->code = *p & 0x07;

    } else {
        return ngx_http_tollgate_scan_fail(scan, "it is not UTF-8");
    }

    scan->state = ngx_http_tollgate_scan_utf8;

    return p + 1;
}


static u_char *
ngx_http_tollgate_scan_utf8(ngx_http_tollgate_scan_t *scan, u_char *p,
    u_char *last)
{
    if ((*p & 0xc0) != 0x80) {
        return ngx_http_tollgate_scan_fail(scan, "it is not UTF-8");
    }

    scan->code = scan->code << 6 | (*p & 0x3f);

    if (--scan->bytes) {
        return p + 1;
    }

    if (scan->code < scan->least || scan->code > 0x10ffff
        || (scan->code >= 0xd800 && scan->code < 0xe000))
    {
        return ngx_http_tollgate_scan_fail(scan, "it is not UTF-8");
    }

    scan->state = ngx_http_tollgate_scan_string;

    return ngx_http_tollgate_scan_keep(scan, scan->code, p + 1);
}


static u_char *
ngx_http_tollgate_scan_escape(ngx_http_tollgate_scan_t *scan, u_char *p,
    u_char *last)
{
    const char  *at;

    static const char  escapes[] = "\"\\/bfnrt";
    static const char  meant[] = "\"\\/\b\f\n\r\t";

    if (*p == 'u') {
        scan->digits = 4;
        scan->code = 0;
        scan->state = ngx_http_tollgate_scan_hex;
        return p + 1;
    }

    at = memchr(escapes, *p, sizeof(escapes) - 1);

    if (at == NULL) {
        return ngx_http_tollgate_scan_fail(scan, "it is no JSON");
    }

    scan->state = ngx_http_tollgate_scan_string;

    return ngx_http_tollgate_scan_keep(scan, meant[at - escapes], p + 1);
}


static u_char *
ngx_http_tollgate_scan_hex(ngx_http_tollgate_scan_t *scan, u_char *p,
    u_char *last)
{
    u_char    ch;
    uint32_t  code;

    ch = *p | 0x20;

    if (*p >= '0' && *p <= '9') {
        ch = *p - '0';

    } else if (ch >= 'a' && ch <= 'f') {
        ch = ch - 'a' + 10;

    } else {
        return ngx_http_tollgate_scan_fail(scan, "it is no JSON");
    }

    scan->code = scan->code << 4 | ch;

    if (--scan->digits) {
        return p + 1;
    }

    code = scan->code;

    if (scan->high && code >= 0xdc00 && code < 0xe000) {
        code = 0x10000 + ((scan->high & 0x3ff) << 10) + (code & 0x3ff);
        scan->high = 0;

    } else if (scan->high
               && ngx_http_tollgate_scan_half(scan, p) == NULL)
    {
        return NULL;
    }

    if (code >= 0xd800 && code < 0xdc00) {
        scan->high = code;
        scan->state = ngx_http_tollgate_scan_pair;
        return p + 1;
    }

    scan->state = ngx_http_tollgate_scan_string;

    return code >= 0xdc00 && code < 0xe000
           ? ngx_http_tollgate_scan_half(scan, p + 1)
           : ngx_http_tollgate_scan_keep(scan, code, p + 1);
}


/* The first half of a pair of escapes stands alone, unless another follows. */

static u_char *
ngx_http_tollgate_scan_pair(ngx_http_tollgate_scan_t *scan, u_char *p,
    u_char *last)
{
    if (!scan->digits && *p == '\\') {
        scan->digits = 1;
        return p + 1;
    }

    scan->state = ngx_http_tollgate_scan_string;

    if (scan->digits) {
        scan->digits = 0;
        scan->state = ngx_http_tollgate_scan_escape;

        if (*p == 'u') {
            return p;
        }
    }

    return ngx_http_tollgate_scan_half(scan, p);
}


/* JavaScript writes them where it cut a text; nobody agrees what they are. */

static u_char *
ngx_http_tollgate_scan_half(ngx_http_tollgate_scan_t *scan, u_char *p)
{
    scan->high = 0;

    return scan->kept ? ngx_http_tollgate_scan_fail(scan, "a field has half "
                                                    "a character")
                      : p;
}


/* Returns p, for whoever goes on there. */

static u_char *
ngx_http_tollgate_scan_keep(ngx_http_tollgate_scan_t *scan, uint32_t code,
    u_char *p)
{
    if (!scan->kept) {
        return p;
    }

    /* where a name ends for a reader in C, or a header that a value goes into */

    if (code == 0 || (!scan->key && (code < 0x20 || code == 0x7f))) {
        return ngx_http_tollgate_scan_fail(scan, "a field has control "
                                           "characters");
    }

    if (scan->key) {
        ngx_http_tollgate_scan_add(&scan->text, code,
                                   NGX_HTTP_TOLLGATE_SCAN_NAME);
        ngx_http_tollgate_scan_add(&scan->folded,
                                   ngx_http_tollgate_scan_fold(code),
                                   NGX_HTTP_TOLLGATE_SCAN_NAME);
        return p;
    }

    ngx_http_tollgate_scan_add(&scan->text, code,
                               NGX_HTTP_TOLLGATE_SCAN_VALUE);

    return scan->text.cut ? ngx_http_tollgate_scan_fail(scan, "a field is too "
                                                        "long")
                          : p;
}


/* Adds a character as UTF-8. */

void
ngx_http_tollgate_scan_add(ngx_http_tollgate_scan_text_t *text, uint32_t code,
    size_t max)
{
    u_char  *p;
    size_t   n;

    n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    if (text->cut || text->len + n > max) {
        text->cut = 1;
        return;
    }

    p = text->data + text->len;
    text->len += n;

    if (n == 1) {
        *p = (u_char) code;
        return;
    }

    *p = (u_char) (0xf00 >> n | code >> 6 * (n - 1));

    while (--n) {
        *++p = (u_char) (0x80 | (code >> 6 * (n - 1) & 0x3f));
    }
}


/* As readers do that don't look at case: the long s and the Kelvin sign too. */

static uint32_t
ngx_http_tollgate_scan_fold(uint32_t code)
{
    return code == 0x17f ? 's' : code == 0x212a ? 'k'
           : code >= 'A' && code <= 'Z' ? code | 0x20 : code;
}
