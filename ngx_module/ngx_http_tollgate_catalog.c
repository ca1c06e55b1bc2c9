
/*
 * ngx_http_tollgate_catalog.c owns the form of the catalog: its text becomes
 * sorted arrays, and codes are looked up in them.
 */


#include "ngx_http_tollgate_catalog.h"


#define NGX_HTTP_TOLLGATE_CATALOG_FIELDS  8
#define NGX_HTTP_TOLLGATE_CATALOG_WINDOW  (366 * 86400)


static ngx_uint_t ngx_http_tollgate_catalog_split(ngx_str_t *line,
    ngx_str_t *field);
static ngx_int_t ngx_http_tollgate_catalog_line(
    ngx_http_tollgate_catalog_t *catalog, ngx_uint_t kind, ngx_str_t *field);
static ngx_int_t ngx_http_tollgate_catalog_add_rank(ngx_array_t *ranks,
    ngx_str_t *code, ngx_str_t *name, ngx_str_t *rank);
static ngx_int_t ngx_http_tollgate_catalog_add_item(ngx_array_t *items,
    ngx_str_t *code, ngx_str_t *feature, ngx_str_t *price);
static ngx_int_t ngx_http_tollgate_catalog_add_content(ngx_array_t *contents,
    ngx_str_t *field);
static ngx_int_t ngx_http_tollgate_catalog_bundles(ngx_str_t *bundles);
static ngx_int_t ngx_http_tollgate_catalog_add_tokens(ngx_array_t *tokens,
    ngx_str_t *field);
static ngx_int_t ngx_http_tollgate_catalog_code(ngx_str_t *code);
static ngx_int_t ngx_http_tollgate_catalog_number(ngx_str_t *text,
    int64_t *n);
static int ngx_libc_cdecl ngx_http_tollgate_catalog_cmp(const void *one,
    const void *two);


/* kinds of lines in the order in which they may come */

static struct {
    ngx_str_t                        name;
    ngx_uint_t                       fields;
    ngx_uint_t                       optional;
} ngx_http_tollgate_catalog_kinds[] = {
    { ngx_string("tier"), 4, 0 },
    { ngx_string("plan"), 4, 0 },
    { ngx_string("feature"), 4, 0 },
    { ngx_string("model"), 6, 2 },
    { ngx_string("app"), 3, 0 },
    { ngx_string("private"), 4, 0 },
    { ngx_string("content"), 7, 0 },
    { ngx_string("tokens"), 5, 0 },
    { ngx_null_string, 0, 0 }
};


/*
 * Strings of the catalog point into body.  NGX_ERROR: a line is wrong, or no
 * memory; what is in catalog then must not be used.
 */

