
/*
 * ngx_http_tollgate_param.c owns the parameters of tollgate_redis: a row each,
 * and how their values are read.
 */


#include "ngx_http_tollgate_conf.h"


#define NGX_HTTP_TOLLGATE_PASSWORD_MAX    512


typedef struct {
    const char                      *name;      /* with "=", if a value follows */
    char                          *(*set)(ngx_conf_t *cf, ngx_str_t *value,
                                          void *field);
    size_t                           offset;
    const char                      *wanted;
} ngx_http_tollgate_redis_param_t;


static ngx_http_tollgate_redis_param_t *ngx_http_tollgate_redis_param_find(
    ngx_str_t *arg);
static char *ngx_http_tollgate_param_text(ngx_conf_t *cf, ngx_str_t *value,
    void *field);
static char *ngx_http_tollgate_param_file(ngx_conf_t *cf, ngx_str_t *value,
    void *field);
static char *ngx_http_tollgate_param_password(ngx_conf_t *cf, ngx_str_t *file,
    void *field);
static char *ngx_http_tollgate_param_number(ngx_conf_t *cf, ngx_str_t *value,
    void *field);
static char *ngx_http_tollgate_param_msec(ngx_conf_t *cf, ngx_str_t *value,
    void *field);
static char *ngx_http_tollgate_param_word(ngx_conf_t *cf, ngx_str_t *value,
    void *field);
static char *ngx_http_tollgate_param_flag(ngx_conf_t *cf, ngx_str_t *value,
    void *field);


#define SERVER(field)                                                         \
    offsetof(ngx_http_tollgate_redis_args_t, server)                          \
    + offsetof(ngx_http_tollgate_redis_conf_t, field)
#define TLS(field)                                                            \
    offsetof(ngx_http_tollgate_redis_args_t, tls)                             \
    + offsetof(ngx_http_tollgate_tls_t, field)
#define ARGS(field)                                                           \
    offsetof(ngx_http_tollgate_redis_args_t, field)

static ngx_http_tollgate_redis_param_t  ngx_http_tollgate_redis_params[] = {
    { "cluster", ngx_http_tollgate_param_word, ARGS(cluster), "" },
    { "sentinel=", ngx_http_tollgate_param_text, SERVER(master),
      "the name of a master" },
    { "user=", ngx_http_tollgate_param_text, SERVER(user), "a name" },
    { "password=", ngx_http_tollgate_param_text, SERVER(password),
      "a password" },
    { "password_file=", ngx_http_tollgate_param_password, SERVER(password),
      "a file that holds one password of at most 511 bytes" },
    { "sentinel_user=", ngx_http_tollgate_param_text, SERVER(sentinel_user),
      "a name" },
    { "sentinel_password_file=", ngx_http_tollgate_param_password,
      SERVER(sentinel_password),
      "a file that holds one password of at most 511 bytes" },
    { "database=", ngx_http_tollgate_param_number, SERVER(database),
      "a number" },
    { "connect_timeout=", ngx_http_tollgate_param_msec,
      SERVER(connect_timeout), "a time such as \"500ms\"" },
    { "queue=", ngx_http_tollgate_param_number, SERVER(queue),
      "a number of requests" },
    { "tls", ngx_http_tollgate_param_word, ARGS(secure), "" },
    { "tls_ca=", ngx_http_tollgate_param_file, TLS(ca), "a file" },
    { "tls_cert=", ngx_http_tollgate_param_file, TLS(cert), "a file" },
    { "tls_key=", ngx_http_tollgate_param_file, TLS(key), "a file" },
    { "tls_name=", ngx_http_tollgate_param_text, TLS(name), "a name" },
    { "tls_verify=", ngx_http_tollgate_param_flag, ARGS(verify),
      "\"on\" or \"off\"" },
    { NULL, NULL, 0, NULL }
};

#undef SERVER
#undef TLS
#undef ARGS


/* NULL: it is none, or a flag with something behind it. */

