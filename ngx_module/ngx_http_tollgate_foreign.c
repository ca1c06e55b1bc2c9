
/*
 * ngx_http_tollgate_foreign.c owns keys that are not of our form, which
 * customers had before: Redis is asked whose such a key is, and its answers
 * are kept for a while (_foreign_keys.c).
 *
 * A key is of one account for ever, and what it may do is for gate.lua to
 * decide.  So an answer that is old does no harm, and where Redis can't be asked
 * it goes on being used.  Keys that nobody has are kept apart and have their
 * own bounds: they take no room from others, and Redis is not asked more often
 * than "lookups" allows.
 */


#include "ngx_http_tollgate_conf.h"
#include "ngx_http_tollgate_foreign.h"


#define NGX_HTTP_TOLLGATE_FOREIGN_MIN      8        /* characters of a key */
#define NGX_HTTP_TOLLGATE_FOREIGN_MAX      512

#define NGX_HTTP_TOLLGATE_FOREIGN_CACHE    10000    /* ms */
#define NGX_HTTP_TOLLGATE_FOREIGN_LONGEST  3600000
#define NGX_HTTP_TOLLGATE_FOREIGN_ENTRIES  10000
#define NGX_HTTP_TOLLGATE_FOREIGN_LOOKUPS  1000     /* a second */

/* keys that nobody has: how many are kept, and for how many ms */

#define NGX_HTTP_TOLLGATE_FOREIGN_UNKNOWNS    1000
#define NGX_HTTP_TOLLGATE_FOREIGN_UNKNOWN_MS  1000


static ngx_uint_t ngx_http_tollgate_foreign_well_formed(ngx_str_t *key);
static void ngx_http_tollgate_foreign_found(ngx_http_tollgate_ctx_t *ctx,
    u_char *account);
static ngx_uint_t ngx_http_tollgate_foreign_admit(
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_foreign_t *foreign);
static void ngx_http_tollgate_foreign_told(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_foreign_e state, u_char *account);


ngx_http_tollgate_verdict_e
ngx_http_tollgate_foreign(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_msec_t                        cache;
    ngx_http_tollgate_foreign_t      *foreign;
    ngx_http_tollgate_foreign_key_t  *key;

    switch (ctx->foreign) {

    case NGX_HTTP_TOLLGATE_FOREIGN_WANTED:
    case NGX_HTTP_TOLLGATE_FOREIGN_FOUND:
        return NGX_HTTP_TOLLGATE_PASS;

    case NGX_HTTP_TOLLGATE_FOREIGN_UNKNOWN:
        return NGX_HTTP_TOLLGATE_KEY_UNKNOWN;

    case NGX_HTTP_TOLLGATE_FOREIGN_NONE:
        if (!ngx_http_tollgate_foreign_well_formed(&ctx->presented)) {
            return NGX_HTTP_TOLLGATE_KEY_MALFORMED;
        }

        if (ngx_http_tollgate_key_hash(ctx->hash, &ctx->presented) != NGX_OK) {
            ctx->foreign = NGX_HTTP_TOLLGATE_FOREIGN_LOST;
            return NGX_HTTP_TOLLGATE_PASS;
        }

        ctx->hashed = 1;
        break;

    default: /* LOST, BUSY */
        break;
    }

    foreign = ngx_http_tollgate_foreign_get(ctx->conf->store);

    if (foreign == NULL) {
        ctx->foreign = NGX_HTTP_TOLLGATE_FOREIGN_LOST;
        return NGX_HTTP_TOLLGATE_PASS;
    }

    cache = ctx->conf->foreign_cache;
    key = ngx_http_tollgate_foreign_find(&foreign->known, ctx->hash);

    if (key != NULL && (ctx->foreign != NGX_HTTP_TOLLGATE_FOREIGN_NONE
                        || ngx_current_msec - key->at < cache))
    {
        ngx_http_tollgate_foreign_found(ctx, key->account);
        return NGX_HTTP_TOLLGATE_PASS;
    }

    if (ctx->foreign != NGX_HTTP_TOLLGATE_FOREIGN_NONE) {

        /* too many lookups are no outage: nobody gets in by them */

        if (ctx->foreign == NGX_HTTP_TOLLGATE_FOREIGN_BUSY) {
            ctx->outage = 1;
            ctx->instead = NGX_HTTP_TOLLGATE_OFF;
        }

        return NGX_HTTP_TOLLGATE_PASS;
    }

    if (key == NULL) {
        key = ngx_http_tollgate_foreign_find(&foreign->unknown, ctx->hash);

        if (key != NULL
            && ngx_current_msec - key->at
               < ngx_min(cache, NGX_HTTP_TOLLGATE_FOREIGN_UNKNOWN_MS))
        {
            ctx->foreign = NGX_HTTP_TOLLGATE_FOREIGN_UNKNOWN;
            return NGX_HTTP_TOLLGATE_KEY_UNKNOWN;
        }
    }

    ctx->foreign = NGX_HTTP_TOLLGATE_FOREIGN_WANTED;

    return NGX_HTTP_TOLLGATE_PASS;
}


