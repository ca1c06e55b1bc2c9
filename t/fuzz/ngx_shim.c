
/*
 * ngx_shim.c: the few functions of nginx that readers of outside bytes use,
 * written anew and as plainly as can be.
 */


#include "ngx_shim.h"


static ngx_time_t  shim_now = { 1, 0, 0 };

volatile ngx_time_t  *ngx_cached_time = &shim_now;
ngx_uint_t  shim_fails;
u_char  shim_logged[2048];
uint32_t  ngx_crc32_table256[256];

ngx_module_t  ngx_http_tollgate_module = { .ctx_index = 0 };


__attribute__((constructor))
static void
shim_init(void)
{
    uint32_t    sum;
    ngx_uint_t  i, bit;

    for (i = 0; i < 256; i++) {
        sum = i;

        for (bit = 0; bit < 8; bit++) {
            sum = sum & 1 ? 0xedb88320 ^ sum >> 1 : sum >> 1;
        }

        ngx_crc32_table256[i] = sum;
    }
}


/* memory */

ngx_pool_t *
shim_pool(void)
{
    ngx_pool_t  *pool;

    pool = calloc(1, sizeof(ngx_pool_t));
    CHECK(pool != NULL);

    return pool;
}


void
shim_pool_free(ngx_pool_t *pool)
{
    ngx_pool_large_t  *l;

    while (pool->large != NULL) {
        l = pool->large;
        pool->large = l->next;
        free(l->alloc);
        free(l);
    }

    free(pool);
    shim_fails = 0;
}


void *
ngx_palloc(ngx_pool_t *pool, size_t size)
{
    ngx_pool_large_t  *l;

    if (shim_fails != 0 && --shim_fails == 0) {
        return NULL;
    }

    l = malloc(sizeof(ngx_pool_large_t));
    CHECK(l != NULL);

    l->alloc = malloc(size);
    CHECK(l->alloc != NULL);

    l->next = pool->large;
    pool->large = l;

    return l->alloc;
}


void *
ngx_pnalloc(ngx_pool_t *pool, size_t size)
{
    return ngx_palloc(pool, size);
}


void *
ngx_pcalloc(ngx_pool_t *pool, size_t size)
{
    void  *p;

    p = ngx_palloc(pool, size);

    return p ? memset(p, 0, size) : NULL;
}


u_char *
ngx_pstrdup(ngx_pool_t *pool, ngx_str_t *src)
{
    u_char  *p;

    p = ngx_palloc(pool, src->len);

    return p ? memcpy(p, src->data, src->len) : NULL;
}


void *
ngx_array_push(ngx_array_t *a)
{
    void  *elts;

    if (a->nelts == a->nalloc) {
        elts = ngx_palloc(a->pool, 2 * a->nalloc * a->size);
        if (elts == NULL) {
            return NULL;
        }

        a->elts = memcpy(elts, a->elts, a->nelts * a->size);
        a->nalloc *= 2;
    }

    return (u_char *) a->elts + a->size * a->nelts++;
}


void *
ngx_list_push(ngx_list_t *l)
{
    ngx_list_part_t  *last;

    last = l->last;

    if (last->nelts == l->nalloc) {
        last = ngx_pcalloc(l->pool, sizeof(ngx_list_part_t));
        if (last == NULL) {
            return NULL;
        }

        last->elts = ngx_palloc(l->pool, l->nalloc * l->size);
        if (last->elts == NULL) {
            return NULL;
        }

        l->last->next = last;
        l->last = last;
    }

    return (u_char *) last->elts + l->size * last->nelts++;
}


/* text */

ngx_int_t
ngx_strncasecmp(u_char *s1, u_char *s2, size_t n)
{
    return strncasecmp((char *) s1, (char *) s2, n);
}


ngx_int_t
ngx_memn2cmp(u_char *s1, u_char *s2, size_t n1, size_t n2)
{
    ngx_int_t  rc;

    rc = memcmp(s1, s2, ngx_min(n1, n2));

    return rc ? rc : n1 < n2 ? -1 : n1 > n2;
}


ngx_int_t
ngx_atoi(u_char *line, size_t n)
{
    ngx_int_t  value;

    if (n == 0) {
        return NGX_ERROR;
    }

    for (value = 0; n--; line++) {
        if (*line < '0' || *line > '9'
            || __builtin_mul_overflow(value, 10, &value)
            || __builtin_add_overflow(value, *line - '0', &value))
        {
            return NGX_ERROR;
        }
    }

    return value;
}


