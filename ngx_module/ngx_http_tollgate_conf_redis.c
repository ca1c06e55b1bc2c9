
/*
 * ngx_http_tollgate_conf_redis.c owns the tollgate_redis directive and the
 * list of stores that it makes.
 */


#include "ngx_http_tollgate_conf.h"


#define NGX_HTTP_TOLLGATE_REDIS_PORT      6379
#define NGX_HTTP_TOLLGATE_SENTINEL_PORT   26379
#define NGX_HTTP_TOLLGATE_CONNECT         500   /* ms */
#define NGX_HTTP_TOLLGATE_QUEUE           10000


static char *ngx_http_tollgate_conf_servers(ngx_conf_t *cf,
    ngx_http_tollgate_redis_args_t *args);
static char *ngx_http_tollgate_conf_server(ngx_conf_t *cf, ngx_array_t *addrs,
    ngx_str_t *arg, in_port_t port);
static char *ngx_http_tollgate_conf_redis_check(ngx_conf_t *cf,
    ngx_http_tollgate_redis_args_t *args);
static ngx_http_tollgate_store_t *ngx_http_tollgate_conf_store(
    ngx_conf_t *cf, ngx_http_tollgate_redis_args_t *args);
static ngx_int_t ngx_http_tollgate_conf_said(ngx_conf_t *cf, ngx_str_t *said);


char *
ngx_http_tollgate_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t *tlcf = conf;

    char                            *rv;
    ngx_http_tollgate_redis_args_t   args;

    if (tlcf->store != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    ngx_memzero(&args, sizeof(ngx_http_tollgate_redis_args_t));

    args.server.connect_timeout = NGX_HTTP_TOLLGATE_CONNECT;
    args.server.queue = NGX_HTTP_TOLLGATE_QUEUE;
    args.verify = 1;

    rv = ngx_http_tollgate_conf_servers(cf, &args);

    if (rv == NGX_CONF_OK) {
        rv = ngx_http_tollgate_conf_redis_check(cf, &args);
    }

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    tlcf->store = ngx_http_tollgate_conf_store(cf, &args);

    return tlcf->store == NULL ? NGX_CONF_ERROR : NGX_CONF_OK;
}


/* Parameters say of what the addresses are, so these are parsed afterwards. */

