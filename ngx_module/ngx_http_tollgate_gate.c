
/*
 * ngx_http_tollgate_gate.c owns the way of a request through the gate, once
 * the access phase is over.  Start reading here.
 */


#include "ngx_http_tollgate_hold.h"
#include "ngx_http_tollgate_lease.h"
#include "ngx_http_tollgate_scan.h"
#include "ngx_http_tollgate_link.h"
#include "ngx_http_tollgate_metrics.h"


/* ms, between looks for a catalog, and for what is lent to return */

#define NGX_HTTP_TOLLGATE_CATALOG_LOOK  5
#define NGX_HTTP_TOLLGATE_RECALL_LOOK   20


static ngx_http_tollgate_ctx_t *ngx_http_tollgate_ctx_create(
    ngx_http_request_t *r, ngx_http_tollgate_loc_conf_t *conf);
static void ngx_http_tollgate_ctx_cleanup(void *data);
static ngx_int_t ngx_http_tollgate_again(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static ngx_uint_t ngx_http_tollgate_error_page(ngx_http_request_t *r);
static ngx_uint_t ngx_http_tollgate_preflight(ngx_http_request_t *r);
static ngx_int_t ngx_http_tollgate_preflight_pass(ngx_http_request_t *r,
    ngx_http_tollgate_loc_conf_t *conf);
static ngx_http_tollgate_verdict_e ngx_http_tollgate_question(
    ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx);
static ngx_int_t ngx_http_tollgate_decide(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static ngx_int_t ngx_http_tollgate_charge(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static ngx_int_t ngx_http_tollgate_wait(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static ngx_int_t ngx_http_tollgate_later(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_msec_t ms);
static void ngx_http_tollgate_later_handler(ngx_event_t *ev);
static ngx_int_t ngx_http_tollgate_act(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);


/*
 * Runs once to ask and, if Redis has to be asked, once more with its answer.
 * Subrequests and internal redirects belong to a request that is decided.
 */

ngx_int_t
ngx_http_tollgate_handler(ngx_http_request_t *r)
{
    ngx_http_tollgate_ctx_t       *ctx;
    ngx_http_tollgate_loc_conf_t  *conf;

    if (r != r->main || r->post_action) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_tollgate_ctx(r);

    if (ctx != NULL) {
        if (ctx->ask != NULL || ctx->later.timer_set) {
            return NGX_AGAIN;
        }

        if (ctx->done) {
            return ngx_http_tollgate_again(r, ctx);
        }

        if (ctx->early || ctx->sought || ngx_http_tollgate_body_came(ctx)) {
            return ngx_http_tollgate_decide(r, ctx);
        }

        /* of a body that nginx refused this is the page */

        if (ngx_http_tollgate_body_reads(ctx)) {
            ctx->verdict = NGX_HTTP_TOLLGATE_BODY_INVALID;
        }

        if (ctx->recalling) {
            ctx->recalling = 0;
            return ngx_http_tollgate_charge(r, ctx);
        }

        if (ngx_http_tollgate_lease_recall(ctx) == NGX_AGAIN) {
            return ngx_http_tollgate_later(r, ctx,
                                           NGX_HTTP_TOLLGATE_RECALL_LOOK);
        }

        return ngx_http_tollgate_act(r, ctx);
    }

    conf = ngx_http_get_module_loc_conf(r, ngx_http_tollgate_module);

    if ((conf->enable == NGX_HTTP_TOLLGATE_MODE_OFF && conf->self == NULL)
        || ngx_http_tollgate_error_page(r))
    {
        return NGX_DECLINED;
    }

    if (ngx_http_tollgate_preflight(r)) {
        return ngx_http_tollgate_preflight_pass(r, conf);
    }

    ctx = ngx_http_tollgate_ctx_create(r, conf);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tollgate_decide(r, ctx);
}


/*
 * Once more for each look at a catalog that a new process hasn't read yet, and
 * when Redis has told whose a key is that doesn't say so itself.
 */

static ngx_int_t
ngx_http_tollgate_decide(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_int_t  rc;

    ctx->early = 0;
    ctx->sought = 0;
    ctx->verdict = ngx_http_tollgate_question(r, ctx);

    if (ctx->foreign == NGX_HTTP_TOLLGATE_FOREIGN_WANTED) {

        switch (ngx_http_tollgate_foreign_ask(ctx)) {

        case NGX_AGAIN:
            return ngx_http_tollgate_wait(r, ctx);

        case NGX_DECLINED:
            ctx->verdict = ngx_http_tollgate_question(r, ctx);
            break;

        default:
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (ngx_http_tollgate_body_reads(ctx)) {
        rc = ngx_http_tollgate_body_read(r, ctx);
        if (rc != NGX_OK) {
            return rc;
        }

        ctx->verdict = ngx_http_tollgate_question(r, ctx);
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "tollgate: question: %V, cost %L",
                   &ngx_http_tollgate_verdicts[ctx->verdict].code, ctx->cost);

    if (ctx->early) {
        return ngx_http_tollgate_later(r, ctx, NGX_HTTP_TOLLGATE_CATALOG_LOOK);
    }

    if (ctx->verdict == NGX_HTTP_TOLLGATE_PASS && !ctx->account) {
        ctx->verdict = NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
    }

    return ctx->verdict == NGX_HTTP_TOLLGATE_PASS
           ? ngx_http_tollgate_charge(r, ctx) : ngx_http_tollgate_act(r, ctx);
}


/* It has a key and a price: a lease pays, or Redis is asked. */

static ngx_int_t
ngx_http_tollgate_charge(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    switch (ngx_http_tollgate_lease(ctx)) {

    case NGX_OK:
        return ngx_http_tollgate_act(r, ctx);

    case NGX_DECLINED:
        break;

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->asked_us = ngx_http_tollgate_now_us();

    switch (ngx_http_tollgate_ask(ctx)) {

    case NGX_AGAIN:
        return ngx_http_tollgate_wait(r, ctx);

    case NGX_DECLINED:
        ctx->asked_us = 0;
        ctx->verdict = NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
        return ngx_http_tollgate_act(r, ctx);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


ngx_http_tollgate_ctx_t *
ngx_http_tollgate_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t       *cln;
    ngx_http_tollgate_ctx_t  *ctx;

    r = r->main;

    ctx = ngx_http_get_module_ctx(r, ngx_http_tollgate_module);

    if (ctx == NULL && (r->internal || r->filter_finalize)) {

        /* an internal redirect has cleared the contexts of modules */

        for (cln = r->pool->cleanup; cln; cln = cln->next) {
            if (cln->handler == ngx_http_tollgate_ctx_cleanup) {
                ctx = cln->data;
                ngx_http_set_ctx(r, ctx, ngx_http_tollgate_module);
                break;
            }
        }
    }

    return ctx;
}


static ngx_http_tollgate_ctx_t *
ngx_http_tollgate_ctx_create(ngx_http_request_t *r,
    ngx_http_tollgate_loc_conf_t *conf)
{
    ngx_pool_cleanup_t       *cln;
    ngx_http_tollgate_ctx_t  *ctx;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_tollgate_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_tollgate_ctx_t));

    cln->handler = ngx_http_tollgate_ctx_cleanup;

    ctx->request = r;
    ctx->conf = conf;
    ctx->start_us = ngx_http_tollgate_now_us();
    ctx->cost = -1;
    ctx->store_us = -1;
    ctx->changes = r->uri_changes;
    ctx->look = conf->self != NULL;
    ctx->dry_run = conf->enable == NGX_HTTP_TOLLGATE_MODE_DRY_RUN
                   && !ctx->look;

    if (ngx_http_tollgate_id(r, ctx) != NGX_OK) {
        return NULL;
    }

    ngx_http_set_ctx(r, ctx, ngx_http_tollgate_module);

    return ctx;
}


static void
ngx_http_tollgate_ctx_cleanup(void *data)
{
    ngx_http_tollgate_ctx_t  *ctx = data;

    ngx_http_tollgate_ask_leave(ctx);

    ngx_http_tollgate_ends_leave(ctx);
    ngx_http_tollgate_extend_leave(ctx);

    if (ctx->later.timer_set) {
        ngx_del_timer(&ctx->later);
    }
}


/*
 * An internal redirect of a request that is decided.  One that came here over
 * a location whose own phases didn't get as far was stopped there, by deny or
 * limit_req, say, and is now the page of that error.
 */

static ngx_int_t
ngx_http_tollgate_again(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    if (ctx->changes > r->uri_changes + 1u
        && r->err_status >= NGX_HTTP_SPECIAL_RESPONSE)
    {
        ctx->stopped = 1;
    }

    ctx->changes = r->uri_changes;

    return NGX_DECLINED;
}


/*
 * The page of a request that failed before it came to the gate.  Named
 * locations serve the request itself, and are no pages.
 */

static ngx_uint_t
ngx_http_tollgate_error_page(ngx_http_request_t *r)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    return r->err_status >= NGX_HTTP_BAD_REQUEST && !clcf->named;
}


/* A browser sends no key with the question whether it may send one. */

static ngx_uint_t
ngx_http_tollgate_preflight(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static ngx_str_t  name = ngx_string("access-control-request-method");

    if (r->method != NGX_HTTP_OPTIONS) {
        return 0;
    }

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == name.len
                && ngx_strncasecmp(h[i].key.data, name.data, name.len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


/*
 * It is nobody's request, and the backend has to see it as such.  The context
 * is for the redirects that may follow, which make a GET of it.
 */

static ngx_int_t
ngx_http_tollgate_preflight_pass(ngx_http_request_t *r,
    ngx_http_tollgate_loc_conf_t *conf)
{
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_ctx_create(r, conf);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->done = 1;
    ctx->charge.request_id.len = 0;

    (void) ngx_http_tollgate_key_find(r, ctx);

    return ngx_http_tollgate_pass(r, ctx) == NGX_OK
           ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/* Everything that can be said without Redis. */

static ngx_http_tollgate_verdict_e
ngx_http_tollgate_question(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_tollgate_verdict_e  verdict;

    /* a wrong key is told before a wrong price */

    verdict = ngx_http_tollgate_key_find(r, ctx);

    /* a key beside a link is not looked at */

    if (ngx_http_tollgate_link_shown(r, ctx)) {
        ctx->foreign = NGX_HTTP_TOLLGATE_FOREIGN_NONE;
        verdict = ngx_http_tollgate_link(r, ctx);

    } else if (ctx->foreign == NGX_HTTP_TOLLGATE_FOREIGN_WANTED) {
        return verdict;
    }

    if (verdict == NGX_HTTP_TOLLGATE_PASS) {
        verdict = ngx_http_tollgate_body(r, ctx);

        if (ngx_http_tollgate_body_reads(ctx)) {
            return verdict;
        }
    }

    if (ngx_http_tollgate_pass_encode(r, ctx) != NGX_OK) {
        return NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
    }

    if (verdict != NGX_HTTP_TOLLGATE_PASS) {
        return verdict;
    }

    verdict = ngx_http_tollgate_price(r, ctx);

    return verdict == NGX_HTTP_TOLLGATE_PASS ? ngx_http_tollgate_idem(r, ctx)
                                             : verdict;
}


static ngx_int_t
ngx_http_tollgate_wait(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    /* of a client that has left already no event will come */

    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        ngx_http_tollgate_ctx_cleanup(ctx);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    return NGX_AGAIN;
}


/* The phase runs again after a while. */

static ngx_int_t
ngx_http_tollgate_later(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx,
    ngx_msec_t ms)
{
    ctx->later.handler = ngx_http_tollgate_later_handler;
    ctx->later.data = ctx;
    ctx->later.log = r->connection->log;

    ngx_add_timer(&ctx->later, ms);

    return ngx_http_tollgate_wait(r, ctx);
}


static void
ngx_http_tollgate_later_handler(ngx_event_t *ev)
{
    ngx_http_tollgate_resume(ev->data);
}


/* The answer has come, or will not: run the phase again. */

void
ngx_http_tollgate_resume(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_tollgate_act(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_tollgate_verdict_t  *verdict;

    ctx->done = 1;

    if (ctx->asked_us) {
        ctx->store_us = ngx_http_tollgate_now_us() - ctx->asked_us;
    }

    /* signed for an account that isn't there */

    if (ctx->link != NULL && ctx->verdict == NGX_HTTP_TOLLGATE_KEY_UNKNOWN) {
        ctx->verdict = NGX_HTTP_TOLLGATE_LINK_INVALID;
    }

    if (ctx->verdict == NGX_HTTP_TOLLGATE_STORE_UNREACHABLE
        || ctx->verdict == NGX_HTTP_TOLLGATE_DEADLINE_PASSED)
    {
        (void) ngx_http_tollgate_stale_serves(ctx);

        if (ctx->instead != NGX_HTTP_TOLLGATE_OFF) {
            ctx->verdict = ctx->instead;
            ngx_http_tollgate_content_undecided(ctx);
        }

    } else {
        ngx_http_tollgate_lease_asked(ctx);
        ngx_http_tollgate_stale_learn(ctx);
    }

    ngx_http_tollgate_metrics_decision(ctx);
    ngx_http_tollgate_ends_start(ctx);
    ngx_http_tollgate_extend_start(ctx);

    verdict = &ngx_http_tollgate_verdicts[ctx->verdict];

    if (ngx_http_tollgate_pass(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (verdict->status == 0) {
        return NGX_DECLINED;
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "tollgate: %s: %V, account \"%*s\", key \"%*s\"",
                  ctx->dry_run ? "would refuse" : "refused", &verdict->code,
                  (size_t) (ctx->account ? NGX_HTTP_TOLLGATE_ACCOUNT_LEN : 0),
                  ctx->charge.account, (size_t) ctx->charge.key.len,
                  ctx->charge.key.data);

    return ctx->dry_run || ngx_http_tollgate_body_reads(ctx)
           ? NGX_DECLINED : ngx_http_tollgate_deny(r, ctx);
}