ngx_int_t
ngx_atofp(u_char *line, size_t n, size_t point)
{
    bool       dot;
    ngx_int_t  value;

    if (n == 0) {
        return NGX_ERROR;
    }

    for (value = 0, dot = false; n--; line++) {
        if (*line == '.' && !dot) {
            dot = true;
            continue;
        }

        if (*line < '0' || *line > '9' || (dot && point-- == 0)
            || __builtin_mul_overflow(value, 10, &value)
            || __builtin_add_overflow(value, *line - '0', &value))
        {
            return NGX_ERROR;
        }
    }

    while (point--) {
        if (__builtin_mul_overflow(value, 10, &value)) {
            return NGX_ERROR;
        }
    }

    return value;
}


u_char *
ngx_hex_dump(u_char *dst, u_char *src, size_t len)
{
    for ( /* void */ ; len; len--) {
        *dst++ = "0123456789abcdef"[*src >> 4];
        *dst++ = "0123456789abcdef"[*src++ & 0xf];
    }

    return dst;
}


ngx_uint_t
ngx_hash_key(u_char *data, size_t len)
{
    ngx_uint_t  key;

    for (key = 0; len; len--) {
        key = ngx_hash(key, *data++);
    }

    return key;
}


/* What the module uses of nginx's formats; anything else is an error here. */

static u_char *
shim_format(u_char *p, u_char *end, const char *fmt, va_list args)
{
    int         n;
    char        number[32], format[16];
    size_t      len;
    ngx_str_t  *s;
    const char *text;

    for ( /* void */ ; *fmt; fmt++) {
        text = fmt;
        len = 1;

        if (*fmt == '%') {
            n = strspn(++fmt, "0123456789");

            switch (fmt[n]) {

            case 'V':
                s = va_arg(args, ngx_str_t *);
                text = (char *) s->data;
                len = s->len;
                break;

            case 's':
                text = va_arg(args, char *);
                len = strlen(text);
                break;

            case '*':
                len = va_arg(args, size_t);
                text = va_arg(args, char *);
                CHECK(fmt[++n] == 's');
                break;

            default:
                CHECK(fmt[n] == 'L');
                snprintf(format, sizeof(format), "%%%.*slld", n, fmt);
                len = snprintf(number, sizeof(number), format,
                               (long long) va_arg(args, int64_t));
                text = number;
            }

            fmt += n;
        }

        CHECK(len <= (size_t) (end - p));
        p = len ? memcpy(p, text, len) + len : p;
    }

    return p;
}


u_char *
ngx_vslprintf(u_char *buf, u_char *last, const char *fmt, va_list args)
{
    return shim_format(buf, last, fmt, args);
}


u_char *
ngx_slprintf(u_char *buf, u_char *last, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    buf = shim_format(buf, last, fmt, args);
    va_end(args);

    return buf;
}


u_char *
ngx_sprintf(u_char *buf, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    buf = shim_format(buf, buf + 1024, fmt, args);
    va_end(args);

    return buf;
}


void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...)
{
    u_char   *p;
    va_list   args;

    va_start(args, fmt);
    p = shim_format(shim_logged, shim_logged + sizeof(shim_logged) - 1, fmt,
                    args);
    va_end(args);

    *p = '\0';
}


/* requests */

ngx_int_t
ngx_http_complex_value(ngx_http_request_t *r, ngx_http_complex_value_t *val,
    ngx_str_t *value)
{
    *value = val->value;

    return NGX_OK;
}


ngx_http_complex_value_t *
shim_value(ngx_pool_t *pool, ngx_str_t text)
{
    ngx_http_complex_value_t  *val;

    val = ngx_pcalloc(pool, sizeof(ngx_http_complex_value_t));
    val->value = text;

    return val;
}


ngx_str_t
shim_str(ngx_pool_t *pool, struct input piece)
{
    ngx_str_t  s;

    s.len = piece.size;
    s.data = ngx_palloc(pool, piece.size);

    if (piece.size) {
        memcpy(s.data, piece.data, piece.size);
    }

    return s;
}


ngx_http_request_t *
shim_request(ngx_pool_t *pool, ngx_http_tollgate_main_conf_t *tmcf)
{
    ngx_http_request_t  *r;

    r = ngx_pcalloc(pool, sizeof(ngx_http_request_t));
    r->pool = pool;
    r->main = r;
    r->connection = ngx_pcalloc(pool, sizeof(ngx_connection_t));
    r->connection->log = ngx_pcalloc(pool, sizeof(ngx_log_t));
    r->connection->log->log_level = NGX_LOG_DEBUG;
    r->main_conf = ngx_pcalloc(pool, sizeof(void *));
    r->main_conf[0] = tmcf;

    CHECK(ngx_list_init(&r->headers_in.headers, pool, 4,
                        sizeof(ngx_table_elt_t)) == NGX_OK);

    return r;
}


/* keys of another form: no target has tollgate_foreign_keys on */

ngx_http_tollgate_verdict_e
ngx_http_tollgate_foreign(ngx_http_tollgate_ctx_t *ctx)
{
    abort();
}
