
/*
 * ngx_http_tollgate_tls.c owns TLS to Redis, which is nginx's own: the context
 * that tollgate_redis asks for, and the handshake of a connection.
 */


#include "ngx_http_tollgate_redis.h"


#define NGX_HTTP_TOLLGATE_TLS_DEPTH  4


static void ngx_http_tollgate_tls_done(ngx_connection_t *c);
static ngx_int_t ngx_http_tollgate_tls_name(ngx_http_tollgate_redis_t *redis,
    ngx_str_t *name);
static ngx_uint_t ngx_http_tollgate_tls_address(ngx_str_t *name);
static ngx_int_t ngx_http_tollgate_tls_check(ngx_connection_t *c,
    ngx_str_t *name);


/* Once a configuration; says itself what is wrong with a file. */

ngx_int_t
ngx_http_tollgate_tls_init(ngx_conf_t *cf, ngx_http_tollgate_tls_t *tls)
{
    ngx_pool_cleanup_t  *cln;

    tls->ssl.log = cf->log;

    if (ngx_ssl_create(&tls->ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(&tls->ssl);
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = &tls->ssl;

    if (tls->cert.len
        && ngx_ssl_certificate(cf, &tls->ssl, &tls->cert, &tls->key, NULL)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (tls->ca.len) {
        return ngx_ssl_trusted_certificate(cf, &tls->ssl, &tls->ca,
                                           NGX_HTTP_TOLLGATE_TLS_DEPTH);
    }

    if (SSL_CTX_set_default_verify_paths(tls->ssl.ctx) != 1) {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "SSL_CTX_set_default_verify_paths() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* The connection is made: nothing else is said before the handshake. */

void
ngx_http_tollgate_tls_start(ngx_http_tollgate_redis_t *redis)
{
    ngx_int_t                 rc;
    ngx_str_t                 name;
    ngx_connection_t         *c;
    ngx_http_tollgate_tls_t  *tls;

    c = redis->peer.connection;
    tls = redis->conf->tls;

    c->pool = ngx_create_pool(512, redis->log);

    if (c->pool == NULL
        || ngx_ssl_create_connection(&tls->ssl, c, NGX_SSL_CLIENT) != NGX_OK
        || ngx_http_tollgate_tls_name(redis, &name) != NGX_OK)
    {
        ngx_http_tollgate_redis_fail(redis, "no memory for TLS to Redis");
        return;
    }

    /* names of hosts only: an address is no name that a client may ask for */

    if (!ngx_http_tollgate_tls_address(&name)
        && SSL_set_tlsext_host_name(c->ssl->connection, (char *) name.data)
           == 0)
    {
        ngx_http_tollgate_redis_fail(redis, "invalid name for TLS to Redis");
        return;
    }

    rc = ngx_ssl_handshake(c);

    if (rc == NGX_AGAIN) {
        c->ssl->handler = ngx_http_tollgate_tls_done;
        return;
    }

    ngx_http_tollgate_tls_done(c);
}


static void
ngx_http_tollgate_tls_done(ngx_connection_t *c)
{
    long                        rc;
    ngx_str_t                   name;
    ngx_http_tollgate_redis_t  *redis;

    redis = c->data;

    if (!c->ssl->handshaked) {
        ngx_http_tollgate_redis_fail(redis, "TLS handshake with Redis failed");
        return;
    }

    if (redis->conf->tls->verify) {
        rc = SSL_get_verify_result(c->ssl->connection);

        if (rc != X509_V_OK) {
            ngx_http_tollgate_redis_fail(redis,
                                         X509_verify_cert_error_string(rc));
            return;
        }

        if (ngx_http_tollgate_tls_name(redis, &name) != NGX_OK
            || ngx_http_tollgate_tls_check(c, &name) != NGX_OK)
        {
            ngx_http_tollgate_redis_fail(redis, "the certificate of Redis is "
                                         "for another name, hint: give "
                                         "\"tls_name\" to "
                                         "\"tollgate_redis\"");
            return;
        }
    }

    ngx_http_tollgate_redis_greeting(redis);
}


/* The name that the certificate must be for: the given one, else the host. */

static ngx_int_t
ngx_http_tollgate_tls_name(ngx_http_tollgate_redis_t *redis, ngx_str_t *name)
{
    u_char            *last;
    ngx_str_t         *from;
    ngx_uint_t         given;
    ngx_connection_t  *c;

    c = redis->peer.connection;
    from = &redis->conf->tls->name;

    given = from->len != 0;

    if (!given) {
        from = redis->peer.name;
    }

    name->data = ngx_pnalloc(c->pool, from->len + 1);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    last = from->data + from->len;

    if (!given) {
        while (last > from->data && *last != ':') {
            last--;
        }
    }

    name->len = last - from->data;
    ngx_memcpy(name->data, from->data, name->len);
    name->data[name->len] = '\0';

    return NGX_OK;
}


static ngx_uint_t
ngx_http_tollgate_tls_address(ngx_str_t *name)
{
    return ngx_inet_addr(name->data, name->len) != INADDR_NONE
           || ngx_strlchr(name->data, name->data + name->len, ':') != NULL;
}


static ngx_int_t
ngx_http_tollgate_tls_check(ngx_connection_t *c, ngx_str_t *name)
{
    int    rc;
    X509  *cert;

    if (!ngx_http_tollgate_tls_address(name)) {
        return ngx_ssl_check_host(c, name);
    }

    cert = SSL_get_peer_certificate(c->ssl->connection);
    if (cert == NULL) {
        return NGX_ERROR;
    }

    rc = X509_check_ip_asc(cert, (char *) name->data, 0);
    X509_free(cert);

    return rc == 1 ? NGX_OK : NGX_ERROR;
}
