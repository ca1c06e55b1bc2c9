
/*
 * ngx_http_tollgate_cluster.c owns what a cluster says: which slot a key is
 * in, the text of CLUSTER NODES, and errors that send a call elsewhere.
 */


#include "ngx_http_tollgate_redis.h"


static ngx_int_t ngx_http_tollgate_cluster_line(
    ngx_http_tollgate_cluster_t *it);
static ngx_uint_t ngx_http_tollgate_cluster_flag(ngx_str_t *flags,
    const char *flag);
static ngx_uint_t ngx_http_tollgate_cluster_word(u_char **p, u_char *last,
    u_char end, ngx_str_t *word);
static ngx_int_t ngx_http_tollgate_cluster_place(ngx_str_t *text,
    ngx_http_tollgate_place_t *place);


/* errors of calls that did nothing, by what to do with the call */

static struct {
    ngx_str_t                        error;
    ngx_http_tollgate_redirect_e     redirect;
} ngx_http_tollgate_redirects[] = {
    { ngx_string("MOVED "), NGX_HTTP_TOLLGATE_MOVED },
    { ngx_string("ASK "), NGX_HTTP_TOLLGATE_ASKING },
    { ngx_string("TRYAGAIN"), NGX_HTTP_TOLLGATE_LATER },
    { ngx_string("CLUSTERDOWN"), NGX_HTTP_TOLLGATE_LATER },
    { ngx_string("MASTERDOWN"), NGX_HTTP_TOLLGATE_LATER },
    { ngx_string("READONLY"), NGX_HTTP_TOLLGATE_LATER },

    /* the copy of the plan has moved on, the wallet is still here */

    { ngx_string("ERR Script attempted to access a non local key"),
      NGX_HTTP_TOLLGATE_LATER },

    { ngx_null_string, NGX_HTTP_TOLLGATE_STAY }
};


/* The slot of a key whose hash tag is given: CRC-16/XMODEM mod 16384. */

ngx_uint_t
ngx_http_tollgate_cluster_slot(ngx_str_t *tag)
{
    size_t      i;
    uint32_t    crc;
    ngx_uint_t  bit;

    crc = 0;

    for (i = 0; i < tag->len; i++) {
        crc ^= (uint32_t) tag->data[i] << 8;

        for (bit = 0; bit < 8; bit++) {
            crc = (crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0);
        }
    }

    return (crc & 0xffff) % NGX_HTTP_TOLLGATE_SLOTS;
}


void
ngx_http_tollgate_cluster_read(ngx_http_tollgate_cluster_t *it,
    ngx_str_t *text)
{
    it->pos = text->data;
    it->last = text->data + text->len;
    ngx_str_null(&it->rest);
}


/*
 * The next range of slots that a master serves, in it->place, first and
 * to.  NGX_DONE after the last, NGX_ERROR where this is no such text.
 */

