
/*
 * ngx_http_tollgate_refund.c owns what is owed to Redis when a request is over:
 * refunds, voids, commits and ends of leases, sent again until it has
 * acknowledged them.  Their scripts do nothing a second time.
 */


#include "ngx_http_tollgate_hold.h"
#include "ngx_http_tollgate_metrics.h"


#define NGX_HTTP_TOLLGATE_REFUND_MAX    16384
#define NGX_HTTP_TOLLGATE_REFUND_SIZE   1536    /* of arguments but the ticket */
#define NGX_HTTP_TOLLGATE_REFUND_WAIT   500     /* after an error, ms */


typedef struct {
    ngx_queue_t                      queue;
    ngx_http_tollgate_script_e       script;
    const char                      *outcome;   /* of release.lua */
    ngx_http_tollgate_charge_t       charge;
    int64_t                          actual;    /* commits: -1 is none */
} ngx_http_tollgate_debt_t;


static void ngx_http_tollgate_refund_add(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_charge_t *charge, ngx_http_tollgate_script_e script,
    const char *outcome, int64_t actual);
static void ngx_http_tollgate_refund_lose(ngx_log_t *log,
    ngx_http_tollgate_charge_t *charge, ngx_http_tollgate_script_e script,
    const char *why);
static ngx_int_t ngx_http_tollgate_refund_format(
    ngx_http_tollgate_node_t *node, ngx_http_tollgate_debt_t *debt);
static void ngx_http_tollgate_refund_ticket(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_charge_t *charge);
static void ngx_http_tollgate_refund_args(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_charge_t *charge);
static void ngx_http_tollgate_commit_args(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_debt_t *debt);
static void ngx_http_tollgate_refund_arg(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_text_t *text);
static ngx_int_t ngx_http_tollgate_refund_reply(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);
static ngx_int_t ngx_http_tollgate_refund_error(ngx_http_tollgate_node_t *node,
    ngx_http_tollgate_debt_t *debt, ngx_http_tollgate_reply_t *reply);
static void ngx_http_tollgate_refund_timer(ngx_event_t *ev);


/* by script: keys and arguments behind the number of keys, and what to log */

static struct {
    ngx_uint_t                       keys;
    ngx_uint_t                       args;
    const char                      *what;
    const char                      *hint;
} ngx_http_tollgate_refund_scripts[NGX_HTTP_TOLLGATE_SCRIPTS] = {
    [NGX_HTTP_TOLLGATE_REFUND] =
        { 3, 12, "given back", "do it by \"tollgate credits grant\"" },
    [NGX_HTTP_TOLLGATE_VOID] =
        { 2, 3, "given back", "do it by \"tollgate credits grant\"" },
    [NGX_HTTP_TOLLGATE_RELEASE] =
        { 0, 0, "ended", "what it held of Redis runs out by itself" },
    [NGX_HTTP_TOLLGATE_COMMIT] =
        { 4, 5, "settled", "what is held for it returns to its account" }
};


/* What is held is released. */

void
ngx_http_tollgate_refund(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_charge_t *charge)
{
    ngx_http_tollgate_refund_add(store, charge,
                                 ngx_http_tollgate_charge_held(charge)
                                 ? NGX_HTTP_TOLLGATE_COMMIT
                                 : NGX_HTTP_TOLLGATE_REFUND, NULL, -1);
}


void
ngx_http_tollgate_commit(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_charge_t *charge, int64_t actual)
{
    ngx_http_tollgate_refund_add(store, charge, NGX_HTTP_TOLLGATE_COMMIT,
                                 NULL, actual);
}


void
ngx_http_tollgate_void(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_charge_t *charge)
{
    ngx_http_tollgate_refund_add(store, charge, NGX_HTTP_TOLLGATE_VOID, NULL,
                                 -1);
    ngx_http_tollgate_count(voids, 1);
}


void
ngx_http_tollgate_release(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_charge_t *charge, const char *outcome)
{
    ngx_http_tollgate_refund_add(store, charge, NGX_HTTP_TOLLGATE_RELEASE,
                                 outcome, -1);
}


