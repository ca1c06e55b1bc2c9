
/*
 * ngx_http_tollgate_meter_json.c owns a document that tells what was used: it
 * is fed piece by piece into a state of a fixed size.
 *
 * The backend is believed, so this reads what is there and doesn't judge the
 * grammar.  What is told again counts in the place of what was told before.
 */


#include "ngx_http_tollgate_meter.h"


/* states of a document */

#define NGX_HTTP_TOLLGATE_METER_BETWEEN  0
#define NGX_HTTP_TOLLGATE_METER_STRING   1
#define NGX_HTTP_TOLLGATE_METER_ESCAPE   2
#define NGX_HTTP_TOLLGATE_METER_HEX      3
#define NGX_HTTP_TOLLGATE_METER_WORD     4


/* places in a document; elements of an array are where the array is */

typedef enum {
    NGX_HTTP_TOLLGATE_METER_NOWHERE = 0,
    NGX_HTTP_TOLLGATE_METER_ROOT,
    NGX_HTTP_TOLLGATE_METER_RESPONSE,
    NGX_HTTP_TOLLGATE_METER_MESSAGE,
    NGX_HTTP_TOLLGATE_METER_ERROR,
    NGX_HTTP_TOLLGATE_METER_STARTED,
    NGX_HTTP_TOLLGATE_METER_USAGE,
    NGX_HTTP_TOLLGATE_METER_PROMPT_DETAILS,
    NGX_HTTP_TOLLGATE_METER_INPUT_DETAILS,
    NGX_HTTP_TOLLGATE_METER_CHOICES,
    NGX_HTTP_TOLLGATE_METER_PIECE,
    NGX_HTTP_TOLLGATE_METER_CALLS,
    NGX_HTTP_TOLLGATE_METER_FUNCTION,
    NGX_HTTP_TOLLGATE_METER_ITEMS,
    NGX_HTTP_TOLLGATE_METER_DELTA,
    NGX_HTTP_TOLLGATE_METER_TEXT,
    NGX_HTTP_TOLLGATE_METER_PLACES      /* and from here on the counts */
} ngx_http_tollgate_meter_place_e;


typedef struct {
    u_char                           from;
    u_char                           to;
    u_char                           dialects;
    ngx_str_t                        name;
} ngx_http_tollgate_meter_way_t;


static u_char *ngx_http_tollgate_meter_between(
    ngx_http_tollgate_meter_scan_t *scan, u_char *p);
static void ngx_http_tollgate_meter_value(
    ngx_http_tollgate_meter_scan_t *scan, u_char ch);
static u_char *ngx_http_tollgate_meter_string(
    ngx_http_tollgate_meter_scan_t *scan, u_char *p, u_char *last);
static u_char *ngx_http_tollgate_meter_hex(
    ngx_http_tollgate_meter_scan_t *scan, u_char *p);
static void ngx_http_tollgate_meter_character(
    ngx_http_tollgate_meter_scan_t *scan, ngx_uint_t code);
static u_char *ngx_http_tollgate_meter_word(
    ngx_http_tollgate_meter_scan_t *scan, u_char *p, u_char *last);
static void ngx_http_tollgate_meter_told(ngx_http_tollgate_meter_scan_t *scan,
    int64_t count);
static ngx_uint_t ngx_http_tollgate_meter_way(
    ngx_http_tollgate_meter_scan_t *scan, ngx_uint_t from);


