
/*
 * ngx_http_tollgate_lease_conf.c owns where leases are kept: their directory,
 * which the master makes as it makes those of temporary files, and their zone.
 */


#include "ngx_http_tollgate_lease.h"
#include "ngx_http_tollgate_conf.h"


#define NGX_HTTP_TOLLGATE_LEASE_SIZE     (8 * 1024 * 1024)
#define NGX_HTTP_TOLLGATE_LEASE_LITTLE   (64 * 1024)
#define NGX_HTTP_TOLLGATE_LEASE_FLUSH    50     /* ms */
#define NGX_HTTP_TOLLGATE_LEASE_SLOTS    16384
#define NGX_HTTP_TOLLGATE_LEASE_DIR      "tollgate_leases"


static ngx_http_tollgate_leases_t *ngx_http_tollgate_lease_create_conf(
    ngx_conf_t *cf);
static ngx_int_t ngx_http_tollgate_lease_path(ngx_conf_t *cf,
    ngx_http_tollgate_leases_t *leases, ngx_str_t *name);
static ngx_http_tollgate_leases_t *ngx_http_tollgate_lease_default(
    ngx_conf_t *cf);


char *
ngx_http_tollgate_lease_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_main_conf_t *tmcf = conf;

    ssize_t                      size;
    ngx_int_t                    n;
    ngx_str_t                   *value, s;
    ngx_uint_t                   i;
    ngx_http_tollgate_leases_t  *leases;

    if (tmcf->leases != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;
    leases = ngx_http_tollgate_lease_create_conf(cf);

    if (leases == NULL
        || ngx_http_tollgate_lease_path(cf, leases, &value[1]) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_http_tollgate_conf_param(&value[i], "size=", &s)) {
            size = ngx_parse_size(&s);

            if (size >= NGX_HTTP_TOLLGATE_LEASE_LITTLE) {
                leases->size = size;
                continue;
            }

        } else if (ngx_http_tollgate_conf_param(&value[i], "flush=", &s)) {
            n = ngx_parse_time(&s, 0);

            if (n >= 2 && n <= 200) {
                leases->flush = n;
                continue;
            }

        } else if (ngx_http_tollgate_conf_param(&value[i], "records=", &s)) {
            n = ngx_atoi(s.data, s.len);

            if (n >= 1 && n <= 1048576) {
                leases->records = n;
                continue;
            }
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"%V\" directive, it "
                           "must be \"size=size\" of at least 64k, "
                           "\"flush=time\" of 2ms to 200ms or "
                           "\"records=number\" of 1 to 1048576", &value[i],
                           &cmd->name);
        return NGX_CONF_ERROR;
    }

    tmcf->leases = leases;

    return NGX_CONF_OK;
}


static ngx_http_tollgate_leases_t *
ngx_http_tollgate_lease_create_conf(ngx_conf_t *cf)
{
    ngx_http_tollgate_leases_t  *leases;

    leases = ngx_pcalloc(cf->pool, sizeof(ngx_http_tollgate_leases_t));
    if (leases == NULL) {
        return NULL;
    }

    leases->size = NGX_HTTP_TOLLGATE_LEASE_SIZE;
    leases->flush = NGX_HTTP_TOLLGATE_LEASE_FLUSH;
    leases->records = NGX_HTTP_TOLLGATE_LEASE_SLOTS;

    return leases;
}


static ngx_int_t
ngx_http_tollgate_lease_path(ngx_conf_t *cf,
    ngx_http_tollgate_leases_t *leases, ngx_str_t *name)
{
    ngx_path_t  *path;

    path = ngx_pcalloc(cf->pool, sizeof(ngx_path_t));
    if (path == NULL) {
        return NGX_ERROR;
    }

    path->name = *name;

    if (path->name.data[path->name.len - 1] == '/') {
        path->name.len--;
    }

    if (ngx_conf_full_name(cf->cycle, &path->name, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    path->conf_file = cf->conf_file->file.name.data;
    path->line = cf->conf_file->line;

    leases->path = path;

    return NGX_OK;
}


/* Beside the first of nginx's own directories for what is temporary. */

static ngx_http_tollgate_leases_t *
ngx_http_tollgate_lease_default(ngx_conf_t *cf)
{
    u_char                      *p;
    ngx_str_t                    name;
    ngx_http_tollgate_leases_t  *leases;

    static ngx_str_t  body = ngx_string(NGX_HTTP_CLIENT_TEMP_PATH);

    leases = ngx_http_tollgate_lease_create_conf(cf);
    name.data = ngx_pnalloc(cf->pool, body.len
                                      + sizeof(NGX_HTTP_TOLLGATE_LEASE_DIR));

    if (leases == NULL || name.data == NULL) {
        return NULL;
    }

    ngx_memcpy(name.data, body.data, body.len);

    for (p = name.data + body.len; p > name.data && p[-1] != '/'; p--) {
        /* void */
    }

    name.len = ngx_sprintf(p, NGX_HTTP_TOLLGATE_LEASE_DIR "%Z") - name.data
               - 1;

    return ngx_http_tollgate_lease_path(cf, leases, &name) == NGX_OK
           ? leases : NULL;
}


/* The directory and the zone, if some location leases. */

ngx_int_t
ngx_http_tollgate_lease_init(ngx_conf_t *cf,
    ngx_http_tollgate_main_conf_t *tmcf)
{
    ngx_http_tollgate_leases_t  *leases;

    if (!tmcf->leasing) {
        return NGX_OK;
    }

    ngx_conf_init_ptr_value(tmcf->leases, ngx_http_tollgate_lease_default(cf));
    leases = tmcf->leases;

    if (leases == NULL || ngx_add_path(cf, &leases->path) != NGX_OK) {
        return NGX_ERROR;
    }

    /* another directory is another zone, for its files have other numbers */

    leases->zone = ngx_shared_memory_add(cf, &leases->path->name,
                                         leases->size,
                                         &ngx_http_tollgate_module);
    if (leases->zone == NULL) {
        return NGX_ERROR;
    }

    leases->zone->init = ngx_http_tollgate_lease_zone_init;

    return NGX_OK;
}