ngx_int_t
ngx_http_tollgate_cluster_next(ngx_http_tollgate_cluster_t *it)
{
    u_char     *p, *last, *dash;
    ngx_int_t   rc;
    ngx_str_t   range;

    for ( ;; ) {
        while (it->rest.len == 0) {
            rc = ngx_http_tollgate_cluster_line(it);

            if (rc != NGX_OK) {
                return rc;
            }
        }

        p = it->rest.data;
        last = p + it->rest.len;

        (void) ngx_http_tollgate_cluster_word(&p, last, ' ', &range);

        it->rest.len = last - p;
        it->rest.data = p;

        /* "[93-<-id]": a slot on its way */

        if (range.len && range.data[0] != '[') {
            break;
        }
    }

    dash = ngx_strlchr(range.data, range.data + range.len, '-');
    last = range.data + range.len;

    it->first = ngx_atoi(range.data, (dash ? dash : last) - range.data);
    it->to = dash ? ngx_atoi(dash + 1, last - dash - 1) : it->first;

    if (it->first < 0 || it->to < it->first
        || it->to >= NGX_HTTP_TOLLGATE_SLOTS)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * A line: id address flags master ping pong epoch link slot ...  Leaves
 * it->rest empty for a node that serves nothing.
 */

static ngx_int_t
ngx_http_tollgate_cluster_line(ngx_http_tollgate_cluster_t *it)
{
    u_char      *p, *last;
    ngx_str_t    line, field[8];
    ngx_uint_t   i;

    do {
        if (it->pos == it->last) {
            return NGX_DONE;
        }

        (void) ngx_http_tollgate_cluster_word(&it->pos, it->last, LF, &line);

        if (line.len && line.data[line.len - 1] == CR) {
            line.len--;
        }

    } while (line.len == 0);

    p = line.data;
    last = p + line.len;

    for (i = 0; i < 8; i++) {
        if (!ngx_http_tollgate_cluster_word(&p, last, ' ', &field[i])
            && i < 7)
        {
            return NGX_ERROR;
        }
    }

    if (!ngx_http_tollgate_cluster_flag(&field[2], "master")
        || ngx_http_tollgate_cluster_flag(&field[2], "fail")
        || ngx_http_tollgate_cluster_flag(&field[2], "noaddr")
        || ngx_http_tollgate_cluster_flag(&field[2], "handshake"))
    {
        return NGX_OK;
    }

    /* "address:port@bus,name" */

    for (i = 0; i < field[1].len; i++) {
        if (field[1].data[i] == '@' || field[1].data[i] == ',') {
            field[1].len = i;
        }
    }

    it->rest.data = p;
    it->rest.len = last - p;

    return ngx_http_tollgate_cluster_place(&field[1], &it->place);
}


static ngx_uint_t
ngx_http_tollgate_cluster_flag(ngx_str_t *flags, const char *flag)
{
    u_char     *p, *last;
    size_t      len;
    ngx_str_t   word;

    p = flags->data;
    last = p + flags->len;
    len = ngx_strlen(flag);

    while (p != last) {
        (void) ngx_http_tollgate_cluster_word(&p, last, ',', &word);

        if (word.len == len && ngx_memcmp(word.data, flag, len) == 0) {
            return 1;
        }
    }

    return 0;
}


/* Takes the text up to end from *p.  0: the text ended first. */

static ngx_uint_t
ngx_http_tollgate_cluster_word(u_char **p, u_char *last, u_char end,
    ngx_str_t *word)
{
    u_char  *at;

    at = *p;
    word->data = at;

    while (at < last && *at != end) {
        at++;
    }

    word->len = at - word->data;
    *p = at < last ? at + 1 : last;

    return at < last;
}


/* "host:port"; a node that doesn't know its own address leaves host empty. */

static ngx_int_t
ngx_http_tollgate_cluster_place(ngx_str_t *text,
    ngx_http_tollgate_place_t *place)
{
    u_char     *colon;
    ngx_int_t   port;

    colon = text->data + text->len;

    while (colon > text->data && colon[-1] != ':') {
        colon--;
    }

    if (colon == text->data) {
        return NGX_ERROR;
    }

    port = ngx_atoi(colon, text->data + text->len - colon);

    if (port < 1 || port > 65535) {
        return NGX_ERROR;
    }

    place->host.data = text->data;
    place->host.len = colon - 1 - text->data;
    place->port = port;

    return NGX_OK;
}


/* What an error reply says about where a call should go. */

ngx_http_tollgate_redirect_e
ngx_http_tollgate_cluster_redirect(ngx_str_t *error, ngx_int_t *slot,
    ngx_http_tollgate_place_t *place)
{
    u_char      *p, *last;
    ngx_str_t   *start, word, address;
    ngx_uint_t   i;

    for (i = 0; /* void */ ; i++) {
        start = &ngx_http_tollgate_redirects[i].error;

        if (start->len == 0
            || (error->len >= start->len
                && ngx_strncmp(error->data, start->data, start->len) == 0))
        {
            break;
        }
    }

    if (ngx_http_tollgate_redirects[i].redirect != NGX_HTTP_TOLLGATE_MOVED
        && ngx_http_tollgate_redirects[i].redirect
           != NGX_HTTP_TOLLGATE_ASKING)
    {
        return ngx_http_tollgate_redirects[i].redirect;
    }

    p = error->data + start->len;
    last = error->data + error->len;

    (void) ngx_http_tollgate_cluster_word(&p, last, ' ', &word);
    (void) ngx_http_tollgate_cluster_word(&p, last, ' ', &address);

    *slot = ngx_atoi(word.data, word.len);

    if (*slot < 0 || *slot >= NGX_HTTP_TOLLGATE_SLOTS
        || ngx_http_tollgate_cluster_place(&address, place) != NGX_OK)
    {
        return NGX_HTTP_TOLLGATE_STAY;
    }

    return ngx_http_tollgate_redirects[i].redirect;
}