static void
ngx_http_tollgate_refund_add(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_charge_t *charge, ngx_http_tollgate_script_e script,
    const char *outcome, int64_t actual)
{
    ngx_http_tollgate_debt_t  *debt;
    ngx_http_tollgate_node_t  *node;

    debt = NULL;
    node = store->routes[charge->shard].node;

    if (node->ndebts < NGX_HTTP_TOLLGATE_REFUND_MAX) {
        debt = ngx_alloc(sizeof(ngx_http_tollgate_debt_t), store->log);
    }

    if (debt == NULL) {
        ngx_http_tollgate_refund_lose(store->log, charge, script,
                                      "there is no room for it");
        return;
    }

    debt->script = script;
    debt->outcome = outcome;
    debt->charge = *charge;
    debt->actual = actual;

    ngx_queue_insert_tail(&node->debts, &debt->queue);
    node->ndebts++;
    ngx_http_tollgate_metrics_debts(1);

    (void) ngx_http_tollgate_redis_weigh(
                       ngx_http_tollgate_store_redis(store, charge->shard));
    ngx_http_tollgate_redis_post(&node->redis);
}


/* What a node has that is not where its route leads to goes there. */

void
ngx_http_tollgate_refund_move(ngx_http_tollgate_node_t *node)
{
    ngx_queue_t               *q, *next;
    ngx_http_tollgate_debt_t  *debt;
    ngx_http_tollgate_node_t  *to;

    for (q = ngx_queue_head(&node->debts);
         q != ngx_queue_sentinel(&node->debts);
         q = next)
    {
        next = ngx_queue_next(q);
        debt = ngx_queue_data(q, ngx_http_tollgate_debt_t, queue);
        to = node->store->routes[debt->charge.shard].node;

        if (to != node) {
            ngx_queue_remove(q);
            node->ndebts--;
            ngx_queue_insert_tail(&to->debts, q);
            to->ndebts++;
        }
    }
}


void
ngx_http_tollgate_refund_send(ngx_http_tollgate_node_t *node)
{
    ngx_queue_t               *q;
    ngx_http_tollgate_call_t  *call;
    ngx_http_tollgate_debt_t  *debt;

    if (node->debt_timer.timer_set) {
        return;
    }

    while (!ngx_queue_empty(&node->debts)
           && ngx_http_tollgate_redis_room(&node->redis))
    {
        q = ngx_queue_head(&node->debts);
        debt = ngx_queue_data(q, ngx_http_tollgate_debt_t, queue);

        call = ngx_http_tollgate_redis_call(&node->redis,
                                            ngx_http_tollgate_refund_reply,
                                            node);
        if (call == NULL) {
            return;
        }

        if (ngx_http_tollgate_refund_format(node, debt) != NGX_OK) {
            ngx_http_tollgate_redis_forget(call);
            return;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&call->list, q);
        ngx_http_tollgate_redis_expect(call);
    }
}


