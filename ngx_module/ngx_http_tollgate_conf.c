
/*
 * ngx_http_tollgate_conf.c owns the directives with a grammar of their own,
 * and tells what was wanted where they are wrong.
 */


#include "ngx_http_tollgate_conf.h"
#include "ngx_http_tollgate_hold.h"
#include "ngx_http_tollgate_meter.h"
#include "ngx_http_tollgate_metrics.h"


#define NGX_HTTP_TOLLGATE_REFRESH         1000  /* ms */
#define NGX_HTTP_TOLLGATE_SHARDS          64
#define NGX_HTTP_TOLLGATE_STALE_FOR       60000 /* ms */
#define NGX_HTTP_TOLLGATE_STALE_REQUESTS  100
#define NGX_HTTP_TOLLGATE_USAGE_BUFFER    (8 * 1024 * 1024)
#define NGX_HTTP_TOLLGATE_USAGE_LEAST     (64 * 1024)


/* cmd->post is a table of ngx_conf_enum_t, cmd->offset a ngx_uint_t */

char *
ngx_http_tollgate_conf_enum(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    u_char            wanted[128], *w;
    ngx_str_t        *value;
    ngx_uint_t       *np;
    ngx_conf_enum_t  *e;

    np = (ngx_uint_t *) (p + cmd->offset);

    if (*np != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;
    w = wanted;

    for (e = cmd->post; e->name.len; e++) {
        if (e->name.len == value[1].len
            && ngx_strcmp(e->name.data, value[1].data) == 0)
        {
            *np = e->value;
            return NGX_CONF_OK;
        }

        w = ngx_slprintf(w, wanted + sizeof(wanted), "%s\"%V\"",
                         w == wanted ? "" : " or ", &e->name);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" in \"%V\" directive, "
                       "it must be %*s", &value[1], &cmd->name,
                       (size_t) (w - wanted), wanted);

    return NGX_CONF_ERROR;
}


char *
ngx_http_tollgate_conf_enable(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t *tlcf = conf;

    if (ngx_http_tollgate_conf_at(cf, &tlcf->enable_at) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_tollgate_conf_enum(cf, cmd, conf);
}


/* Where a directive stands, for a complaint that comes later. */

ngx_int_t
ngx_http_tollgate_conf_at(ngx_conf_t *cf, ngx_str_t *at)
{
    u_char  *p;

    p = ngx_pnalloc(cf->pool, cf->conf_file->file.name.len + NGX_INT_T_LEN
                              + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    at->data = p;
    at->len = ngx_sprintf(p, "%V:%ui", &cf->conf_file->file.name,
                          cf->conf_file->line) - p;

    return NGX_OK;
}


/* A value that may have variables, in the configuration's pool; or NULL. */

ngx_http_complex_value_t *
ngx_http_tollgate_conf_complex(ngx_conf_t *cf, ngx_str_t *value)
{
    ngx_http_complex_value_t          *cv;
    ngx_http_compile_complex_value_t   ccv;

    cv = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (cv == NULL) {
        return NULL;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = value;
    ccv.complex_value = cv;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? cv : NULL;
}


/* value is what follows name, where arg begins with it */

ngx_uint_t
ngx_http_tollgate_conf_param(ngx_str_t *arg, const char *name,
    ngx_str_t *value)
{
    size_t  len;

    len = ngx_strlen(name);

    if (arg->len < len || ngx_strncmp(arg->data, name, len) != 0) {
        return 0;
    }

    value->data = arg->data + len;
    value->len = arg->len - len;

    return 1;
}


char *
ngx_http_tollgate_conf_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_main_conf_t *tmcf = conf;

    u_char      *p;
    ssize_t      size;
    ngx_int_t    n;
    ngx_str_t   *value, name, s;
    ngx_uint_t   i;

    if (tmcf->zone != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    p = (u_char *) ngx_strchr(value[1].data, ':');
    size = NGX_ERROR;

    name.data = value[1].data;
    name.len = p ? (size_t) (p - name.data) : 0;

    if (name.len) {
        s.data = p + 1;
        s.len = value[1].data + value[1].len - s.data;
        size = ngx_parse_size(&s);
    }

    if (size < (ssize_t) (8 * ngx_pagesize)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone \"%V\" in \"%V\" directive, it must "
                           "be \"name:size\" with a size of at least %uzk",
                           &value[1], &cmd->name,
                           (size_t) (8 * ngx_pagesize / 1024));
        return NGX_CONF_ERROR;
    }

    tmcf->refresh = NGX_HTTP_TOLLGATE_REFRESH;
    tmcf->nshards = NGX_HTTP_TOLLGATE_SHARDS;

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_tollgate_conf_param(&value[i], "refresh=", &s)) {
            n = ngx_parse_time(&s, 0);

            if (n != NGX_ERROR && n > 0) {
                tmcf->refresh = n;
                continue;
            }

        } else if (ngx_http_tollgate_conf_param(&value[i], "shards=", &s)) {
            n = ngx_atoi(s.data, s.len);

            if (n > 0 && n <= 16384) {
                tmcf->nshards = n;
                continue;
            }
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"%V\" directive, it "
                           "must be \"refresh=time\" or \"shards=number\" of "
                           "1 to 16384", &value[i], &cmd->name);
        return NGX_CONF_ERROR;
    }

    tmcf->zone = ngx_shared_memory_add(cf, &name, size,
                                       &ngx_http_tollgate_module);
    if (tmcf->zone == NULL) {
        return NGX_CONF_ERROR;
    }

    tmcf->zone->init = ngx_http_tollgate_zone_init;

    return NGX_CONF_OK;
}


char *
ngx_http_tollgate_conf_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t *tlcf = conf;

    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_http_complex_value_t  *cv, *key;

    if (tlcf->keys != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    tlcf->keys = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                  sizeof(ngx_http_complex_value_t));
    if (tlcf->keys == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        key = ngx_array_push(tlcf->keys);
        cv = ngx_http_tollgate_conf_complex(cf, &value[i]);
        if (key == NULL || cv == NULL) {
            return NGX_CONF_ERROR;
        }

        *key = *cv;

        if (cv->lengths == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "value %ui of \"%V\" directive must contain a "
                               "variable, for a key belongs to a client",
                               i, &cmd->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* A cost without variables is read here, and told here when it is wrong. */

char *
ngx_http_tollgate_conf_cost(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t *tlcf = conf;

    char       *rv;
    ngx_str_t  *value;

    rv = ngx_http_set_complex_value_slot(cf, cmd, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (tlcf->cost->lengths != NULL) {
        return NGX_CONF_OK;
    }

    value = cf->args->elts;

    if (ngx_http_tollgate_credits_parse(&value[1], &tlcf->fixed_cost)
        != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid cost \"%V\" in \"%V\" directive, it must "
                           "be a number of credits with up to 6 decimals",
                           &value[1], &cmd->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_tollgate_conf_charge_on(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_tollgate_loc_conf_t *tlcf = conf;

    ngx_int_t    status;
    ngx_str_t   *value;
    ngx_uint_t   i, *code;

    if (tlcf->charge_on != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    tlcf->charge_on = 0;
    tlcf->charge_codes = ngx_array_create(cf->pool, 4, sizeof(ngx_uint_t));
    if (tlcf->charge_codes == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_strcmp(value[i].data, "client_abort") == 0) {
            tlcf->charge_on |= NGX_HTTP_TOLLGATE_CHARGE_ABORT;
            continue;
        }

        if (value[i].len == 3 && value[i].data[0] >= '1'
            && value[i].data[0] <= '5'
            && ngx_strcmp(value[i].data + 1, "xx") == 0)
        {
            tlcf->charge_on |= 1 << (value[i].data[0] - '0');
            continue;
        }

        status = ngx_atoi(value[i].data, value[i].len);

        if (status < 100 || status > 599) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value \"%V\" in \"%V\" directive, it "
                               "must be a status such as \"404\", a class "
                               "such as \"2xx\" or \"client_abort\"",
                               &value[i], &cmd->name);
            return NGX_CONF_ERROR;
        }

        code = ngx_array_push(tlcf->charge_codes);
        if (code == NULL) {
            return NGX_CONF_ERROR;
        }

        *code = status;
    }

    return NGX_CONF_OK;
}


/* A location of its own, which nobody needs a key for. */

char *
ngx_http_tollgate_conf_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t *tlcf = conf;

    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_tollgate_main_conf_t  *tmcf;

    if (tlcf->enable != NGX_CONF_UNSET_UINT) {
        return "must not stand beside \"tollgate\" or twice";
    }

    tlcf->enable = NGX_HTTP_TOLLGATE_MODE_OFF;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_tollgate_module);

    if (tmcf->status_at.len == 0
        && ngx_http_tollgate_conf_at(cf, &tmcf->status_at) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_tollgate_status_handler;

    return NGX_CONF_OK;
}


/* "stale" has parameters, the other values have none */

char *
ngx_http_tollgate_conf_on_error(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
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

    tlcf->stale_for = NGX_HTTP_TOLLGATE_STALE_FOR;
    tlcf->stale_requests = NGX_HTTP_TOLLGATE_STALE_REQUESTS;
    tlcf->stale_credits = -1;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {
        n = 0;

        if (tlcf->on_error != NGX_HTTP_TOLLGATE_STALE) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" in \"%V\" directive has no parameters "
                               "such as \"%V\"", &value[1], &cmd->name,
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        if (ngx_http_tollgate_conf_param(&value[i], "for=", &s)) {
            n = ngx_parse_time(&s, 0);
            tlcf->stale_for = n;

        } else if (ngx_http_tollgate_conf_param(&value[i], "requests=", &s)) {
            n = ngx_atoi(s.data, s.len);
            tlcf->stale_requests = n;

        } else if (ngx_http_tollgate_conf_param(&value[i], "credits=", &s)
                   && ngx_http_tollgate_credits_parse(&s, &tlcf->stale_credits)
                      == NGX_OK)
        {
            continue;
        }

        if (n <= 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" in \"%V\" directive, "
                               "it must be \"for=time\", \"requests=number\" "
                               "or \"credits=number\"", &value[i],
                               &cmd->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_tollgate_conf_usage_buffer(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_tollgate_main_conf_t *tmcf = conf;

    char  *rv;

    rv = ngx_conf_set_size_slot(cf, cmd, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (tmcf->usage_buffer < NGX_HTTP_TOLLGATE_USAGE_LEAST) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid size in \"%V\" directive, it must be at "
                           "least 64k", &cmd->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_tollgate_conf_timeout(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t *tlcf = conf;

    ngx_int_t   ms;
    ngx_str_t  *value;

    if (tlcf->timeout != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;
    ms = ngx_parse_time(&value[1], 0);

    if (ms == NGX_ERROR || ms == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"%V\" directive, it must "
                           "be a time such as \"250ms\"", &value[1],
                           &cmd->name);
        return NGX_CONF_ERROR;
    }

    tlcf->timeout = ms;

    return NGX_CONF_OK;
}


/* What a gated location can't do without. */

char *
ngx_http_tollgate_conf_check(ngx_conf_t *cf,
    ngx_http_tollgate_loc_conf_t *conf)
{
    const char                     *missing;
    ngx_http_tollgate_main_conf_t  *tmcf;

    if (conf->enable == NGX_HTTP_TOLLGATE_MODE_OFF && conf->self == NULL) {
        return NGX_CONF_OK;
    }

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_tollgate_module);

    missing = conf->store == NULL ? "tollgate_redis"
              : tmcf->zone == NULL ? "tollgate_zone"
              : conf->link && conf->link_secrets == NULL
                ? "tollgate_link_secret" : NULL;

    if (missing != NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "\"%s\" in %V needs \"%s\"",
                      conf->self ? "tollgate_self" : "tollgate",
                      conf->self ? &conf->self_at : &conf->enable_at, missing);
        return NGX_CONF_ERROR;
    }

    if (conf->hold != NULL && conf->hold->extend
        && conf->meter == NGX_HTTP_TOLLGATE_METER_OFF)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"extend=\" of \"tollgate_hold\" needs "
                      "\"tollgate_meter\", as \"tollgate\" in %V has it",
                      &conf->enable_at);
        return NGX_CONF_ERROR;
    }

    ngx_conf_init_size_value(tmcf->usage_buffer,
                             NGX_HTTP_TOLLGATE_USAGE_BUFFER);
    tmcf->used = 1;
    tmcf->meters |= conf->meter;
    tmcf->leasing |= conf->lease;
    conf->store->used = 1;

    return NGX_CONF_OK;
}
