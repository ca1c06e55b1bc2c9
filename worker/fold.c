/* fold.c: sums up the plain events of a batch, and writes their details. */

#include <stdlib.h>
#include <string.h>

#include "fold.h"
#include "log.h"


#define FOLD_START  256

/* Where in the details the transaction of an account has to stand. */
struct fold_hole {
    size_t        at;
    int           account;      /* -1: it has none */
    int           of;
    struct token  charged;      /* the request, if the row charges it */
};

const char  fold_detail_columns[] =
    "at, account, kind, epoch, seq, request_id, key, app, feature, model, "
    "credits, units, txn";

/*
 * The kinds that can be plain, as ledger.settle_check has them: what the
 * credits of the items do to avail + held, and to held.
 */
enum fold_held { FOLD_SAME, FOLD_MORE, FOLD_LESS, FOLD_NOT_MORE, FOLD_ANY };

struct fold_kind {
    const char      *name;
    const char      *detail;     /* the kind in the table charge */
    int              spends;
    enum fold_held   held;
    bool             counts;     /* its units count as used */
};

static const struct fold_kind  fold_kinds[] = {
    { "charge",  "charge",   1, FOLD_SAME,     true },
    { "lease",   "charge",   1, FOLD_ANY,      true },
    { "refund",  "refund",  -1, FOLD_SAME,     false },
    { "hold",    "hold",     0, FOLD_MORE,     false },
    { "commit",  "commit",   1, FOLD_NOT_MORE, false },
    { "late",    "late",     1, FOLD_SAME,     false },
    { "release", "release",  0, FOLD_LESS,     false },
    { "expired", "expired",  0, FOLD_LESS,     false },
};

#define FOLD_KINDS  (sizeof(fold_kinds) / sizeof(fold_kinds[0]))


/* Room for one more of a list. */
static void *
fold_room(void *list, size_t count, size_t *size, size_t element)
{
    if (count < *size) {
        return list;
    }

    *size = *size ? *size * 2 : FOLD_START;
    list = realloc(list, *size * element);
    if (list == NULL) {
        die("out of memory");
    }

    return list;
}


static void
fold_table(struct fold *fold, int size)
{
    free(fold->slots);
    fold->slots = malloc(sizeof(*fold->slots) * (size_t) size);
    if (fold->slots == NULL) {
        die("out of memory");
    }
    fold->slots_size = size;
    memset(fold->slots, 0xff, sizeof(*fold->slots) * (size_t) size);
}


/* The slot of an account, which is -1 where it is not there yet. */
static int *
fold_slot(const struct fold *fold, const char *account)
{
    unsigned  i, hash = 2166136261u;

    for (i = 0; i < EVENT_ACCOUNT_LEN; i++) {
        hash = (hash ^ (unsigned char) account[i]) * 16777619u;
    }

    for (i = hash;; i++) {
        int  *slot = &fold->slots[i % (unsigned) fold->slots_size];

        if (*slot == -1
            || memcmp(fold->accounts[*slot].account, account,
                      EVENT_ACCOUNT_LEN) == 0)
        {
            return slot;
        }
    }
}


/* The index of an account, which is added; the list may move. */
static int
fold_index(struct fold *fold, const char *account)
{
    int     *slot;
    size_t   size = (size_t) fold->size;

    slot = fold_slot(fold, account);
    if (*slot != -1) {
        return *slot;
    }

    if (2 * (fold->count + 1) > fold->slots_size) {
        fold_table(fold, fold->slots_size * 2);
        for (int i = 0; i < fold->count; i++) {
            *fold_slot(fold, fold->accounts[i].account) = i;
        }
        slot = fold_slot(fold, account);
    }

    fold->accounts = fold_room(fold->accounts, (size_t) fold->count, &size,
                               sizeof(*fold->accounts));
    fold->size = (int) size;
    fold->accounts[fold->count] = (struct fold_account) { .spends = -1 };
    memcpy(fold->accounts[fold->count].account, account, EVENT_ACCOUNT_LEN);
    *slot = fold->count;

    return fold->count++;
}


static struct fold_account *
fold_find(struct fold *fold, const char *account)
{
    int  index = fold_index(fold, account);

    return &fold->accounts[index];
}


void
fold_begin(struct fold *fold)
{
    fold->count = 0;
    fold_table(fold, 2 * FOLD_START);
    fold_again(fold);
}


void
fold_again(struct fold *fold)
{
    for (int i = 0; i < fold->count; i++) {
        struct fold_account  fresh = { .spends = -1 };

        memcpy(fresh.account, fold->accounts[i].account, sizeof(fresh.account));
        fresh.long_way = fold->accounts[i].long_way;
        fold->accounts[i] = fresh;
    }

    fold->spent_count = 0;
    fold->holes_count = 0;
    fold->spoilt = false;
    rows_cut(&fold->details, 0);
}