static char *
ngx_http_tollgate_conf_servers(ngx_conf_t *cf,
    ngx_http_tollgate_redis_args_t *args)
{
    char         *rv;
    u_char       *p;
    size_t        len;
    in_port_t     port;
    ngx_str_t    *value;
    ngx_uint_t    i, n;
    ngx_array_t   addrs;

    value = cf->args->elts;
    n = 1;
    len = 0;

    while (n < cf->args->nelts
           && !ngx_http_tollgate_redis_param_is(&value[n])
           && (n == 1 || ngx_strlchr(value[n].data,
                                     value[n].data + value[n].len, '=')
                         == NULL))
    {
        len += value[n++].len + 1;
    }

    if (n == 1) {
        return "needs an address before its parameters, it must be "
               "\"unix:/path\" or \"host:port\"";
    }

    for (i = n; i < cf->args->nelts; i++) {
        rv = ngx_http_tollgate_redis_param(cf, args, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    args->server.topology = args->cluster ? NGX_HTTP_TOLLGATE_CLUSTER
                            : args->server.master.len
                              ? NGX_HTTP_TOLLGATE_SENTINEL
                              : NGX_HTTP_TOLLGATE_SINGLE;

    port = args->server.topology == NGX_HTTP_TOLLGATE_SENTINEL
           ? NGX_HTTP_TOLLGATE_SENTINEL_PORT : NGX_HTTP_TOLLGATE_REDIS_PORT;

    p = ngx_pnalloc(cf->pool, len);

    if (p == NULL
        || ngx_array_init(&addrs, cf->pool, n, sizeof(ngx_addr_t)) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    args->server.name.data = p;
    args->server.name.len = len - 1;

    for (i = 1; i < n; i++) {
        rv = ngx_http_tollgate_conf_server(cf, &addrs, &value[i], port);
        if (rv != NGX_CONF_OK) {
            return rv;
        }

        p = ngx_cpymem(p, value[i].data, value[i].len);

        if (i + 1 < n) {
            *p++ = ' ';
        }
    }

    if (n > 2 && args->server.topology == NGX_HTTP_TOLLGATE_SINGLE) {
        return "has several addresses, which need \"cluster\" or \"sentinel=\"";
    }

    args->server.addrs = addrs.elts;
    args->server.naddrs = addrs.nelts;

    return NGX_CONF_OK;
}


static char *
ngx_http_tollgate_conf_server(ngx_conf_t *cf, ngx_array_t *addrs,
    ngx_str_t *arg, in_port_t port)
{
    ngx_url_t    u;
    ngx_uint_t   i;
    ngx_addr_t  *addr;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = *arg;
    u.default_port = port;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s in address \"%V\" of \"tollgate_redis\" "
                           "directive, it must be \"unix:/path\" or "
                           "\"host:port\"",
                           u.err ? u.err : "invalid host", &u.url);
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < u.naddrs; i++) {
        addr = ngx_array_push(addrs);
        if (addr == NULL) {
            return NGX_CONF_ERROR;
        }

        /* the name as it was given is what a certificate is for */

        *addr = u.addrs[i];
        addr->name = *arg;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_tollgate_conf_redis_check(ngx_conf_t *cf,
    ngx_http_tollgate_redis_args_t *args)
{
    ngx_uint_t                       i, local;
    ngx_http_tollgate_tls_t         *tls;
    ngx_http_tollgate_redis_conf_t  *server;

    server = &args->server;
    tls = &args->tls;
    local = 0;

    for (i = 0; i < server->naddrs; i++) {
        local |= server->addrs[i].sockaddr->sa_family == AF_UNIX;
    }

    if (server->user.len && server->password.len == 0) {
        return "has \"user\", which needs \"password\" or \"password_file\"";
    }

    if (server->sentinel_user.len && server->sentinel_password.len == 0) {
        return "has \"sentinel_user\", which needs "
               "\"sentinel_password_file\"";
    }

    if (args->cluster && server->master.len) {
        return "has both \"cluster\" and \"sentinel\"";
    }

    if (args->cluster && server->database) {
        return "has \"cluster\", which needs database 0";
    }

    if (server->topology != NGX_HTTP_TOLLGATE_SENTINEL
        && server->sentinel_password.len)
    {
        return "has \"sentinel_password_file\", which needs \"sentinel\"";
    }

    if (server->topology == NGX_HTTP_TOLLGATE_CLUSTER && local) {
        return "has \"cluster\", which needs addresses of the form "
               "\"host:port\"";
    }

    if (server->queue == 0) {
        return "has no \"queue\", it must be a number of requests";
    }

    if (!args->secure) {
        return tls->ca.len || tls->cert.len || tls->key.len || tls->name.len
               || !args->verify ? "has parameters that need \"tls\""
                                : NGX_CONF_OK;
    }

    if (local) {
        return "has \"tls\", which needs addresses of the form \"host:port\"";
    }

    if (!tls->cert.len != !tls->key.len) {
        return "has one of \"tls_cert\" and \"tls_key\", which need each "
               "other";
    }

    tls->verify = args->verify;

    return NGX_CONF_OK;
}


/* Directives that say the same share a store, and with it its connections. */

static ngx_http_tollgate_store_t *
ngx_http_tollgate_conf_store(ngx_conf_t *cf,
    ngx_http_tollgate_redis_args_t *args)
{
    ngx_str_t                       said;
    ngx_uint_t                      i;
    ngx_http_tollgate_tls_t        *tls;
    ngx_http_tollgate_store_t     **stores, *store;
    ngx_http_tollgate_main_conf_t  *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_tollgate_module);

    if (ngx_http_tollgate_conf_said(cf, &said) != NGX_OK) {
        return NULL;
    }

    stores = tmcf->stores.elts;

    for (i = 0; i < tmcf->stores.nelts; i++) {
        store = stores[i];

        if (store->said.len == said.len
            && ngx_memcmp(store->said.data, said.data, said.len) == 0)
        {
            return store;
        }
    }

    store = ngx_pcalloc(cf->pool, sizeof(ngx_http_tollgate_store_t));
    if (store == NULL) {
        return NULL;
    }

    store->server = args->server;
    store->conf = tmcf;
    store->said = said;

    if (args->secure) {
        tls = ngx_palloc(cf->pool, sizeof(ngx_http_tollgate_tls_t));
        if (tls == NULL) {
            return NULL;
        }

        *tls = args->tls;
        store->server.tls = tls;

        if (ngx_http_tollgate_tls_init(cf, tls) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid \"tls\" in \"tollgate_redis\" "
                               "directive, it must name files of PEM");
            return NULL;
        }
    }

    stores = ngx_array_push(&tmcf->stores);
    if (stores == NULL) {
        return NULL;
    }

    *stores = store;

    return store;
}


/* The arguments of the directive, as one text. */

static ngx_int_t
ngx_http_tollgate_conf_said(ngx_conf_t *cf, ngx_str_t *said)
{
    u_char      *p;
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;
    said->len = 0;

    for (i = 1; i < cf->args->nelts; i++) {
        said->len += value[i].len + 1;
    }

    p = ngx_pnalloc(cf->pool, said->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    said->data = p;

    for (i = 1; i < cf->args->nelts; i++) {
        p = ngx_cpymem(p, value[i].data, value[i].len);
        *p++ = ' ';
    }

    return NGX_OK;
}