/* A key of ours that is wrong is that, and nobody's foreign one. */

static ngx_uint_t
ngx_http_tollgate_foreign_well_formed(ngx_str_t *key)
{
    size_t  i;

    if (key->len < NGX_HTTP_TOLLGATE_FOREIGN_MIN
        || key->len > NGX_HTTP_TOLLGATE_FOREIGN_MAX
        || ngx_memcmp(key->data, "tg_live_", 8) == 0
        || ngx_memcmp(key->data, "tg_test_", 8) == 0)
    {
        return 0;
    }

    for (i = 0; i < key->len; i++) {
        if (key->data[i] < 0x20 || key->data[i] > 0x7e) {
            return 0;
        }
    }

    return 1;
}


static void
ngx_http_tollgate_foreign_found(ngx_http_tollgate_ctx_t *ctx, u_char *account)
{
    ctx->foreign = NGX_HTTP_TOLLGATE_FOREIGN_FOUND;
    ngx_http_tollgate_key_account(ctx, account);
}


ngx_int_t
ngx_http_tollgate_foreign_ask(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_uint_t                        shard;
    ngx_http_tollgate_ask_t          *ask;
    ngx_http_tollgate_node_t         *node;
    ngx_http_tollgate_store_t        *store;
    ngx_http_tollgate_foreign_key_t  *key;

    store = ctx->conf->store;
    shard = ngx_crc32_long(ctx->hash, NGX_HTTP_TOLLGATE_HASH_LEN)
            % store->conf->nshards;
    node = store->routes[shard].node;

    if (ngx_http_tollgate_redis_broken(&node->redis)
        || node->nasks >= store->server.queue)
    {
        ctx->foreign = NGX_HTTP_TOLLGATE_FOREIGN_LOST;
        return NGX_DECLINED;
    }

    if (!ngx_http_tollgate_foreign_admit(ctx, store->foreign)) {
        ctx->foreign = NGX_HTTP_TOLLGATE_FOREIGN_BUSY;
        return NGX_DECLINED;
    }

    ask = ngx_http_tollgate_ask_get(store);
    if (ask == NULL) {
        return NGX_ERROR;
    }

    /* the others go on with what was known while this one asks again */

    key = ngx_http_tollgate_foreign_find(&store->foreign->known, ctx->hash);

    if (key != NULL) {
        key->at = ngx_current_msec;
    }

    /* nothing is charged; what begins the hash is as good as an account */

    ask->about = NGX_HTTP_TOLLGATE_ASK_ALIAS;
    ngx_memzero(&ask->charge, sizeof(ngx_http_tollgate_charge_t));
    ngx_memcpy(ask->charge.account, ctx->hash, NGX_HTTP_TOLLGATE_ACCOUNT_LEN);
    ngx_memcpy(ask->hash, ctx->hash, NGX_HTTP_TOLLGATE_HASH_LEN);
    ask->charge.shard = shard;
    ask->dry_run = 1;
    ask->look = 0;

    ngx_http_tollgate_ask_start(ask, ctx, node);

    return NGX_AGAIN;
}


static ngx_uint_t
ngx_http_tollgate_foreign_admit(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_foreign_t *foreign)
{
    if (foreign->second != ngx_time()) {
        foreign->second = ngx_time();
        foreign->lookups = 0;
    }

    if (foreign->lookups < ctx->conf->foreign_lookups) {
        foreign->lookups++;
        return 1;
    }

    ngx_http_tollgate_complain(&foreign->busy, NGX_LOG_WARN,
                               ctx->request->connection->log,
                               "more than %ui keys that are not known would "
                               "have to be looked up in this second, hint: "
                               "limit who sends them, or give "
                               "\"tollgate_foreign_keys\" more \"lookups\"",
                               ctx->conf->foreign_lookups);

    return 0;
}