#define WAY(from, name, to, dialects)                                         \
    { NGX_HTTP_TOLLGATE_METER_##from, NGX_HTTP_TOLLGATE_METER_##to,           \
      NGX_HTTP_TOLLGATE_METER_##dialects, ngx_string(name) }

#define COUNT(from, name, to, dialects)                                       \
    { NGX_HTTP_TOLLGATE_METER_##from,                                         \
      NGX_HTTP_TOLLGATE_METER_PLACES + NGX_HTTP_TOLLGATE_METER_##to,          \
      NGX_HTTP_TOLLGATE_METER_##dialects, ngx_string(name) }

/*
 * Where the name of a member leads.  In the first event of Anthropic's stream
 * the output is that of the beginning, and so no count.
 */

static ngx_http_tollgate_meter_way_t  ngx_http_tollgate_meter_ways[] = {
    WAY(ROOT, "usage", USAGE, AUTO),
    WAY(ROOT, "response", RESPONSE, OPENAI),
    WAY(ROOT, "message", MESSAGE, ANTHROPIC),
    WAY(ROOT, "error", ERROR, AUTO),
    WAY(ROOT, "choices", CHOICES, OPENAI),
    WAY(ROOT, "delta", DELTA, AUTO),
    WAY(ROOT, "content", ITEMS, ANTHROPIC),
    WAY(ROOT, "output", ITEMS, OPENAI),

    WAY(RESPONSE, "usage", USAGE, OPENAI),
    WAY(MESSAGE, "usage", STARTED, ANTHROPIC),

    COUNT(STARTED, "input_tokens", INPUT, ANTHROPIC),
    COUNT(STARTED, "cache_read_input_tokens", CACHE_READ, ANTHROPIC),
    COUNT(STARTED, "cache_creation_input_tokens", CACHE_WRITE, ANTHROPIC),

    COUNT(USAGE, "prompt_tokens", PROMPT, OPENAI),
    COUNT(USAGE, "completion_tokens", COMPLETION, OPENAI),
    COUNT(USAGE, "input_tokens", INPUT, AUTO),
    COUNT(USAGE, "output_tokens", OUTPUT, AUTO),
    COUNT(USAGE, "cache_read_input_tokens", CACHE_READ, ANTHROPIC),
    COUNT(USAGE, "cache_creation_input_tokens", CACHE_WRITE, ANTHROPIC),
    WAY(USAGE, "prompt_tokens_details", PROMPT_DETAILS, OPENAI),
    WAY(USAGE, "input_tokens_details", INPUT_DETAILS, OPENAI),
    COUNT(PROMPT_DETAILS, "cached_tokens", PROMPT_CACHED, OPENAI),
    COUNT(INPUT_DETAILS, "cached_tokens", INPUT_CACHED, OPENAI),

    WAY(CHOICES, "delta", PIECE, OPENAI),
    WAY(CHOICES, "message", PIECE, OPENAI),
    WAY(CHOICES, "text", TEXT, OPENAI),
    WAY(PIECE, "content", TEXT, OPENAI),
    WAY(PIECE, "reasoning_content", TEXT, OPENAI),
    WAY(PIECE, "refusal", TEXT, OPENAI),
    WAY(PIECE, "tool_calls", CALLS, OPENAI),
    WAY(CALLS, "function", FUNCTION, OPENAI),
    WAY(FUNCTION, "arguments", TEXT, OPENAI),

    WAY(ITEMS, "content", ITEMS, OPENAI),
    WAY(ITEMS, "text", TEXT, AUTO),
    WAY(ITEMS, "thinking", TEXT, ANTHROPIC),
    WAY(ITEMS, "arguments", TEXT, OPENAI),

    WAY(DELTA, "text", TEXT, ANTHROPIC),
    WAY(DELTA, "thinking", TEXT, ANTHROPIC),
    WAY(DELTA, "partial_json", TEXT, ANTHROPIC)
};

#undef WAY
#undef COUNT


void
ngx_http_tollgate_meter_document(ngx_http_tollgate_meter_scan_t *scan)
{
    ngx_memzero(&scan->json, sizeof(ngx_http_tollgate_meter_json_t));
}


void
ngx_http_tollgate_meter_json(ngx_http_tollgate_meter_scan_t *scan, u_char *p,
    u_char *last)
{
    while (p < last) {

        switch (scan->json.state) {

        case NGX_HTTP_TOLLGATE_METER_STRING:
            p = ngx_http_tollgate_meter_string(scan, p, last);
            break;

        case NGX_HTTP_TOLLGATE_METER_ESCAPE:
            if (*p == 'u') {
                scan->json.state = NGX_HTTP_TOLLGATE_METER_HEX;
                scan->json.code = 0;
                scan->json.digits = 4;

            } else {
                scan->json.state = NGX_HTTP_TOLLGATE_METER_STRING;
                ngx_http_tollgate_meter_character(scan, *p == '/' ? '/' : 0);
            }

            p++;
            break;

        case NGX_HTTP_TOLLGATE_METER_HEX:
            p = ngx_http_tollgate_meter_hex(scan, p);
            break;

        case NGX_HTTP_TOLLGATE_METER_WORD:
            p = ngx_http_tollgate_meter_word(scan, p, last);
            break;

        default:
            p = ngx_http_tollgate_meter_between(scan, p);
        }
    }
}


static u_char *
ngx_http_tollgate_meter_between(ngx_http_tollgate_meter_scan_t *scan,
    u_char *p)
{
    ngx_uint_t                       object;
    ngx_http_tollgate_meter_json_t  *json;

    json = &scan->json;

    object = json->depth && json->depth <= NGX_HTTP_TOLLGATE_METER_DEPTH
             ? json->objects >> (json->depth - 1) & 1 : 0;

    switch (*p) {

    case ' ':
    case '\t':
    case CR:
    case LF:
        break;

    case ':':
        json->named = 0;
        break;

    case ',':
        json->named = object;
        json->next = NGX_HTTP_TOLLGATE_METER_NOWHERE;
        break;

    case '}':
    case ']':
        json->depth -= json->depth > 0;
        json->named = 0;
        json->next = NGX_HTTP_TOLLGATE_METER_NOWHERE;
        break;

    default:
        json->place = json->depth == 0 ? NGX_HTTP_TOLLGATE_METER_ROOT
                      : json->depth > NGX_HTTP_TOLLGATE_METER_DEPTH
                      ? NGX_HTTP_TOLLGATE_METER_NOWHERE
                      : object ? json->next : json->places[json->depth - 1];

        ngx_http_tollgate_meter_value(scan, *p);

        /* a word is read from its first byte on */

        return json->state == NGX_HTTP_TOLLGATE_METER_WORD ? p : p + 1;
    }

    return p + 1;
}


/* A value of json->place, or a name, begins with this byte. */

static void
ngx_http_tollgate_meter_value(ngx_http_tollgate_meter_scan_t *scan, u_char ch)
{
    ngx_uint_t                       place, bit;
    ngx_http_tollgate_meter_json_t  *json;

    json = &scan->json;
    place = json->place;

    if (ch == '"' && json->named) {
        json->name_is = 1;
        json->len = 0;
        json->state = NGX_HTTP_TOLLGATE_METER_STRING;
        return;
    }

    if (ch != '"' && ch != '{' && ch != '[') {
        json->number = 0;
        json->minus = 0;
        json->whole = 1;
        json->digits = 0;
        json->len = 0;
        json->state = NGX_HTTP_TOLLGATE_METER_WORD;
        return;
    }

    if (place == NGX_HTTP_TOLLGATE_METER_ERROR) {
        scan->failed = 1;
    }

    ngx_http_tollgate_meter_told(scan, NGX_HTTP_TOLLGATE_METER_WRONG);

    if (ch == '"') {
        json->name_is = 0;
        json->state = NGX_HTTP_TOLLGATE_METER_STRING;

        if (place != NGX_HTTP_TOLLGATE_METER_TEXT
            && (place != NGX_HTTP_TOLLGATE_METER_DELTA
                || !(scan->dialects & NGX_HTTP_TOLLGATE_METER_OPENAI)))
        {
            json->place = NGX_HTTP_TOLLGATE_METER_NOWHERE;
        }

        return;
    }

    if (json->depth < NGX_HTTP_TOLLGATE_METER_DEPTH) {
        bit = (ngx_uint_t) 1 << json->depth;

        json->objects = ch == '{' ? json->objects | bit
                                  : json->objects & ~bit;
        json->places[json->depth] =
            place < NGX_HTTP_TOLLGATE_METER_PLACES
            ? place : NGX_HTTP_TOLLGATE_METER_NOWHERE;
    }

    json->depth++;
    json->named = ch == '{' && json->depth <= NGX_HTTP_TOLLGATE_METER_DEPTH;
    json->next = NGX_HTTP_TOLLGATE_METER_NOWHERE;
}


static u_char *
ngx_http_tollgate_meter_string(ngx_http_tollgate_meter_scan_t *scan,
    u_char *p, u_char *last)
{
    u_char                          *start;
    size_t                           n;
    ngx_http_tollgate_meter_json_t  *json;

    json = &scan->json;

    for (start = p; p < last && *p != '"' && *p != '\\'; p++) { /* void */ }

    n = p - start;

    if (!json->name_is) {
        if (json->place) {
            scan->text += n;
        }

    } else if (json->len + n <= NGX_HTTP_TOLLGATE_METER_NAME) {
        ngx_memcpy(json->name + json->len, start, n);
        json->len += n;

    } else {
        json->len = NGX_HTTP_TOLLGATE_METER_NAME + 1;
    }

    if (p == last) {
        return p;
    }

    if (*p == '\\') {
        json->state = NGX_HTTP_TOLLGATE_METER_ESCAPE;
        return p + 1;
    }

    json->state = NGX_HTTP_TOLLGATE_METER_BETWEEN;

    if (json->name_is) {
        json->named = 0;
        json->next = ngx_http_tollgate_meter_way(scan,
                                               json->places[json->depth - 1]);
    }

    return p + 1;
}


static u_char *
ngx_http_tollgate_meter_hex(ngx_http_tollgate_meter_scan_t *scan, u_char *p)
{
    u_char                           ch;
    ngx_http_tollgate_meter_json_t  *json;

    json = &scan->json;
    ch = *p | 0x20;

    if (*p >= '0' && *p <= '9') {
        json->code = json->code << 4 | (*p - '0');

    } else if (ch >= 'a' && ch <= 'f') {
        json->code = json->code << 4 | (ch - 'a' + 10);

    } else {
        json->state = NGX_HTTP_TOLLGATE_METER_STRING;
        return p;
    }

    if (--json->digits == 0) {
        json->state = NGX_HTTP_TOLLGATE_METER_STRING;
        ngx_http_tollgate_meter_character(scan, json->code);
    }

    return p + 1;
}


/* One that was escaped; each half of a pair is two bytes of UTF-8. */

static void
ngx_http_tollgate_meter_character(ngx_http_tollgate_meter_scan_t *scan,
    ngx_uint_t code)
{
    ngx_http_tollgate_meter_json_t  *json;

    json = &scan->json;

    if (!json->name_is) {
        if (json->place) {
            scan->text += code < 0x80 ? 1 : code < 0x800 ? 2
                          : code >= 0xd800 && code < 0xe000 ? 2 : 3;
        }

        return;
    }

    /* names that lead anywhere are ASCII */

    if (json->len < NGX_HTTP_TOLLGATE_METER_NAME) {
        json->name[json->len++] = (u_char) (code < 0x80 ? code : 0);

    } else {
        json->len = NGX_HTTP_TOLLGATE_METER_NAME + 1;
    }
}


/* A number, true, false or null. */

static u_char *
ngx_http_tollgate_meter_word(ngx_http_tollgate_meter_scan_t *scan, u_char *p,
    u_char *last)
{
    ngx_http_tollgate_meter_json_t  *json;

    json = &scan->json;

    for ( /* void */ ; p < last; p++) {

        if (*p == '-' && json->len == 0) {
            json->minus = 1;

        } else if (*p >= '0' && *p <= '9') {
            json->digits = 1;

            if (json->number <= NGX_HTTP_TOLLGATE_METER_MOST) {
                json->number = json->number * 10 + (*p - '0');
            }

        } else if (*p == '.' || *p == '+' || *p == '-' || *p == '_'
                   || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z'))
        {
            json->whole = 0;

        } else {
            break;
        }

        /* of a word, its first byte says which */

        if (json->len == 0) {
            json->code = *p;
            json->len = 1;
        }
    }

    if (p == last) {
        return p;
    }

    json->state = NGX_HTTP_TOLLGATE_METER_BETWEEN;

    if (json->len == 0) {
        return p + 1;   /* a byte of no word */
    }

    if (json->code == 'n') {
        return p;
    }

    if (json->place == NGX_HTTP_TOLLGATE_METER_ERROR) {
        scan->failed = 1;
    }

    ngx_http_tollgate_meter_told(scan,
        json->whole && json->digits
        && json->number <= NGX_HTTP_TOLLGATE_METER_MOST
        && (!json->minus || json->number == 0)
        ? json->number : NGX_HTTP_TOLLGATE_METER_WRONG);

    return p;
}


/* Nothing where json->place is not that of a count. */

static void
ngx_http_tollgate_meter_told(ngx_http_tollgate_meter_scan_t *scan,
    int64_t count)
{
    if (scan->json.place >= NGX_HTTP_TOLLGATE_METER_PLACES) {
        scan->counts[scan->json.place - NGX_HTTP_TOLLGATE_METER_PLACES] =
            count;
    }
}


static ngx_uint_t
ngx_http_tollgate_meter_way(ngx_http_tollgate_meter_scan_t *scan,
    ngx_uint_t from)
{
    ngx_uint_t                       i, n;
    ngx_http_tollgate_meter_way_t   *way;
    ngx_http_tollgate_meter_json_t  *json;

    json = &scan->json;
    way = ngx_http_tollgate_meter_ways;
    n = sizeof(ngx_http_tollgate_meter_ways)
        / sizeof(ngx_http_tollgate_meter_ways[0]);

    for (i = 0; from != NGX_HTTP_TOLLGATE_METER_NOWHERE && i < n; i++) {
        if (way[i].from == from && (way[i].dialects & scan->dialects)
            && way[i].name.len == json->len
            && ngx_memcmp(way[i].name.data, json->name, json->len) == 0)
        {
            return way[i].to;
        }
    }

    return NGX_HTTP_TOLLGATE_METER_NOWHERE;
}
