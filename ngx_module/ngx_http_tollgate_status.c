
/*
 * ngx_http_tollgate_status.c owns the page of metrics: one row a metric, in
 * Prometheus' text format.
 */


#include "ngx_http_tollgate_status.h"


static ngx_int_t ngx_http_tollgate_status_write(
    ngx_http_tollgate_page_t *page, ngx_shm_zone_t *zone);


/* in the order of their enums */

static ngx_str_t  ngx_http_tollgate_status_backs[] = {
    ngx_string("outcome"), ngx_string("late"), ngx_null_string
};

static ngx_str_t  ngx_http_tollgate_status_commits[] = {
    ngx_string("held"), ngx_string("actual"), ngx_null_string
};

static ngx_str_t  ngx_http_tollgate_status_reads[] = {
    ngx_string("loaded"), ngx_string("invalid"), ngx_string("no_room"),
    ngx_null_string
};

static ngx_str_t  ngx_http_tollgate_status_looks[] = {
    ngx_string("answered"), ngx_string("refused"), ngx_string("unreachable"),
    ngx_string("client_gone"), ngx_null_string
};

static ngx_str_t  ngx_http_tollgate_status_stricts[] = {
    ngx_string("new"), ngx_string("old"), ngx_string("empty"),
    ngx_string("rate"), ngx_string("refused"), ngx_string("ring_full"),
    ngx_null_string
};

static ngx_str_t  ngx_http_tollgate_status_faults[] = {
    ngx_string("connection"), ngx_string("timeout"), ngx_string("ask"),
    ngx_string("busy"), ngx_string("clusterdown"), ngx_string("execabort"),
    ngx_string("loading"), ngx_string("moved"), ngx_string("noscript"),
    ngx_string("oom"), ngx_string("readonly"), ngx_string("tryagain"),
    ngx_string("other"), ngx_null_string
};


