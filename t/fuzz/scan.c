
/*
 * scan.c: fuzzes the scanner of JSON bodies, fed in pieces: what it takes is
 * taken by jansson too, which finds the same fields, and what only jansson
 * takes has a reason.
 */


#include "ngx_shim.h"

#include "ngx_http_tollgate_scan.h"

#include <jansson.h>


static char  *scan_paths[] = {
    "model", "metadata.user_id", "messages.1.role", "k.s.\xc3\xa9"
};

#define SCAN_PATHS  (sizeof(scan_paths) / sizeof(scan_paths[0]))


/* Numbers that no double holds, and halves of pairs in what isn't wanted. */

static ngx_uint_t
scan_excused(json_error_t *error)
{
    return json_error_code(error) == json_error_numeric_overflow
           || strncmp(error->text, "invalid Unicode '\\u", 19) == 0;
}


/* What jansson finds at the path, NULL where that is no value. */

static json_t *
scan_find(json_t *value, const char *path)
{
    char   part[64];
    size_t len;

    while (value != NULL && *path) {
        len = strcspn(path, ".");
        memcpy(part, path, len);
        part[len] = '\0';
        path += len + (path[len] == '.');

        value = json_is_array(value) && strspn(part, "0123456789") == len
                ? json_array_get(value, atoi(part))
                : json_object_get(value, part);
    }

    return value;
}


static void
scan_check(ngx_str_t *got, json_t *value)
{
    char    *end;
    double   number;
    u_char   text[NGX_HTTP_TOLLGATE_SCAN_VALUE + 1];

    if (value == NULL || json_is_null(value)) {
        CHECK(got->len == 0);
        return;
    }

    CHECK(!json_is_object(value) && !json_is_array(value));
    CHECK(got->len <= NGX_HTTP_TOLLGATE_SCAN_VALUE);

    if (json_is_string(value)) {
        CHECK(got->len == json_string_length(value));
        CHECK(got->len == 0 || memcmp(got->data, json_string_value(value),
                                      got->len) == 0);
        return;
    }

    memcpy(text, got->data, got->len);
    text[got->len] = '\0';

    if (json_is_boolean(value)) {
        CHECK(strcmp((char *) text, json_is_true(value) ? "true" : "false")
              == 0);
        return;
    }

    number = strtod((char *) text, &end);
    CHECK(*end == '\0' && end != (char *) text);
    CHECK(number == json_number_value(value));
}


/* Feeds the text in pieces of so many bytes, each of its own memory. */

static ngx_int_t
scan_read(ngx_http_tollgate_scan_t *scan, ngx_http_tollgate_scan_want_t *want,
    ngx_pool_t *pool, struct input text, size_t piece)
{
    char          *copy;
    struct input   part;

    CHECK(ngx_http_tollgate_scan_start(scan, want, pool) == NGX_OK);

    while (text.size) {
        part.data = text.data;
        part.size = ngx_min(piece, text.size);
        text.data += part.size;
        text.size -= part.size;

        copy = input_text(part);
        (void) ngx_http_tollgate_scan_feed(scan, (u_char *) copy,
                                           (u_char *) copy + part.size);
        free(copy);
    }

    return ngx_http_tollgate_scan_end(scan);
}


static void
scan_same(ngx_http_tollgate_scan_t *a, ngx_http_tollgate_scan_t *b)
{
    size_t  i;

    CHECK((a->fault == NULL) == (b->fault == NULL));

    for (i = 0; a->fault == NULL && i < SCAN_PATHS; i++) {
        CHECK(a->values[i].len == b->values[i].len);
        CHECK(a->values[i].len == 0
              || memcmp(a->values[i].data, b->values[i].data,
                        a->values[i].len) == 0);
    }
}


/*
 * Reasons to refuse what jansson takes; the grammar is none.  A zero byte is
 * the end to jansson.
 */

static ngx_uint_t
scan_choosy(const char *fault, struct input *input)
{
    return memchr(input->data, '\0', input->size) != NULL
           || (strcmp(fault, "it is no JSON") != 0
               && strcmp(fault, "it is not UTF-8") != 0
               && strcmp(fault, "it is cut short") != 0
               && strcmp(fault, "more follows its end") != 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                           i, piece;
    json_t                          *value;
    ngx_str_t                        path;
    ngx_int_t                        rc;
    ngx_pool_t                      *pool;
    json_error_t                     error;
    struct input                     input = { data, size };
    ngx_http_tollgate_scan_t         scan, whole;
    ngx_http_tollgate_scan_want_t   *want;

    piece = 1 + input_byte(&input) % 16;
    pool = shim_pool();
    want = ngx_http_tollgate_scan_want(pool);

    for (i = 0; i < SCAN_PATHS; i++) {
        path.data = (u_char *) scan_paths[i];
        path.len = strlen(scan_paths[i]);
        CHECK(ngx_http_tollgate_scan_path(want, pool, &path) == NULL);
    }

    rc = scan_read(&scan, want, pool, input, piece);
    (void) scan_read(&whole, want, pool, input, ngx_max(input.size, 1));
    scan_same(&scan, &whole);

    value = json_loadb(input.size ? (const char *) input.data : "",
                       input.size, JSON_DECODE_ANY | JSON_ALLOW_NUL
                       | JSON_DECODE_INT_AS_REAL, &error);

    if (input.size == 0) {
        CHECK(rc == NGX_OK);

    } else if (rc == NGX_OK) {
        CHECK(value != NULL || scan_excused(&error));

        for (i = 0; value != NULL && i < SCAN_PATHS; i++) {
            scan_check(&scan.values[i], scan_find(value, scan_paths[i]));
        }

    } else {
        CHECK(value == NULL || scan_choosy(scan.fault, &input));
    }

    json_decref(value);
    shim_pool_free(pool);

    return 0;
}
