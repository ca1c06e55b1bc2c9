
/*
 * ngx_http_tollgate_key.c owns the API key: where a request carries it, its
 * form, and its hash.
 */


#include "ngx_http_tollgate.h"

#include <openssl/evp.h>


static ngx_int_t ngx_http_tollgate_key_configured(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static void ngx_http_tollgate_key_default(ngx_http_request_t *r,
    ngx_str_t *key);
static ngx_uint_t ngx_http_tollgate_key_well_formed(ngx_str_t *key);


static EVP_MD      *ngx_http_tollgate_key_sha256;
static EVP_MD_CTX  *ngx_http_tollgate_key_digest;

static u_char  ngx_http_tollgate_key_base62[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";


ngx_http_tollgate_verdict_e
ngx_http_tollgate_key_find(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_str_t  *key;

    key = &ctx->presented;

    if (ctx->conf->keys == NULL) {
        ngx_http_tollgate_key_default(r, key);

    } else if (ngx_http_tollgate_key_configured(r, ctx) != NGX_OK) {
        return NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
    }

    if (key->len == 0) {
        return NGX_HTTP_TOLLGATE_KEY_MISSING;
    }

    if (!ngx_http_tollgate_key_well_formed(key)) {
        return ctx->conf->foreign_keys ? ngx_http_tollgate_foreign(ctx)
                                  : NGX_HTTP_TOLLGATE_KEY_MALFORMED;
    }

    ngx_http_tollgate_key_account(ctx,
                                  key->data + NGX_HTTP_TOLLGATE_ACCOUNT_AT);

    return NGX_HTTP_TOLLGATE_PASS;
}


void
ngx_http_tollgate_key_account(ngx_http_tollgate_ctx_t *ctx, u_char *account)
{
    ngx_memcpy(ctx->charge.account, account, NGX_HTTP_TOLLGATE_ACCOUNT_LEN);

    ctx->charge.shard = ngx_crc32_long(account, NGX_HTTP_TOLLGATE_ACCOUNT_LEN)
                        % ctx->conf->store->conf->nshards;
    ctx->account = 1;
}


static ngx_int_t
ngx_http_tollgate_key_configured(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    ngx_str_t                 *key;
    ngx_uint_t                 i;
    ngx_http_complex_value_t  *cv;

    key = &ctx->presented;
    cv = ctx->conf->keys->elts;

    for (i = 0; i < ctx->conf->keys->nelts; i++) {
        if (ngx_http_complex_value(r, &cv[i], key) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_http_tollgate_key_bearer(key);

        if (key->len) {
            break;
        }
    }

    return NGX_OK;
}


static void
ngx_http_tollgate_key_default(ngx_http_request_t *r, ngx_str_t *key)
{
    ngx_str_t         value;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    if (r->headers_in.authorization != NULL) {
        value = r->headers_in.authorization->value;
        *key = value;
        ngx_http_tollgate_key_bearer(key);

        if (key->len && key->data != value.data) {
            return;
        }

        /* another scheme is the backend's affair */

        ngx_str_null(key);
    }

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == sizeof("x-api-key") - 1
                && ngx_strncasecmp(h[i].key.data, (u_char *) "x-api-key", 9)
                   == 0
                && h[i].value.len)
            {
                *key = h[i].value;
                return;
            }
        }
    }
}


/* Leaves what follows "Bearer " of any case, if that is how it begins. */

void
ngx_http_tollgate_key_bearer(ngx_str_t *key)
{
    if (key->len < sizeof("Bearer ") - 1
        || ngx_strncasecmp(key->data, (u_char *) "Bearer ", 7) != 0)
    {
        return;
    }

    key->data += 7;
    key->len -= 7;

    while (key->len && key->data[0] == ' ') {
        key->data++;
        key->len--;
    }
}


static ngx_uint_t
ngx_http_tollgate_key_well_formed(ngx_str_t *key)
{
    u_char      *p, ch;
    uint32_t     sum;
    ngx_uint_t   i;

    if (key->len != NGX_HTTP_TOLLGATE_KEY_LEN
        || (ngx_memcmp(key->data, "tg_live_", 8) != 0
            && ngx_memcmp(key->data, "tg_test_", 8) != 0))
    {
        return 0;
    }

    for (i = NGX_HTTP_TOLLGATE_ACCOUNT_AT; i < key->len; i++) {
        ch = key->data[i];

        if (!((ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z')
              || (ch >= 'a' && ch <= 'z')))
        {
            return 0;
        }
    }

    sum = ngx_crc32_long(key->data, NGX_HTTP_TOLLGATE_KEY_SUM);

    for (p = key->data + key->len - 1;
         p >= key->data + NGX_HTTP_TOLLGATE_KEY_SUM;
         p--)
    {
        if (*p != ngx_http_tollgate_key_base62[sum % 62]) {
            return 0;
        }

        sum /= 62;
    }

    return 1;
}


ngx_int_t
ngx_http_tollgate_key_hash(u_char *hash, ngx_str_t *key)
{
    u_char  digest[EVP_MAX_MD_SIZE];

    if (EVP_DigestInit_ex(ngx_http_tollgate_key_digest,
                          ngx_http_tollgate_key_sha256, NULL) != 1
        || EVP_DigestUpdate(ngx_http_tollgate_key_digest, key->data, key->len)
           != 1
        || EVP_DigestFinal_ex(ngx_http_tollgate_key_digest, digest, NULL) != 1)
    {
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(hash, digest, NGX_HTTP_TOLLGATE_HASH_LEN / 2);

    return NGX_OK;
}


/* Fetching an algorithm costs more than the hash, so it is done once. */

ngx_int_t
ngx_http_tollgate_key_init(void)
{
    ngx_http_tollgate_key_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    ngx_http_tollgate_key_digest = EVP_MD_CTX_new();

    if (ngx_http_tollgate_key_sha256 == NULL
        || ngx_http_tollgate_key_digest == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_tollgate_key_exit(void)
{
    EVP_MD_CTX_free(ngx_http_tollgate_key_digest);
    EVP_MD_free(ngx_http_tollgate_key_sha256);
}