static ngx_int_t
ngx_http_tollgate_refund_format(ngx_http_tollgate_node_t *node,
    ngx_http_tollgate_debt_t *debt)
{
    u_char                       wallet[64], marker[128], *w, *m;
    ngx_uint_t                   keys;
    ngx_http_tollgate_redis_t   *redis;
    ngx_http_tollgate_shard_t   *shard;
    ngx_http_tollgate_charge_t  *charge;

    redis = &node->redis;
    charge = &debt->charge;
    shard = &node->store->conf->shards[charge->shard];
    keys = ngx_http_tollgate_refund_scripts[debt->script].keys;

    if (debt->script == NGX_HTTP_TOLLGATE_RELEASE) {
        return ngx_http_tollgate_ends_format(node, charge, debt->outcome);
    }

    if (ngx_http_tollgate_redis_command(redis,
                       3 + keys
                       + ngx_http_tollgate_refund_scripts[debt->script].args,
                       NGX_HTTP_TOLLGATE_REFUND_SIZE
                       + NGX_HTTP_TOLLGATE_TICKET_LEN)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    w = ngx_cpymem(wallet, shard->wallet.data, shard->wallet.len);
    w = ngx_cpymem(w, charge->account, NGX_HTTP_TOLLGATE_ACCOUNT_LEN);

    m = ngx_cpymem(marker, shard->refund.data, shard->refund.len);
    m = ngx_cpymem(m, charge->request_id.data, charge->request_id.len);

    ngx_http_tollgate_redis_arg_script(redis, debt->script);
    ngx_http_tollgate_redis_arg_number(redis, keys);
    ngx_http_tollgate_redis_arg(redis, wallet, w - wallet);
    ngx_http_tollgate_redis_arg(redis, shard->ledger.data, shard->ledger.len);

    if (keys > 3) {
        ngx_http_tollgate_redis_arg(redis, shard->holds.data,
                                    shard->holds.len);
    }

    if (keys > 2) {
        ngx_http_tollgate_redis_arg(redis, marker, m - marker);
    }

    ngx_http_tollgate_redis_arg(redis, charge->account,
                                NGX_HTTP_TOLLGATE_ACCOUNT_LEN);
    ngx_http_tollgate_refund_arg(redis, &charge->request_id);

    if (debt->script == NGX_HTTP_TOLLGATE_REFUND) {
        ngx_http_tollgate_refund_args(redis, charge);

    } else if (debt->script == NGX_HTTP_TOLLGATE_COMMIT) {
        ngx_http_tollgate_commit_args(redis, debt);

    } else {
        ngx_http_tollgate_refund_ticket(redis, charge);
    }

    return NGX_OK;
}


static void
ngx_http_tollgate_refund_ticket(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_charge_t *charge)
{
    ngx_http_tollgate_redis_arg(redis,
                                charge->ticket.len ? charge->ticket.data
                                                   : (u_char *) "-",
                                ngx_max(charge->ticket.len, 1));
}


static void
ngx_http_tollgate_refund_args(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_charge_t *charge)
{
    ngx_http_tollgate_redis_arg_number(redis, charge->epoch);
    ngx_http_tollgate_refund_arg(redis, &charge->key);
    ngx_http_tollgate_refund_arg(redis, &charge->app);
    ngx_http_tollgate_refund_arg(redis, &charge->feature);
    ngx_http_tollgate_refund_arg(redis, &charge->model);
    ngx_http_tollgate_redis_arg_number(redis, charge->credits);
    ngx_http_tollgate_redis_arg_number(redis, charge->units);
    ngx_http_tollgate_redis_arg_number(redis, charge->day_end);
    ngx_http_tollgate_redis_arg_number(redis, charge->month_end);
    ngx_http_tollgate_refund_ticket(redis, charge);
}


static void
ngx_http_tollgate_commit_args(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_debt_t *debt)
{
    ngx_str_t  *overage;

    overage = ngx_http_tollgate_hold_overage(debt->charge.overage);

    ngx_http_tollgate_redis_arg_number(redis, debt->charge.epoch);

    if (debt->actual < 0) {
        ngx_http_tollgate_redis_arg(redis, "-", 1);

    } else {
        ngx_http_tollgate_redis_arg_number(redis, debt->actual);
    }

    ngx_http_tollgate_redis_arg(redis, overage->data, overage->len);
}


static void
ngx_http_tollgate_refund_arg(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_text_t *text)
{
    if (text->len) {
        ngx_http_tollgate_redis_arg(redis, text->data, text->len);

    } else {
        ngx_http_tollgate_redis_arg(redis, "-", 1);
    }
}


static ngx_int_t
ngx_http_tollgate_refund_reply(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_queue_t                 *q;
    ngx_http_tollgate_debt_t    *debt;
    ngx_http_tollgate_node_t    *node;
    ngx_http_tollgate_charge_t  *charge;

    node = call->data;

    q = ngx_queue_head(&call->list);
    ngx_queue_remove(q);
    debt = ngx_queue_data(q, ngx_http_tollgate_debt_t, queue);

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        return ngx_http_tollgate_refund_error(node, debt, reply);
    }

    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER) {
        ngx_queue_insert_head(&node->debts, q);
        return reply == NULL ? NGX_OK : NGX_ERROR;
    }

    /* of another epoch: the ledger knows whether it was charged in that one */

    if (reply->value[0].integer < 0
        && debt->script == NGX_HTTP_TOLLGATE_REFUND)
    {
        debt->script = NGX_HTTP_TOLLGATE_VOID;
        ngx_queue_insert_head(&node->debts, q);
        ngx_http_tollgate_count(voids, 1);

        return NGX_OK;
    }

    if (reply->value[0].integer < 0
        || (reply->value[0].integer == 0
            && debt->script == NGX_HTTP_TOLLGATE_VOID))
    {
        charge = &debt->charge;

        ngx_log_error(NGX_LOG_WARN, node->redis.log, 0,
                      "tollgate: request \"%*s\" of account \"%*s\" is not "
                      "%s: its wallet is gone, hint: did Redis lose "
                      "data? see \"tollgate ledger verify\"",
                      (size_t) charge->request_id.len, charge->request_id.data,
                      (size_t) NGX_HTTP_TOLLGATE_ACCOUNT_LEN, charge->account,
                      ngx_http_tollgate_refund_scripts[debt->script].what);
    }

    node->ndebts--;
    ngx_http_tollgate_metrics_debts(-1);
    ngx_free(debt);

    return NGX_OK;
}


