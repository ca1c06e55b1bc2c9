
/*
 * ngx_http_tollgate_conf_merge.c owns the defaults of the directives, and what
 * a location inherits.
 */


#include "ngx_http_tollgate_conf.h"
#include "ngx_http_tollgate_deny.h"
#include "ngx_http_tollgate_link.h"
#include "ngx_http_tollgate_meter.h"
#include "ngx_http_tollgate_self.h"


void *
ngx_http_tollgate_conf_main(ngx_conf_t *cf)
{
    ngx_http_tollgate_main_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_tollgate_main_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->usage_buffer = NGX_CONF_UNSET_SIZE;
    conf->leases = NGX_CONF_UNSET_PTR;

    if (ngx_array_init(&conf->stores, cf->pool, 4,
                       sizeof(ngx_http_tollgate_store_t *)) != NGX_OK)
    {
        return NULL;
    }

    return conf;
}


void *
ngx_http_tollgate_conf_create(ngx_conf_t *cf)
{
    ngx_http_tollgate_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_tollgate_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->enable_at = { 0, NULL };
     *     conf->feature = NULL;
     *     conf->model = NULL;
     *     conf->content = NULL;
     *     conf->scope = NULL;
     *     conf->tier = NULL;
     *     conf->cost = NULL;
     *     conf->max_tokens = NULL;
     *     conf->actual = NULL;
     *     conf->user = NULL;
     *     conf->label = NULL;
     *     conf->charge_codes = NULL;
     *     conf->idem_ttl = 0;
     *     conf->idem_retries = 0;
     *     conf->idem_required = 0;
     *     conf->upgrade_url = NULL;
     *     conf->topup_url = NULL;
     *     conf->self = NULL;
     */

    conf->enable = NGX_CONF_UNSET_UINT;
    conf->store = NGX_CONF_UNSET_PTR;
    conf->keys = NGX_CONF_UNSET_PTR;
    conf->idempotency = NGX_CONF_UNSET_PTR;
    conf->foreign_keys = NGX_CONF_UNSET_UINT;
    conf->lease = NGX_CONF_UNSET;
    conf->link = NGX_CONF_UNSET;
    conf->link_secrets = NGX_CONF_UNSET_PTR;
    conf->fixed_cost = -1;
    conf->meter = NGX_CONF_UNSET_UINT;
    conf->hold = NGX_CONF_UNSET_PTR;
    conf->on_error = NGX_CONF_UNSET_UINT;
    conf->timeout = NGX_CONF_UNSET_MSEC;
    conf->charge_on = NGX_CONF_UNSET_UINT;
    conf->strip_key = NGX_CONF_UNSET;
    conf->headers = NGX_CONF_UNSET_UINT;
    conf->error_shape = NGX_CONF_UNSET_UINT;
    conf->error_html = NGX_CONF_UNSET;

    return conf;
}


#define ngx_http_tollgate_merge_value(field)                                  \
    if (conf->field == NULL) {                                                \
        conf->field = prev->field;                                            \
    }


/* What the parameters of a directive say goes along with its first value. */

static void
ngx_http_tollgate_conf_merge_params(ngx_http_tollgate_loc_conf_t *prev,
    ngx_http_tollgate_loc_conf_t *conf)
{
    if (conf->enable == NGX_CONF_UNSET_UINT) {
        conf->enable_at = prev->enable_at;
    }

    if (conf->cost == NULL) {
        conf->cost = prev->cost;
        conf->fixed_cost = prev->fixed_cost;
    }

    if (conf->meter == NGX_CONF_UNSET_UINT) {
        conf->meter_abort = prev->meter_abort;
        conf->max_tokens = prev->max_tokens;
    }

    if (conf->charge_on == NGX_CONF_UNSET_UINT) {
        conf->charge_codes = prev->charge_codes;
    }

    if (conf->idempotency == NGX_CONF_UNSET_PTR) {
        conf->idem_ttl = prev->idem_ttl;
        conf->idem_retries = prev->idem_retries;
        conf->idem_required = prev->idem_required;
    }

    if (conf->foreign_keys == NGX_CONF_UNSET_UINT) {
        conf->foreign_cache = prev->foreign_cache;
        conf->foreign_entries = prev->foreign_entries;
        conf->foreign_lookups = prev->foreign_lookups;
    }

    if (conf->on_error == NGX_CONF_UNSET_UINT) {
        conf->stale_for = prev->stale_for;
        conf->stale_requests = prev->stale_requests;
        conf->stale_credits = prev->stale_credits;
    }
}


char *
ngx_http_tollgate_conf_merge(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_tollgate_loc_conf_t *prev = parent;
    ngx_http_tollgate_loc_conf_t *conf = child;

    ngx_http_tollgate_conf_merge_params(prev, conf);

    ngx_http_tollgate_merge_value(actual);
    ngx_http_tollgate_merge_value(feature);
    ngx_http_tollgate_merge_value(model);
    ngx_http_tollgate_merge_value(content);
    ngx_http_tollgate_merge_value(scope);
    ngx_http_tollgate_merge_value(tier);
    ngx_http_tollgate_merge_value(user);
    ngx_http_tollgate_merge_value(label);
    ngx_http_tollgate_merge_value(upgrade_url);
    ngx_http_tollgate_merge_value(topup_url);

    ngx_conf_merge_uint_value(conf->enable, prev->enable,
                              NGX_HTTP_TOLLGATE_MODE_OFF);
    ngx_conf_merge_uint_value(conf->meter, prev->meter,
                              NGX_HTTP_TOLLGATE_METER_OFF);
    ngx_conf_merge_ptr_value(conf->store, prev->store, NULL);
    ngx_conf_merge_ptr_value(conf->keys, prev->keys, NULL);
    ngx_conf_merge_ptr_value(conf->idempotency, prev->idempotency, NULL);
    ngx_conf_merge_ptr_value(conf->hold, prev->hold, NULL);
    ngx_conf_merge_uint_value(conf->foreign_keys, prev->foreign_keys, 0);
    ngx_conf_merge_value(conf->lease, prev->lease, 0);
    ngx_conf_merge_uint_value(conf->on_error, prev->on_error,
                              NGX_HTTP_TOLLGATE_CLOSED);
    ngx_conf_merge_msec_value(conf->timeout, prev->timeout, 250);
    ngx_conf_merge_uint_value(conf->charge_on, prev->charge_on,
                              1 << 1 | 1 << 2 | 1 << 3 | 1 << 4
                              | NGX_HTTP_TOLLGATE_CHARGE_ABORT);
    ngx_conf_merge_value(conf->strip_key, prev->strip_key, 1);
    ngx_conf_merge_uint_value(conf->headers, prev->headers,
                              NGX_HTTP_TOLLGATE_HEADERS_IETF
                              | NGX_HTTP_TOLLGATE_HEADERS_CREDITS);
    ngx_conf_merge_uint_value(conf->error_shape, prev->error_shape,
                              NGX_HTTP_TOLLGATE_PROBLEM);
    ngx_conf_merge_value(conf->error_html, prev->error_html, 1);

    ngx_http_tollgate_self_merge(cf, prev, conf);
    ngx_http_tollgate_conf_link_merge(prev, conf);

    return ngx_http_tollgate_conf_check(cf, conf);
}
