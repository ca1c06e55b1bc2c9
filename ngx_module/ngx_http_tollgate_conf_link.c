
/*
 * ngx_http_tollgate_conf_link.c owns the file of secrets that download links
 * are signed with.
 */


#include "ngx_http_tollgate_link.h"


#define NGX_HTTP_TOLLGATE_LINK_SECRETS    2
#define NGX_HTTP_TOLLGATE_LINK_SECRET_MIN 32
#define NGX_HTTP_TOLLGATE_LINK_SECRET_MAX 256


static char *ngx_http_tollgate_conf_link_lines(ngx_conf_t *cf,
    ngx_array_t *secrets, u_char *p, u_char *last);


void
ngx_http_tollgate_conf_link_merge(ngx_http_tollgate_loc_conf_t *prev,
    ngx_http_tollgate_loc_conf_t *conf)
{
    ngx_conf_merge_value(conf->link, prev->link, 0);
    ngx_conf_merge_ptr_value(conf->link_secrets, prev->link_secrets, NULL);
}


/* Two secrets are for the time in which those who sign change over. */

char *
ngx_http_tollgate_conf_link_secret(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t *tlcf = conf;

    char       *rv;
    u_char      buf[1024];
    ssize_t     n;
    ngx_fd_t    fd;
    ngx_str_t  *value;

    if (tlcf->link_secrets != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    tlcf->link_secrets = ngx_array_create(cf->pool,
                                          NGX_HTTP_TOLLGATE_LINK_SECRETS,
                                          sizeof(ngx_str_t));

    if (tlcf->link_secrets == NULL
        || ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    fd = ngx_open_file(value[1].data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "\"%V\" directive: can't open \"%V\"", &cmd->name,
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    n = ngx_read_fd(fd, buf, sizeof(buf));
    (void) ngx_close_file(fd);

    rv = n > 0 && n < (ssize_t) sizeof(buf)
         ? ngx_http_tollgate_conf_link_lines(cf, tlcf->link_secrets, buf, buf + n)
         : "is empty or too large";

    ngx_explicit_memzero(buf, sizeof(buf));

    if (rv != NGX_CONF_OK && rv != NGX_CONF_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" directive: \"%V\" %s, it must hold one or "
                           "two secrets, a line each, of %d to %d bytes",
                           &cmd->name, &value[1], rv,
                           NGX_HTTP_TOLLGATE_LINK_SECRET_MIN,
                           NGX_HTTP_TOLLGATE_LINK_SECRET_MAX);
        return NGX_CONF_ERROR;
    }

    return rv;
}


static char *
ngx_http_tollgate_conf_link_lines(ngx_conf_t *cf, ngx_array_t *secrets, u_char *p,
    u_char *last)
{
    u_char     *end, *next;
    ngx_str_t  *secret;

    for ( /* void */ ; p < last; p = next) {
        end = ngx_strlchr(p, last, LF);
        end = end ? end : last;
        next = end + 1;

        if (end > p && end[-1] == CR) {
            end--;
        }

        if (end == p) {
            continue;
        }

        if (end - p < NGX_HTTP_TOLLGATE_LINK_SECRET_MIN
            || end - p > NGX_HTTP_TOLLGATE_LINK_SECRET_MAX)
        {
            return "has a line that is too short or too long";
        }

        if (secrets->nelts == NGX_HTTP_TOLLGATE_LINK_SECRETS) {
            return "has more lines";
        }

        secret = ngx_array_push(secrets);
        if (secret == NULL) {
            return NGX_CONF_ERROR;
        }

        secret->len = end - p;
        secret->data = ngx_pnalloc(cf->pool, secret->len);
        if (secret->data == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memcpy(secret->data, p, secret->len);
    }

    return secrets->nelts ? NGX_CONF_OK : "is empty";
}
