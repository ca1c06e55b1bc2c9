
/*
 * ngx_http_tollgate_names.c owns the names of keys in Redis, made once from
 * the formats in redis/key_names.h.
 */


#include "ngx_http_tollgate.h"
#include "key_names.h"


static ngx_int_t ngx_http_tollgate_name(ngx_conf_t *cf, ngx_str_t *name,
    const char *text);


/* A format with an empty rest gives what comes before the rest. */

ngx_int_t
ngx_http_tollgate_names(ngx_conf_t *cf, ngx_http_tollgate_main_conf_t *tmcf)
{
    char         text[64 + NGX_MAXHOSTNAMELEN], host[NGX_MAXHOSTNAMELEN + 1];
    u_char      *shard;
    ngx_uint_t   i, n;

    static const struct {
        const char  *format;
        size_t       offset;
    } names[] = {
        { TG_KEY_WALLET_FMT, offsetof(ngx_http_tollgate_shard_t, wallet) },
        { TG_KEY_LEDGER_FMT, offsetof(ngx_http_tollgate_shard_t, ledger) },
        { TG_KEY_PLAN_FMT, offsetof(ngx_http_tollgate_shard_t, plan) },
        { TG_KEY_REFUND_FMT, offsetof(ngx_http_tollgate_shard_t, refund) },
        { TG_KEY_HOLDS_FMT, offsetof(ngx_http_tollgate_shard_t, holds) },
        { TG_KEY_ALIAS_FMT, offsetof(ngx_http_tollgate_shard_t, alias) },
        { TG_KEY_ALIASES_FMT, offsetof(ngx_http_tollgate_shard_t, aliases) },
        { TG_KEY_LEASES_FMT, offsetof(ngx_http_tollgate_shard_t, leases) },
        { TG_KEY_RING_FMT, offsetof(ngx_http_tollgate_shard_t, ring) }
    };

    tmcf->shards = ngx_palloc(cf->pool, tmcf->nshards
                                        * sizeof(ngx_http_tollgate_shard_t));
    if (tmcf->shards == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < tmcf->nshards; i++) {
        shard = (u_char *) &tmcf->shards[i];

        for (n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
            (void) snprintf(text, sizeof(text), names[n].format, (unsigned) i,
                            "");

            if (ngx_http_tollgate_name(cf,
                                       (ngx_str_t *) (shard + names[n].offset),
                                       text)
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    (void) ngx_cpystrn((u_char *) host, cf->cycle->hostname.data,
                       ngx_min(cf->cycle->hostname.len + 1, sizeof(host)));
    (void) snprintf(text, sizeof(text), TG_KEY_USAGE_FMT, host);

    return ngx_http_tollgate_name(cf, &tmcf->usage_key, text);
}


static ngx_int_t
ngx_http_tollgate_name(ngx_conf_t *cf, ngx_str_t *name, const char *text)
{
    ngx_str_t  s;

    s.data = (u_char *) text;
    s.len = ngx_strlen(text);

    name->data = ngx_pstrdup(cf->pool, &s);
    name->len = s.len;

    return name->data == NULL ? NGX_ERROR : NGX_OK;
}
