
/*
 * ngx_http_tollgate_lease_answer.c owns how much is lent: what a lease asks
 * for and gives back by its speed, and what an answer of Redis makes of it.
 *
 * A pool never has more than Redis knows to be lent: what is given back leaves
 * it before the call, what is granted comes with the reply, and a reply that
 * doesn't fit the call empties it.
 */


#include "ngx_http_tollgate_lease.h"


#define NGX_HTTP_TOLLGATE_LEASE_REQUESTS  8     /* worth of these at least */
#define NGX_HTTP_TOLLGATE_LEASE_LEAST     10000 /* us, to tell a speed by */


/* places in lease.lua's answer to one lease, docs/design.md counts from 1 */

typedef enum {
    NGX_HTTP_TOLLGATE_LEASED_ANSWER = 0,
    NGX_HTTP_TOLLGATE_LEASED_TAKEN,
    NGX_HTTP_TOLLGATE_LEASED_EPOCH,
    NGX_HTTP_TOLLGATE_LEASED_NO,
    NGX_HTTP_TOLLGATE_LEASED_CREDITS,
    NGX_HTTP_TOLLGATE_LEASED_UNITS,
    NGX_HTTP_TOLLGATE_LEASED_TOKENS,
    NGX_HTTP_TOLLGATE_LEASED_APP = NGX_HTTP_TOLLGATE_LEASED_TOKENS + 2,
    NGX_HTTP_TOLLGATE_LEASED_KEY,
    NGX_HTTP_TOLLGATE_LEASED_PLAN,
    NGX_HTTP_TOLLGATE_LEASED_TIER,
    NGX_HTTP_TOLLGATE_LEASED_MODE,
    NGX_HTTP_TOLLGATE_LEASED_AVAIL,
    NGX_HTTP_TOLLGATE_LEASED_QUOTAS,
    NGX_HTTP_TOLLGATE_LEASED_RATES = NGX_HTTP_TOLLGATE_LEASED_QUOTAS + 6,
    NGX_HTTP_TOLLGATE_LEASED_WIDTH = NGX_HTTP_TOLLGATE_LEASED_RATES + 4
} ngx_http_tollgate_leased_at_e;


static void ngx_http_tollgate_lease_measure(ngx_http_tollgate_lease_t *lease,
    int64_t now);
static void ngx_http_tollgate_lease_pool(int64_t *pool, int64_t target,
    int64_t *want, int64_t *give);
static void ngx_http_tollgate_lease_closed(ngx_http_tollgate_entry_t *entry,
    ngx_http_tollgate_lease_t *lease, int64_t now);
static void ngx_http_tollgate_lease_grant(ngx_http_tollgate_entry_t *entry,
    ngx_http_tollgate_lease_t *lease, ngx_http_tollgate_value_t *v);
static void ngx_http_tollgate_lease_learn(ngx_http_tollgate_entry_t *entry,
    ngx_http_tollgate_lease_t *lease, ngx_http_tollgate_value_t *v,
    int64_t redis_us);
static void ngx_http_tollgate_lease_tokens(ngx_http_tollgate_entry_t *entry,
    ngx_http_tollgate_lease_t *lease, ngx_http_tollgate_value_t *v);
static ngx_uint_t ngx_http_tollgate_lease_is(ngx_http_tollgate_value_t *v,
    const char *text);


