
/*
 * link.c: fuzzes the token of a download link: its parts, and whether an
 * address is in its network.
 */


#include "ngx_shim.h"

#include "../../ngx_module/ngx_http_tollgate_link.c"

#include <arpa/inet.h>
#include <regex.h>


ngx_int_t
ngx_hextoi(u_char *line, size_t n)
{
    char  text[2] = { (char) *line, '\0' };

    CHECK(n == 1 && isxdigit(*line));

    return strtol(text, NULL, 16);
}


/* what a request is asked for, which has none here */

ngx_int_t
ngx_http_arg(ngx_http_request_t *r, u_char *name, size_t len, ngx_str_t *value)
{
    CHECK(0);
}


void
ngx_unescape_uri(u_char **dst, u_char **src, size_t size, ngx_uint_t type)
{
    CHECK(0);
}


void
ngx_encode_base64url(ngx_str_t *dst, ngx_str_t *src)
{
    CHECK(0);
}


/* docs/downloads.md in other words than the module's; parts as they match */

static ngx_uint_t
link_expected(const u_char *token, size_t len, regmatch_t *parts)
{
    char            claims[4097], *dot;
    size_t          n;
    long long       bits;
    static regex_t  form;
    static int      made;

    if (!made) {
        made = 1;
        CHECK(regcomp(&form,
            "^1\\.([0-9A-Za-z]{10})\\.([0-9A-Za-z]{10})\\.([0-9A-Za-z]{10,32})"
            "\\.([0-9]{1,11})\\.([0-9]{1,9})\\.([0-9]{1,6})"
            "\\.(-|[0-9a-f]{8}/[0-9]{1,3}|[0-9a-f]{32}/[0-9]{1,3})"
            "\\.(-|[0-9A-Za-z._:-]{1,64})$", REG_EXTENDED) == 0);
    }

    if (len < 44 || token[len - 44] != '.') {
        return 0;
    }

    n = len - 44;
    memcpy(claims, token, n);
    claims[n] = '\0';

    if (strlen(claims) != n || regexec(&form, claims, 9, parts, 0) != 0) {
        return 0;
    }

    dot = strchr(claims, '/');
    bits = dot != NULL ? atoll(dot + 1) : 0;

    return atoll(claims + parts[4].rm_so) > 0
           && atoll(claims + parts[6].rm_so) > 0
           && atoll(claims + parts[6].rm_so) <= 604800
           && bits <= (parts[7].rm_eo - parts[7].rm_so > 30 ? 128 : 32);
}


static void
link_check_part(ngx_str_t *part, const u_char *token, regmatch_t *match)
{
    CHECK(part->data == token + match->rm_so);
    CHECK(part->len == (size_t) (match->rm_eo - match->rm_so));
}


/* Bit by bit, as the network is written. */

static ngx_uint_t
link_expected_inside(ngx_str_t *network, const uint8_t *address, size_t len)
{
    int     i, bits;
    char    digit[2] = "";
    size_t  slash;

    if (network->len == 1) {
        return 1;
    }

    slash = (u_char *) memchr(network->data, '/', network->len) - network->data;
    if (slash != 2 * len) {
        return 0;
    }

    for (bits = 0, i = slash + 1; i < (int) network->len; i++) {
        bits = bits * 10 + network->data[i] - '0';
    }

    for (i = 0; i < bits; i++) {
        digit[0] = (char) network->data[i / 4];
        if ((strtol(digit, NULL, 16) >> (3 - i % 4) & 1)
            != (address[i / 8] >> (7 - i % 8) & 1))
        {
            return 0;
        }
    }

    return 1;
}


/* The first byte is the family, 16 are the address, and the rest the token. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                        i;
    uint8_t                    bytes[16];
    u_char                    *copy;
    ngx_str_t                  token;
    ngx_uint_t                 six, good;
    regmatch_t                 parts[9];
    struct input               input = { data, size };
    struct sockaddr_in         sin = { .sin_family = AF_INET };
    struct sockaddr_in6        sin6 = { .sin6_family = AF_INET6 };
    ngx_http_tollgate_link_t   link = { .expires = 0 };

    six = input_byte(&input) & 1;
    for (i = 0; i < 16; i++) {
        bytes[i] = (uint8_t) input_byte(&input);
    }

    if (input.size > NGX_HTTP_TOLLGATE_LINK_MAX) {
        return 0;
    }

    copy = (u_char *) input_text(input);
    token.data = malloc(input.size ? input.size : 1);
    CHECK(token.data != NULL);
    token.len = input.size;
    memcpy(token.data, copy, token.len);
    free(copy);

    good = link_expected(token.data, token.len, parts);
    CHECK((ngx_http_tollgate_link_parse(&token, &link) == NGX_OK) == good);

    if (good) {
        link_check_part(&link.account, token.data, &parts[1]);
        link_check_part(&link.app, token.data, &parts[2]);
        link_check_part(&link.id, token.data, &parts[3]);
        link_check_part(&link.network, token.data, &parts[7]);
        CHECK(link.claims.len + 44 == token.len);
        CHECK(link.signature.data == token.data + token.len - 43);
        CHECK(link.feature.len != 1 || link.feature.data[0] != '-');

        memcpy(&sin.sin_addr, bytes, 4);
        memcpy(&sin6.sin6_addr, bytes, 16);
        if (six && IN6_IS_ADDR_V4MAPPED(&sin6.sin6_addr)) {
            memmove(bytes, bytes + 12, 4);
            CHECK(ngx_http_tollgate_link_inside(&link.network,
                                                (struct sockaddr *) &sin6)
                  == link_expected_inside(&link.network, bytes, 4));

        } else {
            CHECK(ngx_http_tollgate_link_inside(&link.network,
                      six ? (struct sockaddr *) &sin6
                          : (struct sockaddr *) &sin)
                  == link_expected_inside(&link.network, bytes,
                                          six ? 16 : 4));
        }
    }

    free(token.data);

    return 0;
}