ngx_int_t
ngx_http_tollgate_catalog_parse(ngx_http_tollgate_catalog_t *catalog,
    ngx_pool_t *pool, ngx_str_t *body)
{
    u_char      *p, *last, *end;
    ngx_str_t    line, field[NGX_HTTP_TOLLGATE_CATALOG_FIELDS + 1], *name;
    ngx_uint_t   n, kind;

    if (ngx_array_init(&catalog->tiers, pool, 8,
                       sizeof(ngx_http_tollgate_rank_t)) != NGX_OK
        || ngx_array_init(&catalog->plans, pool, 8,
                          sizeof(ngx_http_tollgate_rank_t)) != NGX_OK
        || ngx_array_init(&catalog->features, pool, 32,
                          sizeof(ngx_http_tollgate_item_t)) != NGX_OK
        || ngx_array_init(&catalog->models, pool, 32,
                          sizeof(ngx_http_tollgate_item_t)) != NGX_OK
        || ngx_array_init(&catalog->tokens, pool, 32,
                          sizeof(ngx_http_tollgate_tokens_t)) != NGX_OK
        || ngx_array_init(&catalog->apps, pool, 8,
                          sizeof(ngx_http_tollgate_rank_t)) != NGX_OK
        || ngx_array_init(&catalog->private, pool, 4,
                          sizeof(ngx_http_tollgate_rank_t)) != NGX_OK
        || ngx_array_init(&catalog->contents, pool, 8,
                          sizeof(ngx_http_tollgate_content_t)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    kind = 0;
    end = body->data + body->len;

    for (p = body->data; p < end; p = last + 1) {
        last = ngx_strlchr(p, end, '\n');
        if (last == NULL) {
            last = end;
        }

        line.data = p;
        line.len = last - p;

        if (line.len == 0) {
            continue;
        }

        ngx_memzero(field, sizeof(field));
        n = ngx_http_tollgate_catalog_split(&line, field);

        for ( /* void */ ; ; kind++) {
            name = &ngx_http_tollgate_catalog_kinds[kind].name;

            if (name->len == 0) {
                return NGX_ERROR;
            }

            if (name->len == field[0].len
                && ngx_memcmp(name->data, field[0].data, name->len) == 0)
            {
                break;
            }
        }

        n -= ngx_http_tollgate_catalog_kinds[kind].fields;

        if ((n && n != ngx_http_tollgate_catalog_kinds[kind].optional)
            || ngx_http_tollgate_catalog_line(catalog, kind, field) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_qsort(catalog->features.elts, catalog->features.nelts,
              sizeof(ngx_http_tollgate_item_t), ngx_http_tollgate_catalog_cmp);
    ngx_qsort(catalog->models.elts, catalog->models.nelts,
              sizeof(ngx_http_tollgate_item_t), ngx_http_tollgate_catalog_cmp);
    ngx_qsort(catalog->contents.elts, catalog->contents.nelts,
              sizeof(ngx_http_tollgate_content_t),
              ngx_http_tollgate_catalog_cmp);
    ngx_qsort(catalog->tokens.elts, catalog->tokens.nelts,
              sizeof(ngx_http_tollgate_tokens_t),
              ngx_http_tollgate_catalog_cmp);

    return NGX_OK;
}


/* The number of fields, one too many for all that are more. */

static ngx_uint_t
ngx_http_tollgate_catalog_split(ngx_str_t *line, ngx_str_t *field)
{
    u_char      *p, *tab, *end;
    ngx_uint_t   n;

    p = line->data;
    end = p + line->len;

    for (n = 0; n <= NGX_HTTP_TOLLGATE_CATALOG_FIELDS; n++) {
        tab = ngx_strlchr(p, end, '\t');

        field[n].data = p;
        field[n].len = (tab ? tab : end) - p;

        if (tab == NULL) {
            return n + 1;
        }

        p = tab + 1;
    }

    return n;
}


static ngx_int_t
ngx_http_tollgate_catalog_line(ngx_http_tollgate_catalog_t *catalog,
    ngx_uint_t kind, ngx_str_t *field)
{
    ngx_int_t                  rank;
    ngx_str_t                  none;
    ngx_http_tollgate_item_t  *model;

    switch (kind) {

    case 0:
        return ngx_http_tollgate_catalog_add_rank(&catalog->tiers, &field[2],
                                                  &field[3], &field[1]);

    case 1:
        return ngx_http_tollgate_catalog_add_rank(&catalog->plans, &field[1],
                                                  &field[3], &field[2]);

    case 2:
        ngx_str_null(&none);
        return ngx_http_tollgate_catalog_add_item(&catalog->features,
                                                  &field[1], &none, &field[2]);

    case 4:
        ngx_str_set(&none, "0");
        return ngx_http_tollgate_catalog_add_rank(&catalog->apps, &field[1],
                                                  &field[2], &none);

    case 5:
        return ngx_http_tollgate_catalog_add_rank(&catalog->private, &field[1],
                                                  &field[3], &field[2]);

    case 6:
        return ngx_http_tollgate_catalog_add_content(&catalog->contents,
                                                     field);

    case 7:
        return ngx_http_tollgate_catalog_add_tokens(&catalog->tokens, field);
    }

    rank = ngx_atoi(field[3].data, field[3].len);

    if (rank == NGX_ERROR
        || (field[6].data != NULL
            && (field[6].len != 1
                || (field[6].data[0] != '0' && field[6].data[0] != '1')))
        || ngx_http_tollgate_catalog_code(&field[2]) != NGX_OK
        || ngx_http_tollgate_catalog_add_item(&catalog->models, &field[1],
                                              &field[2], &field[4])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    model = catalog->models.elts;
    model += catalog->models.nelts - 1;
    model->tier = rank;

    if (field[6].data != NULL) {
        model->beta = field[6].data[0] == '1';
        model->name = field[7];
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_catalog_add_rank(ngx_array_t *ranks, ngx_str_t *code,
    ngx_str_t *name, ngx_str_t *rank)
{
    ngx_int_t                  n;
    ngx_http_tollgate_rank_t  *r;

    n = ngx_atoi(rank->data, rank->len);

    if (n == NGX_ERROR || ngx_http_tollgate_catalog_code(code) != NGX_OK) {
        return NGX_ERROR;
    }

    r = ngx_array_push(ranks);
    if (r == NULL) {
        return NGX_ERROR;
    }

    r->code = *code;
    r->name = *name;
    r->rank = n;

    return NGX_OK;
}


/* price[0] is the credits, price[1] the units */

static ngx_int_t
ngx_http_tollgate_catalog_add_item(ngx_array_t *items, ngx_str_t *code,
    ngx_str_t *feature, ngx_str_t *price)
{
    ngx_http_tollgate_item_t  *item;

    if (ngx_http_tollgate_catalog_code(code) != NGX_OK) {
        return NGX_ERROR;
    }

    item = ngx_array_push(items);
    if (item == NULL) {
        return NGX_ERROR;
    }

    item->code = *code;
    item->name = *code;
    item->feature = *feature;
    item->tier = 0;
    item->beta = 0;

    if (ngx_http_tollgate_catalog_number(&price[0], &item->credits) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_tollgate_catalog_number(&price[1], &item->units);
}


/* code, credits, "view" or "locked", window, tier, bundles */

static ngx_int_t
ngx_http_tollgate_catalog_add_content(ngx_array_t *contents, ngx_str_t *field)
{
    ngx_int_t                     window, tier;
    ngx_http_tollgate_content_t  *content;

    content = ngx_array_push(contents);
    if (content == NULL) {
        return NGX_ERROR;
    }

    window = ngx_atoi(field[4].data, field[4].len);
    tier = NGX_HTTP_TOLLGATE_NO_TIER;

    if (field[5].len != 1 || field[5].data[0] != '-') {
        tier = ngx_atoi(field[5].data, field[5].len);
    }

    content->code = field[1];
    content->bundles = field[6];
    content->window = window;
    content->tier = tier;
    content->sold = field[3].len == 4
                    && ngx_memcmp(field[3].data, "view", 4) == 0;

    if (content->bundles.len == 1 && content->bundles.data[0] == '-') {
        content->bundles.len = 0;
    }

    if ((!content->sold && (field[3].len != 6
                            || ngx_memcmp(field[3].data, "locked", 6) != 0))
        || window < 1 || window > NGX_HTTP_TOLLGATE_CATALOG_WINDOW
        || tier < 0 || tier > NGX_HTTP_TOLLGATE_NO_TIER
        || ngx_http_tollgate_catalog_code(&content->code) != NGX_OK
        || ngx_http_tollgate_catalog_bundles(&content->bundles) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_tollgate_catalog_number(&field[2], &content->credits);
}


static ngx_int_t
ngx_http_tollgate_catalog_bundles(ngx_str_t *bundles)
{
    u_char      *p, *end, *comma;
    ngx_str_t    code;
    ngx_uint_t   n;

    if (bundles->len == 0) {
        return NGX_OK;
    }

    p = bundles->data;
    end = p + bundles->len;

    for (n = 0; n < NGX_HTTP_TOLLGATE_BUNDLES; n++) {
        comma = ngx_strlchr(p, end, ',');

        code.data = p;
        code.len = (comma ? comma : end) - p;

        if (ngx_http_tollgate_catalog_code(&code) != NGX_OK) {
            return NGX_ERROR;
        }

        if (comma == NULL) {
            return NGX_OK;
        }

        p = comma + 1;
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_tollgate_catalog_add_tokens(ngx_array_t *tokens, ngx_str_t *field)
{
    ngx_http_tollgate_tokens_t  *t;

    if (ngx_http_tollgate_catalog_code(&field[1]) != NGX_OK) {
        return NGX_ERROR;
    }

    t = ngx_array_push(tokens);
    if (t == NULL) {
        return NGX_ERROR;
    }

    t->code = field[1];

    return ngx_http_tollgate_catalog_number(&field[2], &t->price.input)
           == NGX_OK
           && ngx_http_tollgate_catalog_number(&field[3], &t->price.cached)
              == NGX_OK
           && ngx_http_tollgate_catalog_number(&field[4], &t->price.output)
              == NGX_OK
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_tollgate_catalog_code(ngx_str_t *code)
{
    u_char  ch;
    size_t  i;

    if (code->len == 0 || code->len > NGX_HTTP_TOLLGATE_CODE_LEN) {
        return NGX_ERROR;
    }

    for (i = 0; i < code->len; i++) {
        ch = code->data[i];

        if ((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9')) {
            continue;
        }

        if (i == 0 || (ch != '.' && ch != '_' && ch != ':' && ch != '-')) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_catalog_number(ngx_str_t *text, int64_t *n)
{
    *n = ngx_atoi(text->data, text->len);

    return *n < 0 || *n > NGX_HTTP_TOLLGATE_MAX ? NGX_ERROR : NGX_OK;
}


/* A code is the first member of what is sorted by it. */

static int ngx_libc_cdecl
ngx_http_tollgate_catalog_cmp(const void *one, const void *two)
{
    const ngx_str_t  *a, *b;

    a = one;
    b = two;

    return (int) ngx_memn2cmp(a->data, b->data, a->len, b->len);
}


/* NULL: it has no such code */

void *
ngx_http_tollgate_catalog_item(ngx_array_t *items, ngx_str_t *code)
{
    ngx_int_t    rc;
    ngx_str_t   *item;
    ngx_uint_t   low, high, i;

    low = 0;
    high = items->nelts;

    while (low < high) {
        i = (low + high) / 2;

        item = (ngx_str_t *) ((u_char *) items->elts + i * items->size);

        rc = ngx_memn2cmp(code->data, item->data, code->len, item->len);

        if (rc == 0) {
            return item;
        }

        if (rc < 0) {
            high = i;

        } else {
            low = i + 1;
        }
    }

    return NULL;
}


ngx_http_tollgate_rank_t *
ngx_http_tollgate_catalog_tier(ngx_http_tollgate_catalog_t *catalog,
    ngx_uint_t rank)
{
    ngx_uint_t                 i;
    ngx_http_tollgate_rank_t  *tier;

    tier = catalog->tiers.elts;

    for (i = 0; i < catalog->tiers.nelts; i++) {
        if (tier[i].rank == rank) {
            return &tier[i];
        }
    }

    return NULL;
}


/* The cheapest plan that reaches a tier. */

ngx_http_tollgate_rank_t *
ngx_http_tollgate_catalog_plan(ngx_http_tollgate_catalog_t *catalog,
    ngx_uint_t tier)
{
    ngx_uint_t                 i;
    ngx_http_tollgate_rank_t  *plan;

    plan = catalog->plans.elts;

    for (i = 0; i < catalog->plans.nelts; i++) {
        if (plan[i].rank >= tier) {
            return &plan[i];
        }
    }

    return NULL;
}
