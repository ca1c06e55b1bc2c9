
/*
 * ngx_http_tollgate_module.c owns the directives and the hooks into nginx.
 */


#include "ngx_http_tollgate_conf.h"
#include "ngx_http_tollgate_deny.h"
#include "ngx_http_tollgate_hold.h"
#include "ngx_http_tollgate_lease.h"
#include "ngx_http_tollgate_link.h"
#include "ngx_http_tollgate_meter.h"
#include "ngx_http_tollgate_metrics.h"
#include "ngx_http_tollgate_scan.h"
#include "ngx_http_tollgate_self.h"


static ngx_int_t ngx_http_tollgate_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_tollgate_init_process(ngx_cycle_t *cycle);
static void ngx_http_tollgate_exit_process(ngx_cycle_t *cycle);
static ngx_http_tollgate_main_conf_t *ngx_http_tollgate_process_conf(
    ngx_cycle_t *cycle);


static ngx_conf_enum_t  ngx_http_tollgate_modes[] = {
    { ngx_string("on"), NGX_HTTP_TOLLGATE_MODE_ON },
    { ngx_string("off"), NGX_HTTP_TOLLGATE_MODE_OFF },
    { ngx_string("dry_run"), NGX_HTTP_TOLLGATE_MODE_DRY_RUN },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_tollgate_switch[] = {
    { ngx_string("on"), 1 },
    { ngx_string("off"), 0 },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_tollgate_on_errors[] = {
    { ngx_string("closed"), NGX_HTTP_TOLLGATE_CLOSED },
    { ngx_string("open"), NGX_HTTP_TOLLGATE_OPEN },
    { ngx_string("stale"), NGX_HTTP_TOLLGATE_STALE },
    { ngx_null_string, 0 }
};


#define NGX_HTTP_TOLLGATE_ANY_CONF                                            \
    NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF


static ngx_command_t  ngx_http_tollgate_commands[] = {

    { ngx_string("tollgate"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_tollgate_conf_enable,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, enable),
      &ngx_http_tollgate_modes },

    { ngx_string("tollgate_actual"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, actual),
      NULL },

    { ngx_string("tollgate_charge_on"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_tollgate_conf_charge_on,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tollgate_content"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, content),
      NULL },

    { ngx_string("tollgate_cost"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_tollgate_conf_cost,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, cost),
      NULL },

    { ngx_string("tollgate_error_html"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, error_html),
      NULL },

    { ngx_string("tollgate_error_shape"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_tollgate_conf_enum,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, error_shape),
      &ngx_http_tollgate_error_shapes },

    { ngx_string("tollgate_feature"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, feature),
      NULL },

    { ngx_string("tollgate_foreign_keys"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_tollgate_foreign_conf,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, foreign_keys),
      &ngx_http_tollgate_switch },

    { ngx_string("tollgate_headers"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_tollgate_conf_headers,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_http_tollgate_header_families },

    { ngx_string("tollgate_hold"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_tollgate_hold_conf,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tollgate_idempotency"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1234,
      ngx_http_tollgate_conf_idempotency,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tollgate_json"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      ngx_http_tollgate_body_conf,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tollgate_key"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_tollgate_conf_key,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tollgate_label"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, label),
      NULL },

    { ngx_string("tollgate_lease"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, lease),
      NULL },

    { ngx_string("tollgate_leases"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1234,
      ngx_http_tollgate_lease_conf,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tollgate_link"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, link),
      NULL },

    { ngx_string("tollgate_link_secret"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_tollgate_conf_link_secret,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tollgate_meter"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE123,
      ngx_http_tollgate_meter_conf,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tollgate_model"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, model),
      NULL },

    { ngx_string("tollgate_on_error"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_tollgate_conf_on_error,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, on_error),
      &ngx_http_tollgate_on_errors },

    { ngx_string("tollgate_redis"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_tollgate_conf_redis,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tollgate_scope"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, scope),
      NULL },

    { ngx_string("tollgate_self"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_tollgate_conf_self,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tollgate_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_tollgate_conf_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tollgate_strip_key"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, strip_key),
      NULL },

    { ngx_string("tollgate_tier"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, tier),
      NULL },

    { ngx_string("tollgate_timeout"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_tollgate_conf_timeout,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tollgate_topup_url"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, topup_url),
      NULL },

    { ngx_string("tollgate_upgrade_url"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, upgrade_url),
      NULL },

    { ngx_string("tollgate_usage_buffer"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_tollgate_conf_usage_buffer,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_tollgate_main_conf_t, usage_buffer),
      NULL },

    { ngx_string("tollgate_user"),
      NGX_HTTP_TOLLGATE_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, user),
      NULL },

    { ngx_string("tollgate_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE123,
      ngx_http_tollgate_conf_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_tollgate_module_ctx = {
    ngx_http_tollgate_var_init,            /* preconfiguration */
    ngx_http_tollgate_postconfiguration,   /* postconfiguration */

    ngx_http_tollgate_conf_main,    /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_tollgate_conf_create,     /* create location configuration */
    ngx_http_tollgate_conf_merge       /* merge location configuration */
};


ngx_module_t  ngx_http_tollgate_module = {
    NGX_MODULE_V1,
    &ngx_http_tollgate_module_ctx,         /* module context */
    ngx_http_tollgate_commands,            /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_tollgate_init_process,        /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_tollgate_exit_process,        /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_tollgate_postconfiguration(ngx_conf_t *cf)
{
    ngx_uint_t                       i;
    ngx_str_t                        name;
    ngx_http_handler_pt             *h;
    ngx_http_core_main_conf_t       *cmcf;
    ngx_http_tollgate_store_t      **stores;
    ngx_http_tollgate_loc_conf_t    *tlcf;
    ngx_http_tollgate_main_conf_t   *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_tollgate_module);

    if (tmcf->status_at.len && tmcf->zone == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"tollgate_status\" in %V needs \"tollgate_zone\"",
                      &tmcf->status_at);
        return NGX_ERROR;
    }

    if (!tmcf->used) {
        return NGX_OK;
    }

    /* the catalog is that of http's server, else of the first one in use */

    tlcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_tollgate_module);

    if (tlcf->store != NGX_CONF_UNSET_PTR) {
        tmcf->catalog = tlcf->store;
        tmcf->catalog->used = 1;
    }

    stores = tmcf->stores.elts;

    for (i = 0; tmcf->catalog == NULL; i++) {
        if (stores[i]->used) {
            tmcf->catalog = stores[i];
        }
    }

    ngx_str_set(&name, "request_id");
    tmcf->request_id = ngx_http_get_variable_index(cf, &name);

    if (tmcf->request_id == NGX_ERROR
        || ngx_http_tollgate_names(cf, tmcf) != NGX_OK
        || ngx_http_tollgate_lease_init(cf, tmcf) != NGX_OK
        || ngx_http_tollgate_headers_init(cf) != NGX_OK
        || ngx_http_tollgate_meter_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_tollgate_redis_greet_init();
    ngx_http_tollgate_pass_init();
    ngx_http_tollgate_body_init();

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    /*
     * after the access phase: nobody is charged for what another module
     * refuses, and "satisfy any" doesn't open a way around the gate; modules
     * loaded later run earlier, so this is before try_files and mirror
     */

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_tollgate_handler;

    /* log handlers run in reverse: others see the variables all the same */

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_tollgate_log_handler;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                       i;
    ngx_http_tollgate_store_t      **stores;
    ngx_http_tollgate_main_conf_t   *tmcf;

    tmcf = ngx_http_tollgate_process_conf(cycle);

    if (tmcf == NULL) {
        return NGX_OK;
    }

    ngx_http_tollgate_metrics_start(ngx_http_tollgate_zone_metrics(tmcf->zone));

    if (ngx_http_tollgate_key_init() != NGX_OK) {
        return NGX_ERROR;
    }

    stores = tmcf->stores.elts;

    for (i = 0; i < tmcf->stores.nelts; i++) {
        if (stores[i]->used
            && ngx_http_tollgate_store_init(stores[i], cycle) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_http_tollgate_lease_start(tmcf, cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_tollgate_zone_start(tmcf, cycle);
}


static void
ngx_http_tollgate_exit_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                       i;
    ngx_http_tollgate_store_t      **stores;
    ngx_http_tollgate_main_conf_t   *tmcf;

    tmcf = ngx_http_tollgate_process_conf(cycle);

    if (tmcf == NULL) {
        return;
    }

    stores = tmcf->stores.elts;

    for (i = 0; i < tmcf->stores.nelts; i++) {
        if (stores[i]->used) {
            ngx_http_tollgate_store_exit(stores[i]);
        }
    }

    ngx_http_tollgate_lease_exit();
    ngx_http_tollgate_zone_exit();
    ngx_http_tollgate_key_exit();
}


/* NULL: this process (a cache manager, say) serves no requests for us */

static ngx_http_tollgate_main_conf_t *
ngx_http_tollgate_process_conf(ngx_cycle_t *cycle)
{
    ngx_http_tollgate_main_conf_t  *tmcf;

    if ((ngx_process != NGX_PROCESS_WORKER
         && ngx_process != NGX_PROCESS_SINGLE)
        || cycle->conf_ctx[ngx_http_module.index] == NULL)
    {
        return NULL;
    }

    tmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_tollgate_module);

    return tmcf->used ? tmcf : NULL;
}
