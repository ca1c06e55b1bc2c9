
/*
 * meter.c: fuzzes the reading of what a response used: pieces come to the same
 * as the whole, and where the text is good JSON jansson finds the same.
 */


#include "ngx_shim.h"

#include "ngx_http_tollgate_meter.h"

#include <jansson.h>


#define METER_PATH  256

/* places of counts by their whole paths, and in whose dialect */

static struct {
    const char   *path;
    unsigned      dialects;
    unsigned      count;
} meter_counts[] = {
#define COUNT(path, dialect, count)                                           \
    { path, NGX_HTTP_TOLLGATE_METER_##dialect,                                \
      NGX_HTTP_TOLLGATE_METER_##count }
    COUNT("usage.prompt_tokens", OPENAI, PROMPT),
    COUNT("usage.prompt_tokens_details.cached_tokens", OPENAI, PROMPT_CACHED),
    COUNT("usage.completion_tokens", OPENAI, COMPLETION),
    COUNT("usage.input_tokens", AUTO, INPUT),
    COUNT("usage.input_tokens_details.cached_tokens", OPENAI, INPUT_CACHED),
    COUNT("usage.output_tokens", AUTO, OUTPUT),
    COUNT("usage.cache_read_input_tokens", ANTHROPIC, CACHE_READ),
    COUNT("usage.cache_creation_input_tokens", ANTHROPIC, CACHE_WRITE),
    COUNT("message.usage.input_tokens", ANTHROPIC, INPUT),
    COUNT("message.usage.cache_read_input_tokens", ANTHROPIC, CACHE_READ),
    COUNT("message.usage.cache_creation_input_tokens", ANTHROPIC, CACHE_WRITE)
#undef COUNT
};

/* of content; {items} is "output" or "content" and more "content" behind it */

static struct {
    const char   *path;
    unsigned      dialects;
} meter_texts[] = {
    { "choices.delta.content", NGX_HTTP_TOLLGATE_METER_OPENAI },
    { "choices.delta.reasoning_content", NGX_HTTP_TOLLGATE_METER_OPENAI },
    { "choices.delta.refusal", NGX_HTTP_TOLLGATE_METER_OPENAI },
    { "choices.delta.tool_calls.function.arguments",
      NGX_HTTP_TOLLGATE_METER_OPENAI },
    { "choices.text", NGX_HTTP_TOLLGATE_METER_OPENAI },
    { "delta", NGX_HTTP_TOLLGATE_METER_OPENAI },
    { "delta.text", NGX_HTTP_TOLLGATE_METER_ANTHROPIC },
    { "delta.thinking", NGX_HTTP_TOLLGATE_METER_ANTHROPIC },
    { "delta.partial_json", NGX_HTTP_TOLLGATE_METER_ANTHROPIC },
    { "{items}.text", NGX_HTTP_TOLLGATE_METER_AUTO },
    { "{items}.thinking", NGX_HTTP_TOLLGATE_METER_ANTHROPIC },
    { "{items}.arguments", NGX_HTTP_TOLLGATE_METER_OPENAI }
};

typedef ngx_http_tollgate_meter_scan_t  meter_t;


/* One name for all ways to the same place. */

static const char *
meter_path(const char *path, unsigned dialects)
{
    size_t       n;
    const char  *rest;

    static char  text[METER_PATH];

    rest = NULL;

    if ((dialects & NGX_HTTP_TOLLGATE_METER_OPENAI)
        && strncmp(path, "choices.message.", 16) == 0)
    {
        snprintf(text, METER_PATH, "choices.delta.%s", path + 16);
        return text;
    }

    if ((dialects & NGX_HTTP_TOLLGATE_METER_OPENAI)
        && strncmp(path, "response.usage.", 15) == 0)
    {
        return path + 9;
    }

    if ((dialects & NGX_HTTP_TOLLGATE_METER_OPENAI)
        && strncmp(path, "output.", 7) == 0)
    {
        rest = path + 6;

    } else if ((dialects & NGX_HTTP_TOLLGATE_METER_ANTHROPIC)
               && strncmp(path, "content.", 8) == 0)
    {
        rest = path + 7;
    }

    if (rest == NULL) {
        return path;
    }

    n = (dialects & NGX_HTTP_TOLLGATE_METER_OPENAI) ? 8 : METER_PATH;

    while (strncmp(rest, ".content.", 9) == 0 && n == 8) {
        rest += n;
    }

    snprintf(text, METER_PATH, "{items}%s", rest);

    return text;
}


static void
meter_leaf(meter_t *want, const char *path, json_t *value)
{
    size_t       i;
    json_int_t   n;

    if (json_is_null(value)) {
        return;
    }

    if (strcmp(path, "error") == 0) {
        want->failed = 1;
    }

    path = meter_path(path, want->dialects);

    for (i = 0; i < sizeof(meter_counts) / sizeof(meter_counts[0]); i++) {
        if ((meter_counts[i].dialects & want->dialects)
            && strcmp(meter_counts[i].path, path) == 0)
        {
            n = json_is_integer(value) ? json_integer_value(value) : -1;
            want->counts[meter_counts[i].count] =
                n < 0 || n > NGX_HTTP_TOLLGATE_METER_MOST
                ? NGX_HTTP_TOLLGATE_METER_WRONG : n;
        }
    }

    for (i = 0; i < sizeof(meter_texts) / sizeof(meter_texts[0]); i++) {
        if (json_is_string(value)
            && (meter_texts[i].dialects & want->dialects)
            && strcmp(meter_texts[i].path, path) == 0)
        {
            want->text += json_string_length(value);
        }
    }
}


/* In the order of the text; elements of an array are where the array is. */

static void
meter_walk(meter_t *want, const char *path, ngx_uint_t depth, ngx_uint_t lost,
    json_t *value)
{
    char         below[METER_PATH];
    size_t       i;
    json_t      *element;
    const char  *name;

    if (!lost) {
        meter_leaf(want, path, value);
    }

    /* what is in a count, or too deep, is nowhere */

    for (i = 0; i < sizeof(meter_counts) / sizeof(meter_counts[0]); i++) {
        lost |= (meter_counts[i].dialects & want->dialects)
                && strcmp(meter_path(path, want->dialects),
                          meter_counts[i].path) == 0;
    }

    lost |= depth == NGX_HTTP_TOLLGATE_METER_DEPTH;

    json_array_foreach(value, i, element) {
        meter_walk(want, path, depth + 1, lost, element);
    }

    json_object_foreach(value, name, element) {
        i = snprintf(below, METER_PATH, "%s%s%s", path, *path ? "." : "",
                     name);
        meter_walk(want, below, depth + 1,
                   lost || i >= METER_PATH || strchr(name, '.') != NULL,
                   element);
    }
}


/* False where jansson doesn't take it, or has to choose. */

static bool
meter_document(meter_t *want, const char *text, size_t len)
{
    json_t        *value;
    json_error_t   error;

    while (len && strchr(" \t\r\n", *text) != NULL && *text != '\0') {
        text++;
        len--;
    }

    if (len == 0) {
        return true;
    }

    value = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL
                       | JSON_REJECT_DUPLICATES, &error);

    if (value == NULL) {
        return false;
    }

    /* a number at the end may go on */

    if (json_is_object(value) || json_is_array(value)) {
        meter_walk(want, "", 0, 0, value);
    }

    json_decref(value);

    return true;
}