/* It is still owed: by another server, or by this one in a while. */

static ngx_int_t
ngx_http_tollgate_refund_error(ngx_http_tollgate_node_t *node,
    ngx_http_tollgate_debt_t *debt, ngx_http_tollgate_reply_t *reply)
{
    ngx_uint_t                 asking;
    ngx_http_tollgate_node_t  *to;

    to = ngx_http_tollgate_store_redirect(&node->redis, reply, &asking);

    if (to != NULL && to == node->store->routes[debt->charge.shard].node) {
        node->ndebts--;
        to->ndebts++;
        ngx_queue_insert_head(&to->debts, &debt->queue);
        ngx_http_tollgate_redis_post(&to->redis);

        return NGX_OK;
    }

    ngx_queue_insert_head(&node->debts, &debt->queue);

    if (ngx_http_tollgate_redis_noscript(reply)) {
        return ngx_http_tollgate_redis_load(&node->redis);
    }

    if (to == NULL) {
        ngx_http_tollgate_redis_complain(&node->redis, "to give back", reply);
    }

    if (!node->debt_timer.timer_set) {
        ngx_add_timer(&node->debt_timer, NGX_HTTP_TOLLGATE_REFUND_WAIT);
    }

    return NGX_OK;
}


/* Redis answered an error a while ago.  A leaving process gives up in time. */

static void
ngx_http_tollgate_refund_timer(ngx_event_t *ev)
{
    ngx_http_tollgate_node_t  *node;

    node = ev->data;

    ev->cancelable = !ngx_http_tollgate_redis_weigh(&node->redis);
    ngx_http_tollgate_redis_post(&node->redis);
}


void
ngx_http_tollgate_refund_init(ngx_http_tollgate_node_t *node)
{
    ngx_queue_init(&node->debts);

    node->debt_timer.handler = ngx_http_tollgate_refund_timer;
    node->debt_timer.data = node;
    node->debt_timer.log = node->store->log;
}


void
ngx_http_tollgate_refund_exit(ngx_http_tollgate_node_t *node)
{
    ngx_queue_t               *q;
    ngx_http_tollgate_debt_t  *debt;

    while (!ngx_queue_empty(&node->debts)) {
        q = ngx_queue_head(&node->debts);
        ngx_queue_remove(q);

        debt = ngx_queue_data(q, ngx_http_tollgate_debt_t, queue);

        ngx_http_tollgate_refund_lose(ngx_cycle->log, &debt->charge,
                                      debt->script, "this process exits");
        ngx_http_tollgate_metrics_debts(-1);
        ngx_free(debt);
    }

    if (node->debt_timer.timer_set) {
        ngx_del_timer(&node->debt_timer);
    }
}


/* Credits are for a person to give back; leases and holds run out. */

static void
ngx_http_tollgate_refund_lose(ngx_log_t *log,
    ngx_http_tollgate_charge_t *charge, ngx_http_tollgate_script_e script,
    const char *why)
{
    ngx_uint_t  level;

    level = script == NGX_HTTP_TOLLGATE_RELEASE ? NGX_LOG_ERR : NGX_LOG_CRIT;

    ngx_log_error(level, log, 0,
                  "tollgate: request \"%*s\" of account \"%*s\" is not %s: "
                  "%s, hint: %s", (size_t) charge->request_id.len,
                  charge->request_id.data,
                  (size_t) NGX_HTTP_TOLLGATE_ACCOUNT_LEN, charge->account,
                  ngx_http_tollgate_refund_scripts[script].what, why,
                  ngx_http_tollgate_refund_scripts[script].hint);

    ngx_http_tollgate_count(lost, 1);
}
