
/*
 * ngx_http_tollgate_scan_path.c owns what is wanted of a JSON body: a tree of
 * the parts of all paths, and whether a member's name is one of them.
 */


#include "ngx_http_tollgate_scan.h"


static ngx_int_t ngx_http_tollgate_scan_part(
    ngx_http_tollgate_scan_want_t *want, ngx_pool_t *pool, ngx_uint_t parent,
    ngx_str_t *name);


ngx_http_tollgate_scan_want_t *
ngx_http_tollgate_scan_want(ngx_pool_t *pool)
{
    ngx_http_tollgate_scan_part_t  *part;
    ngx_http_tollgate_scan_want_t  *want;

    want = ngx_pcalloc(pool, sizeof(ngx_http_tollgate_scan_want_t));
    if (want == NULL
        || ngx_array_init(&want->parts, pool, 8,
                          sizeof(ngx_http_tollgate_scan_part_t))
           != NGX_OK)
    {
        return NULL;
    }

    part = ngx_array_push(&want->parts);
    if (part == NULL) {
        return NULL;
    }

    ngx_memzero(part, sizeof(ngx_http_tollgate_scan_part_t));

    part->index = -1;
    part->field = -1;

    return want;
}


/*
 * Adds a path such as "metadata.user_id" or "messages.0.role" to what is
 * wanted; its field is the number of those before it.
 */

const char *
ngx_http_tollgate_scan_path(ngx_http_tollgate_scan_want_t *want,
    ngx_pool_t *pool, ngx_str_t *path)
{
    u_char                         *p, *last;
    ngx_str_t                       name;
    ngx_int_t                       at;
    ngx_uint_t                      i, parts;
    ngx_http_tollgate_scan_part_t  *part;

    at = 0;
    p = path->data;
    last = path->data + path->len;
    parts = want->parts.nelts;

    for ( ;; ) {
        name.data = p;

        while (p < last && *p != '.') {
            p++;
        }

        name.len = p - name.data;

        if (name.len == 0 || name.len > NGX_HTTP_TOLLGATE_SCAN_NAME) {
            return "must be names or numbers of elements, joined by dots";
        }

        at = ngx_http_tollgate_scan_part(want, pool, at, &name);

        if (at == NGX_ERROR) {
            return "could not be kept";
        }

        part = want->parts.elts;

        if (part[at].field >= 0) {
            return "leads through or to the field of another variable";
        }

        if (p++ == last) {
            break;
        }
    }

    for (i = 1; i < parts; i++) {
        if (part[i].parent == (ngx_uint_t) at) {
            return "is a part of the path of another variable";
        }
    }

    part[at].field = want->nfields++;

    return NULL;
}


static ngx_int_t
ngx_http_tollgate_scan_part(ngx_http_tollgate_scan_want_t *want,
    ngx_pool_t *pool, ngx_uint_t parent, ngx_str_t *name)
{
    size_t                          i;
    ngx_uint_t                      n;
    ngx_http_tollgate_scan_part_t  *part;

    part = want->parts.elts;

    for (n = 1; n < want->parts.nelts; n++) {
        if (part[n].parent == parent && part[n].name.len == name->len
            && ngx_memcmp(part[n].name.data, name->data, name->len) == 0)
        {
            return n;
        }
    }

    part = ngx_array_push(&want->parts);
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->name = *name;
    part->index = name->data[0] == '0' && name->len > 1
                  ? NGX_ERROR : ngx_atoi(name->data, name->len);
    part->parent = parent;
    part->field = -1;
    part->folded.len = name->len;
    part->folded.data = ngx_pnalloc(pool, name->len);
    if (part->folded.data == NULL) {
        return NGX_ERROR;
    }

    /* what is not ASCII in it has no other form */

    for (i = 0; i < name->len; i++) {
        part->folded.data[i] = ngx_tolower(name->data[i]);
    }

    return want->parts.nelts - 1;
}


/*
 * The name of a member is whole: whether it is a wanted one, or one that some
 * readers take for it.  Some take the first of two, some the last.
 */

u_char *
ngx_http_tollgate_scan_name(ngx_http_tollgate_scan_t *scan, u_char *p)
{
    ngx_uint_t                      i;
    ngx_http_tollgate_scan_part_t  *part;

    scan->next = -1;
    scan->state = ngx_http_tollgate_scan_colon;

    if (!scan->kept || scan->folded.cut) {
        return p;
    }

    part = scan->want->parts.elts;

    for (i = 1; i < scan->want->parts.nelts; i++) {
        if (part[i].parent != scan->part
            || part[i].folded.len != scan->folded.len
            || ngx_memcmp(part[i].folded.data, scan->folded.data,
                          scan->folded.len)
               != 0)
        {
            continue;
        }

        if (!scan->text.cut && part[i].name.len == scan->text.len
            && ngx_memcmp(part[i].name.data, scan->text.data, scan->text.len)
               == 0)
        {
            scan->next = i;
            break;
        }

        /* it may still be another one exactly */

        scan->next = -2;
    }

    if (scan->next == -2) {
        return ngx_http_tollgate_scan_fail(scan, "a field is written in "
                                           "another case");
    }

    if (scan->next >= 0) {
        if (scan->marks[scan->next].seen) {
            return ngx_http_tollgate_scan_fail(scan, "a field stands twice");
        }

        scan->marks[scan->next].seen = 1;
    }

    return p;
}
