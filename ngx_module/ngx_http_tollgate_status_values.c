
/*
 * ngx_http_tollgate_status_values.c owns the samples of the page of metrics:
 * each function writes those of a row, from counters in shared memory.
 */


#include "ngx_http_tollgate_status.h"
#include "ngx_http_tollgate_lease.h"
#include "version.h"


static ngx_int_t ngx_http_tollgate_status_server(
    ngx_http_tollgate_page_t *page, ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_server_metrics_t *server);


static ngx_http_tollgate_label_t  ngx_http_tollgate_status_bare =
    ngx_http_tollgate_null_label;


/* whether it was a dry run */

static ngx_str_t  ngx_http_tollgate_status_modes[] = {
    ngx_string("on"), ngx_string("dry_run")
};


ngx_int_t
ngx_http_tollgate_status_one(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics)
{
    ngx_atomic_t  *counter;

    counter = (ngx_atomic_t *) ((char *) metrics + row->where);

    return ngx_http_tollgate_page_sample(page, &ngx_http_tollgate_status_bare,
                                         *counter);
}


/* One counter a value of the row's label. */

ngx_int_t
ngx_http_tollgate_status_set(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics)
{
    ngx_uint_t                 i;
    ngx_atomic_t              *counter;
    ngx_http_tollgate_label_t  labels[] = {
        { row->label, ngx_null_string }, ngx_http_tollgate_null_label
    };

    counter = (ngx_atomic_t *) ((char *) metrics + row->where);

    for (i = 0; row->values[i].len; i++) {
        labels[0].value = row->values[i];

        if (ngx_http_tollgate_page_sample(page, labels, counter[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_tollgate_status_plans(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics)
{
    ngx_uint_t                 i;
    ngx_atomic_t              *counter;
    ngx_http_tollgate_label_t  labels[] = {
        { "plan", ngx_null_string }, ngx_http_tollgate_null_label
    };

    for (i = 0; i < metrics->nplans; i++) {
        labels[0].value = *metrics->plans[i];
        counter = (ngx_atomic_t *) ((char *) metrics->plans[i]
                                    + row->where);

        if (ngx_http_tollgate_page_sample(page, labels, *counter)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* All verdicts of a plan from the start: what comes later would jump. */

ngx_int_t
ngx_http_tollgate_status_decisions(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics)
{
    ngx_uint_t                         i, mode, v;
    ngx_http_tollgate_label_t          labels[] = {
        { "verdict", ngx_null_string }, { "plan", ngx_null_string },
        { "mode", ngx_null_string }, ngx_http_tollgate_null_label
    };
    ngx_http_tollgate_plan_metrics_t  *plan;

    for (i = 0; i < metrics->nplans; i++) {
        plan = (ngx_http_tollgate_plan_metrics_t *) metrics->plans[i];
        labels[1].value = plan->code;

        for (mode = 0; mode < 2; mode++) {
            labels[2].value = ngx_http_tollgate_status_modes[mode];

            for (v = NGX_HTTP_TOLLGATE_PASS; v < NGX_HTTP_TOLLGATE_VERDICTS;
                 v++)
            {
                labels[0].value = ngx_http_tollgate_verdicts[v].code;

                if (ngx_http_tollgate_page_sample(page, labels,
                                                  plan->decisions[mode][v])
                    != NGX_OK)
                {
                    return NGX_ERROR;
                }
            }
        }
    }

    return NGX_OK;
}


/* Those that this configuration has. */

ngx_int_t
ngx_http_tollgate_status_servers(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics)
{
    ngx_uint_t                           i;
    ngx_http_tollgate_server_metrics_t  *server;

    for (i = 0; i < metrics->nservers; i++) {
        server = (ngx_http_tollgate_server_metrics_t *)
                     metrics->servers[i];

        if (server->life < ngx_http_tollgate_metrics_life
            || server->life == 0)
        {
            continue;
        }

        if (ngx_http_tollgate_status_server(page, row, server) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_status_server(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_server_metrics_t *server)
{
    ngx_uint_t                 i;
    ngx_atomic_t              *counter;
    ngx_http_tollgate_label_t  labels[] = {
        { "server", server->name }, { row->label, ngx_null_string },
        ngx_http_tollgate_null_label
    };

    if (row->where == ngx_http_tollgate_of_server(durations)) {
        return ngx_http_tollgate_page_histogram(page, labels,
                                                &server->durations);
    }

    counter = (ngx_atomic_t *) ((char *) server + row->where);

    if (row->label == NULL) {
        return ngx_http_tollgate_page_sample(page, labels, *counter);
    }

    for (i = 0; row->values[i].len; i++) {
        labels[1].value = row->values[i];

        if (ngx_http_tollgate_page_sample(page, labels, counter[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_tollgate_status_histogram(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics)
{
    return ngx_http_tollgate_page_histogram(page,
               &ngx_http_tollgate_status_bare,
               (ngx_http_tollgate_histogram_t *) ((char *) metrics
                                                  + row->where));
}


ngx_int_t
ngx_http_tollgate_status_build(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics)
{
    ngx_http_tollgate_label_t  labels[] = {
        { "version", ngx_string(TOLLGATE_VERSION) },
        { "nginx", ngx_string(NGINX_VERSION) }, ngx_http_tollgate_null_label
    };

    return ngx_http_tollgate_page_sample(page, labels, 1);
}


/* One counter a process. */

ngx_int_t
ngx_http_tollgate_status_sum(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics)
{
    int64_t        sum;
    ngx_uint_t     i;
    ngx_atomic_t  *counter;

    counter = (ngx_atomic_t *) ((char *) metrics + row->where);
    sum = 0;

    for (i = 0; i < NGX_MAX_PROCESSES; i++) {
        sum += counter[i];
    }

    return ngx_http_tollgate_page_sample(page, &ngx_http_tollgate_status_bare,
                                         sum);
}


/* where: 0 credits, 1 units */

ngx_int_t
ngx_http_tollgate_status_pools(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics)
{
    int64_t  sums[2];

    ngx_http_tollgate_lease_sums(sums);

    return ngx_http_tollgate_page_sample(page, &ngx_http_tollgate_status_bare,
                                         sums[row->where]);
}


/* where: 0 the whole zone, 1 what is used of it */

ngx_int_t
ngx_http_tollgate_status_memory(ngx_http_tollgate_page_t *page,
    ngx_http_tollgate_status_row_t *row,
    ngx_http_tollgate_metrics_t *metrics)
{
    size_t            size;
    ngx_slab_pool_t  *shpool;

    shpool = metrics->shpool;
    size = shpool->end - (u_char *) shpool;

    if (row->where) {
        size -= shpool->pfree * ngx_pagesize;
    }

    return ngx_http_tollgate_page_sample(page, &ngx_http_tollgate_status_bare,
                                         size);
}