static ngx_http_tollgate_redis_param_t *
ngx_http_tollgate_redis_param_find(ngx_str_t *arg)
{
    size_t                            len;
    ngx_http_tollgate_redis_param_t  *param;

    for (param = ngx_http_tollgate_redis_params; param->name; param++) {
        len = ngx_strlen(param->name);

        if (param->name[len - 1] == '='
            ? arg->len > len && ngx_memcmp(arg->data, param->name, len) == 0
            : arg->len == len && ngx_memcmp(arg->data, param->name, len) == 0)
        {
            return param;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_tollgate_redis_param_is(ngx_str_t *arg)
{
    return ngx_http_tollgate_redis_param_find(arg) != NULL;
}


/* Messages don't repeat the argument, which may be the password. */

char *
ngx_http_tollgate_redis_param(ngx_conf_t *cf,
    ngx_http_tollgate_redis_args_t *args, ngx_str_t *arg)
{
    char                             *rv;
    size_t                            len;
    ngx_str_t                         value;
    ngx_http_tollgate_redis_param_t  *param;

    param = ngx_http_tollgate_redis_param_find(arg);

    if (param == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter in \"tollgate_redis\" "
                           "directive, it must be \"cluster\", "
                           "\"sentinel=\", \"user=\", \"password=\", "
                           "\"password_file=\", \"sentinel_user=\", "
                           "\"sentinel_password_file=\", \"database=\", "
                           "\"connect_timeout=\", \"queue=\", \"tls\", "
                           "\"tls_ca=\", \"tls_cert=\", \"tls_key=\", "
                           "\"tls_name=\" or \"tls_verify=\"");
        return NGX_CONF_ERROR;
    }

    len = ngx_strlen(param->name);
    value.data = arg->data + len;
    value.len = arg->len - len;

    rv = param->set(cf, &value, (u_char *) args + param->offset);

    if (rv != NGX_CONF_OK && rv != NGX_CONF_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"%*s\" in \"tollgate_redis\" directive, "
                           "it must be %s", len - 1, param->name,
                           param->wanted);
        return NGX_CONF_ERROR;
    }

    return rv;
}


static char *
ngx_http_tollgate_param_text(ngx_conf_t *cf, ngx_str_t *value, void *field)
{
    *(ngx_str_t *) field = *value;

    return NGX_CONF_OK;
}


static char *
ngx_http_tollgate_param_file(ngx_conf_t *cf, ngx_str_t *value, void *field)
{
    *(ngx_str_t *) field = *value;

    return ngx_conf_full_name(cf->cycle, field, 1) == NGX_OK ? NGX_CONF_OK
                                                             : NGX_CONF_ERROR;
}


static char *
ngx_http_tollgate_param_password(ngx_conf_t *cf, ngx_str_t *file, void *field)
{
    ngx_str_t  *password = field;

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

    password->len = n;
    password->data = ngx_pnalloc(cf->pool, n);
    if (password->data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(password->data, buf, n);
    ngx_explicit_memzero(buf, sizeof(buf));

    return NGX_CONF_OK;
}


static char *
ngx_http_tollgate_param_number(ngx_conf_t *cf, ngx_str_t *value, void *field)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR) {
        return "is no number";
    }

    *(ngx_uint_t *) field = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_tollgate_param_msec(ngx_conf_t *cf, ngx_str_t *value, void *field)
{
    ngx_int_t  n;

    n = ngx_parse_time(value, 0);

    if (n == NGX_ERROR || n == 0) {
        return "is no time";
    }

    *(ngx_msec_t *) field = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_tollgate_param_word(ngx_conf_t *cf, ngx_str_t *value, void *field)
{
    *(ngx_flag_t *) field = 1;

    return NGX_CONF_OK;
}


static char *
ngx_http_tollgate_param_flag(ngx_conf_t *cf, ngx_str_t *value, void *field)
{
    ngx_flag_t  *flag = field;

    if (value->len == 2 && ngx_memcmp(value->data, "on", 2) == 0) {
        *flag = 1;

    } else if (value->len == 3 && ngx_memcmp(value->data, "off", 3) == 0) {
        *flag = 0;

    } else {
        return "is neither on nor off";
    }

    return NGX_CONF_OK;
}