void
fold_long_way(struct fold *fold, const char *account, size_t len)
{
    struct fold_account  *of;

    if (len != EVENT_ACCOUNT_LEN) {
        return;
    }

    of = fold_find(fold, account);
    fold->spoilt = fold->spoilt || of->events > 0;
    of->long_way = true;
}


bool
fold_has(struct fold *fold, const struct event *event)
{
    const char  *account = event->fields[EVENT_ACCOUNT].text;

    return fold_find(fold, account)->events > 0;
}


bool
fold_spoilt(const struct fold *fold)
{
    return fold->spoilt;
}


int
fold_count(const struct fold *fold)
{
    int  n = 0;

    for (int i = 0; i < fold->count; i++) {
        n += fold->accounts[i].events > 0;
    }

    return n;
}


size_t
fold_events(const struct fold *fold)
{
    size_t  n = 0;

    for (int i = 0; i < fold->count; i++) {
        n += (size_t) fold->accounts[i].events;
    }

    return n;
}


void
fold_set_txn(struct fold *fold, const char *account, int64_t txn)
{
    fold_find(fold, account)->txn = txn;
}


static bool
fold_spend(struct fold *fold, int account, struct token feature,
    int64_t credits, int64_t at_us)
{
    int                  *link = &fold->accounts[account].spends;
    size_t                size = (size_t) fold->spent_size;
    struct fold_spent    *sum;

    while (*link != -1) {
        sum = &fold->spent[*link];
        if (sum->feature.len == feature.len
            && (feature.len == 0
                || memcmp(sum->feature.text, feature.text, feature.len) == 0))
        {
            sum->at_us = at_us > sum->at_us ? at_us : sum->at_us;
            return !__builtin_add_overflow(sum->credits, credits,
                                           &sum->credits);
        }
        link = &sum->next;
    }

    *link = fold->spent_count;
    fold->spent = fold_room(fold->spent, (size_t) fold->spent_count, &size,
                            sizeof(*fold->spent));
    fold->spent_size = (int) size;
    fold->spent[fold->spent_count++] = (struct fold_spent) {
        .account = account, .next = -1, .feature = feature,
        .credits = credits, .at_us = at_us };

    return true;
}


static void
fold_word(struct rows *rows, struct token word)
{
    if (word.len == 0) {
        rows_null(rows);
    } else {
        rows_text(rows, word.text, word.len);
    }
}


/* An item as a row of the details, without its transaction. */
static void
fold_detail(struct fold *fold, const struct event *event,
    const struct fold_kind *kind, int account, const struct event_item *item)
{
    bool          posts = kind->spends != 0 && item->credits > 0;
    size_t        size = fold->holes_size;
    struct rows  *rows = &fold->details;

    rows_time(rows, event->numbers[EVENT_N_TIME]);
    rows_text(rows, event->fields[EVENT_ACCOUNT].text, EVENT_ACCOUNT_LEN);
    rows_text(rows, kind->detail, strlen(kind->detail));
    rows_int(rows, event->numbers[EVENT_N_EPOCH]);
    rows_int(rows, event->numbers[EVENT_N_SEQ]);
    for (int f = ITEM_REQUEST_ID; f < ITEM_CREDITS; f++) {
        fold_word(rows, item->words[f]);
    }
    rows_int(rows, item->credits);
    rows_int(rows, item->units);

    fold->holes = fold_room(fold->holes, fold->holes_count, &size,
                            sizeof(*fold->holes));
    fold->holes_size = size;
    fold->holes[fold->holes_count++] = (struct fold_hole) {
        .at = rows->len, .account = posts ? account : -1, .of = account,
        .charged = kind->spends > 0 ? item->words[ITEM_REQUEST_ID]
                                    : (struct token) { 0 } };
}


/* Whether the batch has the charge of a request; else SQL looks for it. */
static bool
fold_charged(const struct fold *fold, int account, struct token request)
{
    for (size_t i = fold->holes_count; i > 0; i--) {
        const struct fold_hole  *hole = &fold->holes[i - 1];

        if (hole->of == account && hole->charged.len == request.len
            && memcmp(hole->charged.text, request.text, request.len) == 0)
        {
            return true;
        }
    }

    return false;
}


/* Whether the event goes on from the one before, and what it holds. */
static bool
fold_chain(struct fold_account *of, const struct event *event,
    enum fold_held rule, int64_t credits)
{
    int64_t  held = event->numbers[EVENT_N_HELD];
    int64_t  sum = event->numbers[EVENT_N_AVAIL] + held;
    int64_t  opening = sum - event->numbers[EVENT_N_DELTA];
    int64_t  from, to;

