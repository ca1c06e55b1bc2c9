/*
 * verify.c: proves that Redis and the ledger hold the same credits.
 *
 * For each account: avail + held in Redis = the ledger's balance - commands
 * that Redis hasn't applied + events that aren't settled; and the cheque
 * register goes on without a gap from the last settled event to the wallet.
 * What the wallet holds is what the records of its holds and leases say, and
 * what it has in pockets is what grants of their names have left.
 */

#include <stdlib.h>

#include "loop.h"
#include "verify.h"


#define VERIFY_TRIES     10
#define VERIFY_PAUSE_MS  200    /* between two sights of a difference */

enum {
    VERIFY_MISSING, VERIFY_EPOCH, VERIFY_AHEAD, VERIFY_GAP, VERIFY_REGISTER,
    VERIFY_BALANCE, VERIFY_HOLDS_SUM, VERIFY_POCKETS
};

/* In the order of looking. */
static const struct verify_reason  verify_reasons[] = {
    [VERIFY_MISSING] = { "wallet_missing", true,
        "Redis has lost the wallet: tollgate ledger repair makes it again" },
    [VERIFY_EPOCH] = { "epoch", true,
        "the wallet is of another incarnation: see tollgate ledger repair" },
    [VERIFY_AHEAD] = { "register_ahead", true,
        "Redis has lost its last events: see tollgate ledger repair" },
    [VERIFY_GAP] = { "register_gap", false,
        "events were removed or invented: see tollgate ledger repair" },
    [VERIFY_REGISTER] = { "register", false,
        "the wallet was changed without an event: see tollgate ledger "
        "repair" },
    [VERIFY_BALANCE] = { "balance", false,
        "the ledger has booked something else than its register says: see "
        "tollgate ledger repair" },
    [VERIFY_HOLDS_SUM] = { "holds", false,
        "the records of holds and leases say something else: see tollgate "
        "ledger repair" },
    [VERIFY_POCKETS] = { "pockets", false,
        "credits that end or are for some features are not those of the "
        "grants: see tollgate ledger repair" },
};


/* Adds up the events between the ledger and the wallet. */
static void
verify_add_up(struct verify_account *account)
{
    int64_t              next;
    struct verify_side  *side = &account->side;

    next = side->last_seq + 1;

    for (size_t i = 0; i < account->count; i++) {
        const struct verify_event  *event = &account->events[i];

        if (event->seq <= side->last_seq || event->seq > account->wallet.seq) {
            continue;
        }

        side->gap = side->gap || event->seq != next;
        next = event->seq + 1;
        side->registered += event->delta;
        side->unsettled += event->command ? 0 : event->delta;
        if (event->items != NULL && event->delta != 0) {
            verify_pockets_event(account, event->items, event->delta);
        }
    }

    side->gap = side->gap || next != account->wallet.seq + 1;
}


/* Which sides differ, and how; NULL where none do. */
static const struct verify_reason *
verify_compare(const struct verify_account *account, int64_t *redis,
    int64_t *ledger)
{
    int64_t                      registered;
    const struct verify_side    *side = &account->side;
    const struct verify_wallet  *wallet = &account->wallet;

    *redis = wallet->avail + wallet->held;
    *ledger = side->balance - side->unapplied + side->unsettled;
    registered = side->avail + side->held + side->registered;

    if (!wallet->exists) {
        /* The first command, when it comes, makes the wallet. */
        return *ledger != 0 || side->last_seq != 0
               ? &verify_reasons[VERIFY_MISSING] : NULL;
    }
    if (wallet->epoch != side->epoch) {
        return &verify_reasons[VERIFY_EPOCH];
    }
    if (side->last_seq > wallet->seq) {
        return &verify_reasons[VERIFY_AHEAD];
    }
    if (side->gap) {
        return &verify_reasons[VERIFY_GAP];
    }
    if (registered != *redis) {
        *ledger = registered;
        return &verify_reasons[VERIFY_REGISTER];
    }
    if (*ledger != *redis) {
        return &verify_reasons[VERIFY_BALANCE];
    }
    if (wallet->held != wallet->records) {
        *redis = wallet->held;
        *ledger = wallet->records;
        return &verify_reasons[VERIFY_HOLDS_SUM];
    }
    if (!verify_pockets_hold(account, redis, ledger)) {
        return &verify_reasons[VERIFY_POCKETS];
    }

    return NULL;
}