static ngx_http_tollgate_status_row_t  ngx_http_tollgate_status_rows[] = {

    { ngx_string("tollgate_build_info"), "gauge",
      "Versions of the module and of nginx.",
      ngx_http_tollgate_status_build, 0, 0, NULL, NULL },

    { ngx_string("tollgate_catalog_reads_total"), "counter",
      "Newer catalogs found in Redis, by what became of them.",
      ngx_http_tollgate_status_set, ngx_http_tollgate_of(reads), 0,
      "result", ngx_http_tollgate_status_reads },

    { ngx_string("tollgate_catalog_version"), "gauge",
      "Version of the catalog in use, 0 before there is one.",
      ngx_http_tollgate_status_one, ngx_http_tollgate_of(version), 0,
      NULL, NULL },

    { ngx_string("tollgate_commits_total"), "counter",
      "Holds committed, at their actual cost or, where none is known, as held.",
      ngx_http_tollgate_status_set, ngx_http_tollgate_of(commits), 0,
      "at", ngx_http_tollgate_status_commits },

    { ngx_string("tollgate_credits_charged_total"), "counter",
      "Credits charged, or held, when requests were decided, or more later.",
      ngx_http_tollgate_status_plans, ngx_http_tollgate_of_plan(credits), 1,
      NULL, NULL },

    { ngx_string("tollgate_credits_refunded_total"), "counter",
      "Credits of these given back because of how the request ended.",
      ngx_http_tollgate_status_plans, ngx_http_tollgate_of_plan(credits_back),
      1, NULL, NULL },

    { ngx_string("tollgate_debts"), "gauge",
      "Refunds, voids, commits and ends of leases not acknowledged by Redis yet.",
      ngx_http_tollgate_status_sum, ngx_http_tollgate_of(debts), 0,
      NULL, NULL },

    { ngx_string("tollgate_debts_lost_total"), "counter",
      "The same given up for want of memory or by a process' exit.",
      ngx_http_tollgate_status_one, ngx_http_tollgate_of(lost), 0,
      NULL, NULL },

    { ngx_string("tollgate_decision_duration_seconds"), "histogram",
      "Time from the arrival of a request at the gate to its verdict.",
      ngx_http_tollgate_status_histogram, ngx_http_tollgate_of(decisions), 1,
      NULL, NULL },

    { ngx_string("tollgate_decisions_total"), "counter",
      "Requests decided.",
      ngx_http_tollgate_status_decisions, 0, 0, NULL, NULL },

    { ngx_string("tollgate_dry_run_credits_total"), "counter",
      "Credits that dry runs would have charged.",
      ngx_http_tollgate_status_plans, ngx_http_tollgate_of_plan(credits_dry),
      1, NULL, NULL },

    { ngx_string("tollgate_dry_run_units_total"), "counter",
      "Units of quota that dry runs would have used.",
      ngx_http_tollgate_status_plans, ngx_http_tollgate_of_plan(units_dry), 0,
      NULL, NULL },

    { ngx_string("tollgate_lease_calls_total"), "counter",
      "Calls that told Redis of leases, those of a shard in one.",
      ngx_http_tollgate_status_one, ngx_http_tollgate_of(flushes), 0,
      NULL, NULL },

    { ngx_string("tollgate_lease_decisions_total"), "counter",
      "Requests that passed by a lease, without Redis.",
      ngx_http_tollgate_status_one, ngx_http_tollgate_of(leased), 0,
      NULL, NULL },

    { ngx_string("tollgate_lease_pool_credits"), "gauge",
      "Credits lent to this host that are not spent.",
      ngx_http_tollgate_status_pools, 0, 1, NULL, NULL },

    { ngx_string("tollgate_lease_pool_units"), "gauge",
      "Units of quota lent to this host that are not used.",
      ngx_http_tollgate_status_pools, 1, 0, NULL, NULL },

    { ngx_string("tollgate_lease_strict_total"), "counter",
      "Requests that a lease could have decided and Redis did, by reason.",
      ngx_http_tollgate_status_set, ngx_http_tollgate_of(stricts), 0,
      "reason", ngx_http_tollgate_status_stricts },

    { ngx_string("tollgate_lease_unsent_records"), "gauge",
      "Requests decided by leases that Redis has not been told of yet.",
      ngx_http_tollgate_status_sum, ngx_http_tollgate_of(unsent), 0,
      NULL, NULL },

    { ngx_string("tollgate_redis_calls_total"), "counter",
      "Calls sent to a Redis server.",
      ngx_http_tollgate_status_servers, ngx_http_tollgate_of_server(calls), 0,
      NULL, NULL },

    { ngx_string("tollgate_redis_errors_total"), "counter",
      "Connections that failed, decisions that came too late, error replies.",
      ngx_http_tollgate_status_servers, ngx_http_tollgate_of_server(faults), 0,
      "kind", ngx_http_tollgate_status_faults },

    { ngx_string("tollgate_redis_request_duration_seconds"), "histogram",
      "Time from sending a call to a Redis server to its reply.",
      ngx_http_tollgate_status_servers, ngx_http_tollgate_of_server(durations),
      1, NULL, NULL },

    { ngx_string("tollgate_redis_up"), "gauge",
      "Whether the nginx worker that noticed last was connected (1) or not.",
      ngx_http_tollgate_status_servers, ngx_http_tollgate_of_server(up), 0,
      NULL, NULL },

    { ngx_string("tollgate_refunds_total"), "counter",
      "Requests given back: for their outcome, or charged too late to pass.",
      ngx_http_tollgate_status_set, ngx_http_tollgate_of(backs), 0,
      "reason", ngx_http_tollgate_status_backs },

    { ngx_string("tollgate_self_total"), "counter",
      "Questions of customers about themselves, by what became of them.",
      ngx_http_tollgate_status_set, ngx_http_tollgate_of(looks), 0,
      "result", ngx_http_tollgate_status_looks },

    { ngx_string("tollgate_shm_size_bytes"), "gauge",
      "Size of the zone.",
      ngx_http_tollgate_status_memory, 0, 0, NULL, NULL },

    { ngx_string("tollgate_shm_used_bytes"), "gauge",
      "Memory of the zone in pages that are not free.",
      ngx_http_tollgate_status_memory, 1, 0, NULL, NULL },

    { ngx_string("tollgate_units_charged_total"), "counter",
      "Units of quota used when requests were decided.",
      ngx_http_tollgate_status_plans, ngx_http_tollgate_of_plan(units), 0,
      NULL, NULL },

    { ngx_string("tollgate_units_refunded_total"), "counter",
      "Units of these given back because of how the request ended.",
      ngx_http_tollgate_status_plans, ngx_http_tollgate_of_plan(units_back), 0,
      NULL, NULL },

    { ngx_string("tollgate_usage_dropped_total"), "counter",
      "Usage records lost because Redis did not take them.",
      ngx_http_tollgate_status_one, ngx_http_tollgate_of(dropped), 0,
      NULL, NULL },

    { ngx_string("tollgate_usage_records_total"), "counter",
      "Usage records made.",
      ngx_http_tollgate_status_one, ngx_http_tollgate_of(records), 0,
      NULL, NULL },

    { ngx_string("tollgate_voids_total"), "counter",
      "Requests whose reply was lost, left to the ledger to find out.",
      ngx_http_tollgate_status_one, ngx_http_tollgate_of(voids), 0,
      NULL, NULL },

    { ngx_null_string, NULL, NULL, NULL, 0, 0, NULL, NULL }
};


ngx_int_t
ngx_http_tollgate_status_handler(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_http_tollgate_page_t        page;
    ngx_http_tollgate_main_conf_t  *tmcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tollgate_module);

    ngx_memzero(&page, sizeof(ngx_http_tollgate_page_t));
    page.pool = r->pool;

    if (ngx_http_tollgate_status_write(&page, tmcf->zone) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = page.size;
    ngx_str_set(&r->headers_out.content_type, "text/plain; version=0.0.4");
    r->headers_out.content_type_len = sizeof("text/plain") - 1;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    page.last->buf->last_buf = (r == r->main) ? 1 : 0;
    page.last->buf->last_in_chain = 1;

    return ngx_http_output_filter(r, page.first);
}


static ngx_int_t
ngx_http_tollgate_status_write(ngx_http_tollgate_page_t *page,
    ngx_shm_zone_t *zone)
{
    ngx_http_tollgate_metrics_t     *metrics;
    ngx_http_tollgate_status_row_t  *row;

    metrics = ngx_http_tollgate_zone_metrics(zone);

    for (row = ngx_http_tollgate_status_rows; row->name.len; row++) {
        if (ngx_http_tollgate_page_family(page, &row->name, row->type,
                                          row->help, row->micro)
            != NGX_OK
            || row->handler(page, row, metrics) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