void
ngx_http_tollgate_lease_entry(ngx_http_tollgate_entry_t *entry, uint32_t i,
    int64_t now)
{
    int64_t                           target;
    ngx_uint_t                        k;
    ngx_http_tollgate_lease_t        *lease;
    ngx_http_tollgate_lease_rate_t   *rate;
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;
    lease = ngx_http_tollgate_lease_at(i);

    if (local->leaving) {
        ngx_http_tollgate_lease_turn(lease, NGX_HTTP_TOLLGATE_LEASE_CLOSING,
                                     now);
    }

    ngx_http_tollgate_lease_measure(lease, now);

    entry->own = 1;
    entry->lease = i;
    entry->life = lease->life;
    entry->no = lease->no;
    entry->epoch = lease->epoch;
    entry->sent_at = now;

    lease->called_at = now;
    local->held[local->places[i]].called = 1;

    if (now >= lease->units_until) {
        lease->units = 0;
    }

    if (lease->state == NGX_HTTP_TOLLGATE_LEASE_CLOSING) {
        entry->closes = lease->unsent == 0;
        entry->ends = entry->closes
                      || now - lease->since > NGX_HTTP_TOLLGATE_LEASE_PATIENCE;
        entry->give[0] = entry->closes ? 0 : lease->credits;
        entry->give[1] = entry->closes ? 0 : lease->units;
        lease->credits = 0;
        lease->units = 0;
        return;
    }

    if (lease->mode != NGX_HTTP_TOLLGATE_LEASE_SUBSCRIPTION
        && (lease->mode == NGX_HTTP_TOLLGATE_LEASE_PAYG
            || lease->price[1] == 0
            || ngx_http_tollgate_lease_used_up(lease)))
    {
        ngx_http_tollgate_lease_pool(&lease->credits, lease->speed[0],
                                     &entry->want[0], &entry->give[0]);
    }

    if (lease->mode != NGX_HTTP_TOLLGATE_LEASE_PAYG) {
        ngx_http_tollgate_lease_pool(&lease->units, lease->speed[1],
                                     &entry->want[1], &entry->give[1]);
    }

    for (k = 0; k < 2; k++) {
        rate = &lease->rates[k];
        target = lease->speed[2];

        if (now >= rate->until) {
            rate->tokens = 0;
        }

        if (rate->interval && rate->tokens < target / 2) {
            entry->want[2 + k] = target - rate->tokens;
        }
    }
}


/* What is used in _SPAN: a rise counts at once, a fall by and by. */

static void
ngx_http_tollgate_lease_measure(ngx_http_tollgate_lease_t *lease, int64_t now)
{
    int64_t     past, speed;
    ngx_uint_t  k;

    past = lease->called_at ? now - lease->called_at
                            : NGX_HTTP_TOLLGATE_LEASE_SPAN;
    past = ngx_max(past, NGX_HTTP_TOLLGATE_LEASE_LEAST);

    for (k = 0; k < 3; k++) {
        if (lease->wanted[2]) {
            lease->price[k] = lease->wanted[k] / lease->wanted[2];
        }

        /* neither of the two factors is small, nor is the sum exact */

        speed = lease->wanted[k] / past * NGX_HTTP_TOLLGATE_LEASE_SPAN
                + lease->wanted[k] % past * NGX_HTTP_TOLLGATE_LEASE_SPAN
                  / past;

        lease->speed[k] = ngx_max(speed, lease->speed[k]
                                         - (lease->speed[k] - speed) / 4);
        lease->speed[k] = ngx_max(lease->speed[k],
                                  NGX_HTTP_TOLLGATE_LEASE_REQUESTS
                                  * lease->price[k]);
        lease->speed[k] = ngx_min(lease->speed[k],
                                  NGX_HTTP_TOLLGATE_MAX / 16);
    }

    ngx_memzero(lease->wanted, sizeof(lease->wanted));
}


/* More where less than half is left; back where it is many times too much. */

static void
ngx_http_tollgate_lease_pool(int64_t *pool, int64_t target, int64_t *want,
    int64_t *give)
{
    if (*pool < target / 2) {
        *want = target - *pool;

    } else if (*pool > 4 * target) {
        *give = *pool - target;
        *pool = target;
    }
}


/* The wallet has no units left, of the day or of the month. */

