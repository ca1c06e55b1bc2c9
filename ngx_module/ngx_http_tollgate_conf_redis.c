
/*
 * ngx_http_tollgate_conf_redis.c owns the tollgate_redis directive and the
 * list of servers that it makes.
 */


#include "ngx_http_tollgate.h"


#define NGX_HTTP_TOLLGATE_REDIS_PORT      6379
#define NGX_HTTP_TOLLGATE_CONNECT         500   /* ms */
#define NGX_HTTP_TOLLGATE_PASSWORD_MAX    512


static char *ngx_http_tollgate_conf_redis_param(ngx_conf_t *cf,
    ngx_http_tollgate_redis_t *redis, ngx_str_t *arg);
static char *ngx_http_tollgate_conf_password(ngx_conf_t *cf,
    ngx_http_tollgate_redis_t *redis, ngx_str_t *file);
static ngx_http_tollgate_store_t *ngx_http_tollgate_conf_store(
    ngx_conf_t *cf, ngx_http_tollgate_redis_t *redis);
static ngx_uint_t ngx_http_tollgate_conf_same(ngx_str_t *one, ngx_str_t *two);


char *
ngx_http_tollgate_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t *tlcf = conf;

    char                       *rv;
    ngx_url_t                   u;
    ngx_str_t                  *value;
    ngx_uint_t                  i;
    ngx_http_tollgate_redis_t   redis;

    if (tlcf->store != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    ngx_memzero(&redis, sizeof(ngx_http_tollgate_redis_t));
    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = value[1];
    u.default_port = NGX_HTTP_TOLLGATE_REDIS_PORT;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s in address \"%V\" of \"%V\" directive, "
                           "it must be \"unix:/path\" or \"host:port\"",
                           u.err ? u.err : "invalid host", &u.url,
                           &cmd->name);
        return NGX_CONF_ERROR;
    }

    redis.name = value[1];
    redis.addrs = u.addrs;
    redis.naddrs = u.naddrs;
    redis.connect_timeout = NGX_HTTP_TOLLGATE_CONNECT;

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_http_tollgate_conf_redis_param(cf, &redis, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (redis.user.len && redis.password.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"user\" in \"%V\" directive needs \"password\" "
                           "or \"password_file\"", &cmd->name);
        return NGX_CONF_ERROR;
    }

    tlcf->store = ngx_http_tollgate_conf_store(cf, &redis);

    return tlcf->store == NULL ? NGX_CONF_ERROR : NGX_CONF_OK;
}


/* Messages don't repeat the argument, which may be the password. */

static char *
ngx_http_tollgate_conf_redis_param(ngx_conf_t *cf,
    ngx_http_tollgate_redis_t *redis, ngx_str_t *arg)
{
    ngx_int_t   n;
    ngx_str_t   value;

    if (ngx_http_tollgate_conf_param(arg, "password_file=", &value)) {
        return ngx_http_tollgate_conf_password(cf, redis, &value);
    }

    if (ngx_http_tollgate_conf_param(arg, "password=", &value)) {
        redis->password = value;
        return NGX_CONF_OK;
    }

    if (ngx_http_tollgate_conf_param(arg, "user=", &value)) {
        redis->user = value;
        return NGX_CONF_OK;
    }

    if (ngx_http_tollgate_conf_param(arg, "database=", &value)) {
        n = ngx_atoi(value.data, value.len);

        if (n == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid \"database\" in \"tollgate_redis\" "
                               "directive, it must be a number");
            return NGX_CONF_ERROR;
        }

        redis->database = n;
        return NGX_CONF_OK;
    }

    if (ngx_http_tollgate_conf_param(arg, "connect_timeout=", &value)) {
        n = ngx_parse_time(&value, 0);

        if (n == NGX_ERROR || n == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid \"connect_timeout\" in "
                               "\"tollgate_redis\" directive, it must be a "
                               "time such as \"500ms\"");
            return NGX_CONF_ERROR;
        }

        redis->connect_timeout = n;
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter in \"tollgate_redis\" directive, "
                       "it must be \"user=\", \"password=\", "
                       "\"password_file=\", \"database=\" or "
                       "\"connect_timeout=\"");

    return NGX_CONF_ERROR;
}


static char *
ngx_http_tollgate_conf_password(ngx_conf_t *cf,
    ngx_http_tollgate_redis_t *redis, ngx_str_t *file)
{
    u_char    buf[NGX_HTTP_TOLLGATE_PASSWORD_MAX];
    ssize_t   n;
    ngx_fd_t  fd;

    if (ngx_conf_full_name(cf->cycle, file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "\"password_file\" of \"tollgate_redis\": "
                           "can't open \"%V\"", file);
        return NGX_CONF_ERROR;
    }

    n = ngx_read_fd(fd, buf, sizeof(buf));
    (void) ngx_close_file(fd);

    while (n > 0 && (buf[n - 1] == LF || buf[n - 1] == CR)) {
        n--;
    }

    if (n <= 0 || n == (ssize_t) sizeof(buf)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"password_file\" of \"tollgate_redis\": \"%V\" "
                           "must hold one password of at most %d bytes",
                           file, NGX_HTTP_TOLLGATE_PASSWORD_MAX - 1);
        return NGX_CONF_ERROR;
    }

    redis->password.len = n;
    redis->password.data = ngx_pnalloc(cf->pool, n);
    if (redis->password.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(redis->password.data, buf, n);
    ngx_explicit_memzero(buf, sizeof(buf));

    return NGX_CONF_OK;
}


/* Directives that name the same server the same way share its connection. */

static ngx_http_tollgate_store_t *
ngx_http_tollgate_conf_store(ngx_conf_t *cf, ngx_http_tollgate_redis_t *redis)
{
    ngx_uint_t                      i;
    ngx_http_tollgate_store_t      *store, **stores;
    ngx_http_tollgate_main_conf_t  *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_tollgate_module);
    stores = tmcf->stores.elts;

    for (i = 0; i < tmcf->stores.nelts; i++) {
        store = stores[i];

        if (ngx_http_tollgate_conf_same(&store->redis.name, &redis->name)
            && ngx_http_tollgate_conf_same(&store->redis.user, &redis->user)
            && ngx_http_tollgate_conf_same(&store->redis.password,
                                           &redis->password)
            && store->redis.database == redis->database
            && store->redis.connect_timeout == redis->connect_timeout)
        {
            return store;
        }
    }

    store = ngx_pcalloc(cf->pool, sizeof(ngx_http_tollgate_store_t));
    if (store == NULL) {
        return NULL;
    }

    store->redis = *redis;
    store->conf = tmcf;

    stores = ngx_array_push(&tmcf->stores);
    if (stores == NULL) {
        return NULL;
    }

    *stores = store;

    return store;
}


static ngx_uint_t
ngx_http_tollgate_conf_same(ngx_str_t *one, ngx_str_t *two)
{
    return one->len == two->len
           && (one->len == 0
               || ngx_memcmp(one->data, two->data, one->len) == 0);
}