    from = rule == FOLD_MORE ? held - credits
           : rule == FOLD_LESS ? held + credits : rule == FOLD_ANY ? 0 : held;
    to = rule == FOLD_NOT_MORE || rule == FOLD_ANY ? TOKEN_INT_MAX : from;

    if (of->events == 0) {
        of->epoch = event->numbers[EVENT_N_EPOCH];
        of->first_seq = event->numbers[EVENT_N_SEQ];
        of->opening = opening;
        of->held_from = from;
        of->held_to = to;
        return true;
    }

    return of->epoch == event->numbers[EVENT_N_EPOCH]
           && of->last_seq + 1 == event->numbers[EVENT_N_SEQ]
           && of->avail + of->held == opening
           && of->held >= from && of->held <= to;
}


/* Takes the items in; false where they are not plain or don't add up. */
static bool
fold_items(struct fold *fold, int account, const struct event *event,
    const struct fold_kind *kind, int64_t *total)
{
    int64_t           *units = &fold->accounts[account].units;
    struct token       items = event->fields[EVENT_ITEMS], text;
    struct event_item  item;

    while (token_cut(&items, ';', &text)) {
        if (!event_item_read(&item, text)
            || item.words[ITEM_REQUEST_ID].len == 0
            || __builtin_add_overflow(*total, item.credits, total))
        {
            return false;
        }

        fold_detail(fold, event, kind, account, &item);
        if (kind->spends != 0 && item.credits > 0
            && !fold_spend(fold, account, item.words[ITEM_FEATURE],
                           kind->spends * item.credits,
                           event->numbers[EVENT_N_TIME]))
        {
            return false;
        }

        /* units that return go to the windows of their charges */
        if ((kind->spends < 0
             && (item.units > 0
                 || !fold_charged(fold, account,
                                  item.words[ITEM_REQUEST_ID])))
            || (kind->counts
                && __builtin_add_overflow(*units, item.units, units)))
        {
            return false;
        }
    }

    return *total <= TOKEN_INT_MAX
           && event->numbers[EVENT_N_DELTA] == -kind->spends * *total;
}


bool
fold_event(struct fold *fold, const struct event *event)
{
    int                      account;
    int64_t                  total = 0, at_us = event->numbers[EVENT_N_TIME];
    const struct fold_kind  *kind = NULL;
    struct fold_account     *of;

    account = fold_index(fold, event->fields[EVENT_ACCOUNT].text);
    if (fold->accounts[account].long_way) {
        return false;
    }

    for (size_t i = 0; i < FOLD_KINDS && kind == NULL; i++) {
        if (strcmp(event->kind, fold_kinds[i].name) == 0) {
            kind = &fold_kinds[i];
        }
    }

    if (kind == NULL
        || !fold_items(fold, account, event, kind, &total)
        || !fold_chain(&fold->accounts[account], event, kind->held, total)
        || __builtin_add_overflow(fold->accounts[account].spent,
                                  event->numbers[EVENT_N_DELTA],
                                  &fold->accounts[account].spent))
    {
        fold->accounts[account].long_way = true;
        fold->spoilt = true;
        return false;
    }

    of = &fold->accounts[account];
    of->avail = event->numbers[EVENT_N_AVAIL];
    of->held = event->numbers[EVENT_N_HELD];
    of->last_seq = event->numbers[EVENT_N_SEQ];
    of->spent_low = of->spent < of->spent_low ? of->spent : of->spent_low;
    of->spent_high = of->spent > of->spent_high ? of->spent : of->spent_high;
    of->first_us = of->events == 0 || at_us < of->first_us ? at_us
                                                           : of->first_us;
    of->last_us = at_us > of->last_us ? at_us : of->last_us;
    of->expired += strcmp(event->kind, "expired") == 0;
    of->events++;

    return true;
}


/* Now that the transactions are known they are put where they belong. */
const struct rows *
fold_details(struct fold *fold)
{
    size_t  from = 0;

    rows_cut(&fold->out, 0);

    for (size_t i = 0; i < fold->holes_count; i++) {
        const struct fold_hole  *hole = &fold->holes[i];
        int64_t  txn = hole->account == -1 ? 0
                                           : fold->accounts[hole->account].txn;

        rows_raw(&fold->out, fold->details.text + from, hole->at - from);
        from = hole->at;
        if (txn == 0) {
            rows_null(&fold->out);
        } else {
            rows_int(&fold->out, txn);
        }
        rows_end(&fold->out);
    }

    return &fold->out;
}


void
fold_free(struct fold *fold)
{
    free(fold->accounts);
    free(fold->slots);
    free(fold->spent);
    free(fold->holes);
    rows_free(&fold->details);
    rows_free(&fold->out);
    *fold = (struct fold) { 0 };
}