/* One command, for all of the list ask the same. */

void
ngx_http_tollgate_foreign_format(ngx_http_tollgate_call_t *call)
{
    u_char                      name[32 + NGX_HTTP_TOLLGATE_HASH_LEN], *p;
    ngx_http_tollgate_ask_t    *ask;
    ngx_http_tollgate_shard_t  *shard;

    ask = ngx_queue_data(ngx_queue_head(&call->list), ngx_http_tollgate_ask_t,
                         queue);
    shard = &ask->node->store->conf->shards[ask->charge.shard];

    if (ask->about == NGX_HTTP_TOLLGATE_ASK_ALIASES) {
        ngx_http_tollgate_redis_arg(call->redis, "EXISTS", 6);
        ngx_http_tollgate_redis_arg(call->redis, shard->aliases.data,
                                    shard->aliases.len);
        return;
    }

    p = ngx_cpymem(name, shard->alias.data, shard->alias.len);
    p = ngx_cpymem(p, ask->hash, NGX_HTTP_TOLLGATE_HASH_LEN);

    ngx_http_tollgate_redis_arg(call->redis, "GET", 3);
    ngx_http_tollgate_redis_arg(call->redis, name, p - name);
}


/*
 * A key without an alias is unknown where Redis has all aliases; one that came
 * back empty has not, until the worker has written them again.
 */

ngx_int_t
ngx_http_tollgate_foreign_answer(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_str_t                   *text;
    ngx_http_tollgate_ask_t     *ask;
    ngx_http_tollgate_store_t   *store;
    ngx_http_tollgate_value_t   *v;

    store = ((ngx_http_tollgate_node_t *) call->data)->store;

    if (reply == NULL) {
        ngx_http_tollgate_foreign_told(call, NGX_HTTP_TOLLGATE_FOREIGN_LOST,
                                       NULL);
        return NGX_OK;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_tollgate_answer_error(call, reply, "to look up a key");
        return NGX_OK;
    }

    v = reply->value;
    ask = ngx_queue_data(ngx_queue_head(&call->list), ngx_http_tollgate_ask_t,
                         queue);

    if (ask->about == NGX_HTTP_TOLLGATE_ASK_ALIASES) {
        if (reply->type != REDIS_REPLY_INTEGER) {
            ngx_http_tollgate_foreign_told(call,
                                         NGX_HTTP_TOLLGATE_FOREIGN_LOST, NULL);
            return NGX_ERROR;
        }

        ngx_http_tollgate_foreign_told(call,
                                       v[0].integer
                                       ? NGX_HTTP_TOLLGATE_FOREIGN_UNKNOWN
                                       : NGX_HTTP_TOLLGATE_FOREIGN_LOST, NULL);
        return NGX_OK;
    }

    if (reply->type == REDIS_REPLY_NIL) {
        while (!ngx_queue_empty(&call->list)) {
            ask = ngx_http_tollgate_ask_head(&call->list);

            if (ask->ctx == NULL) {
                ngx_http_tollgate_ask_free(ask);
                continue;
            }

            ask->about = NGX_HTTP_TOLLGATE_ASK_ALIASES;
            ask->again = 0;
            ask->asking = 0;
            ngx_http_tollgate_ask_put(ask,
                                      store->routes[ask->charge.shard].node);
        }

        return NGX_OK;
    }

    text = &v[0].str;

    if (reply->type != REDIS_REPLY_STRING
        || text->len != NGX_HTTP_TOLLGATE_ACCOUNT_LEN)
    {
        ngx_http_tollgate_complain(&call->redis->said, NGX_LOG_ERR, store->log,
                                   "redis \"%V\" has an alias of a key that "
                                   "is no account, hint: delete it, and the "
                                   "worker writes it anew", &call->redis->name);
        ngx_http_tollgate_foreign_told(call, NGX_HTTP_TOLLGATE_FOREIGN_LOST,
                                       NULL);

        return reply->type == REDIS_REPLY_STRING ? NGX_OK : NGX_ERROR;
    }

    ngx_http_tollgate_foreign_told(call, NGX_HTTP_TOLLGATE_FOREIGN_FOUND,
                                   text->data);

    return NGX_OK;
}