static bool
meter_events(meter_t *want, struct input text)
{
    bool     good, line;
    char    *data;
    size_t   i, n, len;

    data = malloc(text.size + 1);
    CHECK(data != NULL);

    good = true;
    len = 0;

    for (i = 0; i < text.size && good; i += n) {
        for (n = 0; i + n < text.size && text.data[i + n] != '\r'
                    && text.data[i + n] != '\n'; n++) { /* void */ }

        line = n == 0;

        if (n > 5 && memcmp(text.data + i, "data:", 5) == 0) {
            data[len++] = '\n';
            memcpy(data + len, text.data + i + 5, n - 5);
            len += n - 5;
        }

        if (i + n + 1 < text.size && text.data[i + n] == '\r'
            && text.data[i + n + 1] == '\n')
        {
            n++;
        }

        n += i + n < text.size;

        if (line || i + n >= text.size) {
            good = meter_document(want, data, len);
            len = 0;
        }
    }

    free(data);

    return good;
}


/* Feeds the text in pieces of so many bytes, each of its own memory. */

static void
meter_read(meter_t *scan, struct input text, size_t piece)
{
    char          *copy;
    struct input   part;

    while (text.size) {
        part.data = text.data;
        part.size = ngx_min(piece, text.size);
        text.data += part.size;
        text.size -= part.size;

        copy = input_text(part);
        ngx_http_tollgate_meter_feed(scan, (u_char *) copy,
                                     (u_char *) copy + part.size);
        free(copy);
    }
}


static void
meter_same(meter_t *a, meter_t *b)
{
    CHECK(memcmp(a->counts, b->counts, sizeof(a->counts)) == 0);
    CHECK(a->text == b->text);
    CHECK(a->failed == b->failed);
}


static void
meter_check_tokens(meter_t *scan)
{
    ngx_http_tollgate_meter_tokens_t  tokens;

    if (ngx_http_tollgate_meter_tokens(scan, &tokens) == NGX_OK) {
        CHECK(tokens.input >= 0 && tokens.cached >= 0 && tokens.output >= 0);
        CHECK(tokens.input <= 2 * NGX_HTTP_TOLLGATE_METER_MOST);
        CHECK(tokens.cached <= NGX_HTTP_TOLLGATE_METER_MOST);
        CHECK(tokens.output <= NGX_HTTP_TOLLGATE_METER_MOST);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool           good;
    size_t         piece;
    meter_t        scan, whole, want;
    unsigned       dialects, stream;
    struct input   input = { data, size };

    piece = 1 + input_byte(&input) % 16;
    dialects = input_byte(&input);
    stream = dialects >> 2 & 1;
    dialects = 1 + (dialects & 3) % 3;

    ngx_http_tollgate_meter_start(&scan, dialects, stream);
    want = whole = scan;

    meter_read(&scan, input, piece);
    meter_read(&whole, input, ngx_max(input.size, 1));
    meter_same(&scan, &whole);
    meter_check_tokens(&scan);

    good = stream ? meter_events(&want, input)
                  : meter_document(&want, (const char *) input.data,
                                   input.size);

    if (good) {
        meter_same(&scan, &want);
    }

    return 0;
}