/* < 0, 0 or > 0, as the first place of the register is before the second. */
static int
verify_place(int64_t epoch, int64_t seq, int64_t other_epoch,
    int64_t other_seq)
{
    return epoch != other_epoch ? (epoch > other_epoch) - (epoch < other_epoch)
                                : (seq > other_seq) - (seq < other_seq);
}


/*
 * Redis is read before the ledger, so the ledger may know more, of this epoch
 * or a later one; what it knew before this wallet was read it can't have lost
 * since.  Without events to look at only an account that is settled is proved.
 */
static bool
verify_moves(struct verify_account *account, bool with_events)
{
    int                          known;
    const struct verify_side    *side = &account->side;
    const struct verify_wallet  *wallet = &account->wallet;

    known = verify_place(account->known_epoch, account->known_seq,
                         wallet->epoch, wallet->seq);
    account->known_epoch = side->epoch;
    account->known_seq = side->last_seq;

    if (!wallet->exists) {
        return false;
    }
    if (verify_place(side->epoch, side->last_seq, wallet->epoch, wallet->seq)
        > 0)
    {
        return known <= 0;
    }

    return side->epoch == wallet->epoch && side->last_seq < wallet->seq
           && !with_events;
}


/*
 * An event that is missing because it was settled and trimmed is one that the
 * ledger knows.  Returns whether a difference was seen for the first time.
 */
static bool
verify_judge_one(struct verify_account *account, bool with_events)
{
    bool                         again;
    int64_t                      redis, ledger;
    const struct verify_reason  *reason;

    if (account->busy || verify_moves(account, with_events)) {
        account->reason = NULL;
        return false;
    }

    if (!with_events) {
        verify_forget_events(account);
    }
    verify_add_up(account);

    reason = verify_compare(account, &redis, &ledger);
    again = reason != NULL && reason == account->reason
            && (reason->moves
                || redis - ledger == account->redis - account->ledger);
    account->reason = reason;
    account->redis = redis;
    account->ledger = ledger;
    account->state = reason == NULL ? VERIFY_HOLDS
                     : again ? VERIFY_DIFFERS : VERIFY_OPEN;

    return account->state == VERIFY_OPEN;
}


/* What isn't settled of shards that have an account which is open. */
static bool
verify_read_streams(struct verify *verify, struct verify_account *accounts,
    int count)
{
    int   to, open;
    char  cursor[64];

    for (int from = 0; from < count; from = to) {
        open = 0;
        for (to = from; to < count
                        && accounts[to].shard == accounts[from].shard; to++)
        {
            open += accounts[to].state == VERIFY_OPEN;
        }
        if (open > 0
            && (!verify_read_cursor(verify, accounts[from].shard, cursor,
                                    sizeof(cursor))
                || !verify_read_events(verify, cursor, &accounts[from],
                                       to - from)))
        {
            return false;
        }
    }

    return true;
}


static bool
verify_try(struct verify *verify, struct verify_account *accounts, int count,
    bool with_events, int *open)
{
    bool  seen = false;

    if (!verify_read_wallets(verify, accounts, count)
        || (with_events && !verify_read_streams(verify, accounts, count))
        || !verify_read_sides(verify, accounts, count))
    {
        return false;
    }

    *open = 0;
    for (int i = 0; i < count; i++) {
        if (accounts[i].state == VERIFY_OPEN) {
            seen = verify_judge_one(&accounts[i], with_events) || seen;
            *open += accounts[i].state == VERIFY_OPEN;
        }
    }
    if (seen) {
        loop_wait(-1, 0, VERIFY_PAUSE_MS);
    }

    return true;
}


bool
verify_judge(struct verify *verify, struct verify_account *accounts,
    int count)
{
    int   open = count;
    bool  ok = true;

    for (int i = 0; i < VERIFY_TRIES && open > 0 && ok && !loop_stopping();
         i++)
    {
        ok = verify_try(verify, accounts, count, i > 0, &open);
    }

    for (int i = 0; i < count; i++) {
        verify_forget_events(&accounts[i]);
        verify_pockets_forget(&accounts[i]);
        free(accounts[i].events);
        accounts[i].events = NULL;
        accounts[i].size = 0;
    }

    return ok;
}