/* All who asked are told; what is remembered are answers. */

static void
ngx_http_tollgate_foreign_told(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_foreign_e state, u_char *account)
{
    u_char                            name[NGX_HTTP_TOLLGATE_ACCOUNT_LEN];
    ngx_http_tollgate_ask_t          *ask;
    ngx_http_tollgate_ctx_t          *ctx;
    ngx_http_tollgate_foreign_t      *foreign;
    ngx_http_tollgate_foreign_key_t  *key;

    /* what a request does next may come to other replies */

    if (account != NULL) {
        ngx_memcpy(name, account, NGX_HTTP_TOLLGATE_ACCOUNT_LEN);
    }

    while (!ngx_queue_empty(&call->list)) {
        ask = ngx_http_tollgate_ask_head(&call->list);
        ctx = ask->ctx;

        if (ctx == NULL) {
            ngx_http_tollgate_ask_free(ask);
            continue;
        }

        foreign = ctx->conf->store->foreign;

        if (state == NGX_HTTP_TOLLGATE_FOREIGN_FOUND) {
            key = ngx_http_tollgate_foreign_add(&foreign->known,
                                                ctx->conf->foreign_entries,
                                                ask->hash);
            if (key != NULL) {
                ngx_memcpy(key->account, name, NGX_HTTP_TOLLGATE_ACCOUNT_LEN);
            }

            ngx_http_tollgate_foreign_found(ctx, name);

        } else if (state == NGX_HTTP_TOLLGATE_FOREIGN_UNKNOWN) {
            (void) ngx_http_tollgate_foreign_add(&foreign->unknown,
                                           NGX_HTTP_TOLLGATE_FOREIGN_UNKNOWNS,
                                           ask->hash);

            key = ngx_http_tollgate_foreign_find(&foreign->known, ask->hash);

            if (key != NULL) {
                ngx_http_tollgate_foreign_remove(&foreign->known, key);
            }

            ctx->foreign = state;
        }

        ngx_http_tollgate_ask_leave(ctx);
        ngx_http_tollgate_ask_free(ask);
        ngx_http_tollgate_resume(ctx);
    }
}


/* The request doesn't wait any more, whether it was told or not. */

void
ngx_http_tollgate_foreign_left(ngx_http_tollgate_ctx_t *ctx)
{
    ctx->sought = 1;

    if (ctx->foreign == NGX_HTTP_TOLLGATE_FOREIGN_WANTED) {
        ctx->foreign = NGX_HTTP_TOLLGATE_FOREIGN_LOST;
    }
}


char *
ngx_http_tollgate_foreign_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t *tlcf = conf;

    char        *rv;
    ngx_int_t    n;
    ngx_str_t   *value, s;
    ngx_uint_t   i;

    rv = ngx_http_tollgate_conf_enum(cf, cmd, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    tlcf->foreign_cache = NGX_HTTP_TOLLGATE_FOREIGN_CACHE;
    tlcf->foreign_entries = NGX_HTTP_TOLLGATE_FOREIGN_ENTRIES;
    tlcf->foreign_lookups = NGX_HTTP_TOLLGATE_FOREIGN_LOOKUPS;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {
        n = 0;

        if (ngx_http_tollgate_conf_param(&value[i], "cache=", &s)) {
            n = ngx_parse_time(&s, 0);
            n = n > NGX_HTTP_TOLLGATE_FOREIGN_LONGEST ? 0 : n;
            tlcf->foreign_cache = n;

        } else if (ngx_http_tollgate_conf_param(&value[i], "entries=", &s)) {
            n = ngx_atoi(s.data, s.len);
            tlcf->foreign_entries = n;

        } else if (ngx_http_tollgate_conf_param(&value[i], "lookups=", &s)) {
            n = ngx_atoi(s.data, s.len);
            tlcf->foreign_lookups = n;
        }

        if (n <= 0 || !tlcf->foreign_keys) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" in \"%V\" directive, "
                               "with \"on\" it may be \"cache=time\" of at "
                               "most 1h, \"entries=number\" or "
                               "\"lookups=number\"", &value[i], &cmd->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}