ngx_uint_t
ngx_http_tollgate_lease_used_up(ngx_http_tollgate_lease_t *lease)
{
    ngx_uint_t  i;

    for (i = 0; i < 2; i++) {
        if (lease->quotas[i].max >= 0 && lease->quotas[i].left == 0) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_tollgate_lease_check(ngx_http_tollgate_value_t *v)
{
    ngx_uint_t  i, type;

    for (i = 0; i < NGX_HTTP_TOLLGATE_LEASED_WIDTH; i++) {

        switch (i) {

        case NGX_HTTP_TOLLGATE_LEASED_ANSWER:
        case NGX_HTTP_TOLLGATE_LEASED_APP:
        case NGX_HTTP_TOLLGATE_LEASED_KEY:
        case NGX_HTTP_TOLLGATE_LEASED_PLAN:
        case NGX_HTTP_TOLLGATE_LEASED_MODE:
            type = REDIS_REPLY_STRING;
            break;

        default:
            type = REDIS_REPLY_INTEGER;
        }

        if (v[i].type != type
            || (type == REDIS_REPLY_INTEGER
                && (v[i].integer > NGX_HTTP_TOLLGATE_MAX
                    || v[i].integer < -1)))
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_tollgate_lease_taken(ngx_http_tollgate_value_t *v)
{
    return v[NGX_HTTP_TOLLGATE_LEASED_TAKEN].integer == 1;
}


void
ngx_http_tollgate_lease_answer(ngx_http_tollgate_entry_t *entry,
    ngx_http_tollgate_value_t *v, int64_t redis_us)
{
    int64_t                           no, epoch, now;
    ngx_uint_t                        fits;
    ngx_http_tollgate_lease_t        *lease;
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;
    lease = ngx_http_tollgate_lease_at(entry->lease);
    local->held[local->places[entry->lease]].called = 0;

    /* of a wallet that is made again, or a call that lay too long */

    if (!ngx_http_tollgate_lease_taken(v)) {
        return;
    }

    now = ngx_http_tollgate_lease_now();
    no = v[NGX_HTTP_TOLLGATE_LEASED_NO].integer;
    epoch = v[NGX_HTTP_TOLLGATE_LEASED_EPOCH].integer;

    if (entry->ends) {
        ngx_http_tollgate_lease_closed(entry, lease, now);
        return;
    }

    fits = (entry->no == 0 || no == entry->no + 1)
           && (entry->epoch == 0 || epoch == entry->epoch);

    lease->no = no;
    lease->epoch = epoch;

    if (!ngx_http_tollgate_lease_is(&v[NGX_HTTP_TOLLGATE_LEASED_ANSWER],
                                    "ok"))
    {
        lease->refused = 1;
        fits = 0;
    }

    if (!fits) {
        lease->credits = 0;
        lease->units = 0;
        ngx_http_tollgate_lease_turn(lease,
                                     no ? NGX_HTTP_TOLLGATE_LEASE_CLOSING
                                        : NGX_HTTP_TOLLGATE_LEASE_STRICT,
                                     now);
        return;
    }

    ngx_http_tollgate_lease_learn(entry, lease, v, redis_us);

    if (lease->state != NGX_HTTP_TOLLGATE_LEASE_CLOSING) {
        ngx_http_tollgate_lease_grant(entry, lease, v);
        ngx_http_tollgate_lease_turn(lease, NGX_HTTP_TOLLGATE_LEASE_OPEN,
                                     now);
        lease->until = entry->sent_at + NGX_HTTP_TOLLGATE_LEASE_CONFIRM;
    }
}


/* Nothing is lent any more.  Who asked meanwhile gets another lease. */

static void
ngx_http_tollgate_lease_closed(ngx_http_tollgate_entry_t *entry,
    ngx_http_tollgate_lease_t *lease, int64_t now)
{
    ngx_http_tollgate_lease_local_t  *local;

    local = &ngx_http_tollgate_lease_local;

    if (local->leaving
        || !entry->closes
        || (!lease->refused && lease->spent_at <= lease->since))
    {
        ngx_http_tollgate_lease_drop(local->places[entry->lease]);
        return;
    }

    lease->no = 0;
    lease->epoch = 0;

    ngx_http_tollgate_lease_turn(lease,
                                 lease->refused
                                 ? NGX_HTTP_TOLLGATE_LEASE_STRICT
                                 : NGX_HTTP_TOLLGATE_LEASE_OPENING, now);
    lease->refused = 0;
}


/* What Redis told beside the amounts. */

static void
ngx_http_tollgate_lease_learn(ngx_http_tollgate_entry_t *entry,
    ngx_http_tollgate_lease_t *lease, ngx_http_tollgate_value_t *v,
    int64_t redis_us)
{
    int64_t                     ends;
    ngx_str_t                  *mode;
    ngx_uint_t                  i;
    ngx_http_tollgate_value_t  *q;
    ngx_http_tollgate_limit_t  *quota;

    ngx_http_tollgate_text(&lease->app,
                           &v[NGX_HTTP_TOLLGATE_LEASED_APP].str);
    ngx_http_tollgate_text(&lease->key,
                           &v[NGX_HTTP_TOLLGATE_LEASED_KEY].str);
    ngx_http_tollgate_text(&lease->plan,
                           &v[NGX_HTTP_TOLLGATE_LEASED_PLAN].str);

    mode = &v[NGX_HTTP_TOLLGATE_LEASED_MODE].str;

    lease->mode = mode->len == 0 || mode->data[0] == 'p'
                  ? NGX_HTTP_TOLLGATE_LEASE_PAYG
                  : mode->data[0] == 's' ? NGX_HTTP_TOLLGATE_LEASE_SUBSCRIPTION
                                         : NGX_HTTP_TOLLGATE_LEASE_HYBRID;
    lease->tier = v[NGX_HTTP_TOLLGATE_LEASED_TIER].integer;
    lease->avail = v[NGX_HTTP_TOLLGATE_LEASED_AVAIL].integer;

    ends = 0;

    for (i = 0; i < 2; i++) {
        q = &v[NGX_HTTP_TOLLGATE_LEASED_QUOTAS + 3 * i];
        quota = &lease->quotas[i];

        /* units are of the windows in which they were lent */

        if (quota->reset != q[2].integer) {
            lease->units = 0;
        }

        quota->max = q[0].integer;
        quota->left = q[1].integer;
        quota->reset = q[2].integer;

        if (quota->reset > 0 && (ends == 0 || quota->reset < ends)) {
            ends = quota->reset;
        }
    }

    /* the windows of Redis end by our clock when it said so, or earlier */

    lease->units_until = entry->sent_at + ends * 1000000 - redis_us;
}


static void
ngx_http_tollgate_lease_grant(ngx_http_tollgate_entry_t *entry,
    ngx_http_tollgate_lease_t *lease, ngx_http_tollgate_value_t *v)
{
    lease->credits += v[NGX_HTTP_TOLLGATE_LEASED_CREDITS].integer;
    lease->units += v[NGX_HTTP_TOLLGATE_LEASED_UNITS].integer;

    ngx_http_tollgate_assert(lease->credits >= 0
                             && lease->credits <= NGX_HTTP_TOLLGATE_MAX
                             && lease->units >= 0
                             && lease->units <= NGX_HTTP_TOLLGATE_MAX);

    ngx_http_tollgate_lease_tokens(entry, lease, v);
}


/*
 * Requests that a rate has let pass ahead.  Those that are old are no more
 * than a quarter of the burst, which is how much a rate may be exceeded by.
 */

static void
ngx_http_tollgate_lease_tokens(ngx_http_tollgate_entry_t *entry,
    ngx_http_tollgate_lease_t *lease, ngx_http_tollgate_value_t *v)
{
    int64_t                          good, granted;
    ngx_uint_t                       i;
    ngx_http_tollgate_lease_rate_t  *rate;

    for (i = 0; i < 2; i++) {
        rate = &lease->rates[i];
        rate->burst = v[NGX_HTTP_TOLLGATE_LEASED_RATES + 2 * i].integer;
        rate->interval = v[NGX_HTTP_TOLLGATE_LEASED_RATES + 2 * i + 1].integer;
        granted = v[NGX_HTTP_TOLLGATE_LEASED_TOKENS + i].integer;

        if (granted > 0) {
            good = rate->interval < NGX_HTTP_TOLLGATE_LEASE_SPAN
                   ? rate->burst * rate->interval / 4
                   : NGX_HTTP_TOLLGATE_LEASE_SPAN;

            rate->tokens = ngx_min(rate->tokens + granted,
                                   ngx_max(rate->burst / 4, 1));
            rate->until = entry->sent_at
                          + ngx_min(good, NGX_HTTP_TOLLGATE_LEASE_SPAN);
        }
    }
}


static ngx_uint_t
ngx_http_tollgate_lease_is(ngx_http_tollgate_value_t *v, const char *text)
{
    return v->str.len == ngx_strlen(text)
           && ngx_memcmp(v->str.data, text, v->str.len) == 0;
}
