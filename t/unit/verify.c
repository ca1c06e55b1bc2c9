/*
 * verify.c: tests the proof's judgement by itself, against accounts that go on
 * between any two looks: no sound one may ever be found to differ, and one
 * that is wrong never to hold.  Prints TAP.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "loop.h"
#include "verify.h"


#define MODEL_EVENTS    4096
#define MODEL_COMMANDS  256
#define MODEL_RUNS      20000

struct model_event {
    int64_t  epoch, seq, delta, avail, held;
    int64_t  command;       /* number of it, 0 if it is none */
};

/* One account as Redis, the stream and the ledger have it. */
static struct {
    struct verify_wallet  wallet;
    struct verify_side    side;
    bool                  busy;             /* its wallet is made again */
    struct model_event    events[MODEL_EVENTS];
    int                   appended, settled, trimmed;
    int64_t               deltas[MODEL_COMMANDS];
    int64_t               commands, last_cmd;
} model;

/* Steps between two looks, at most; 0: nothing moves. */
static unsigned  model_speed;
static unsigned  model_seed;
static int       tests;


static unsigned
model_random(unsigned below)
{
    model_seed = model_seed * 1103515245u + 12345u;

    return model_seed / 65536u % below;
}


static void
ok(bool pass, const char *name)
{
    printf("%sok %d - %s\n", pass ? "" : "not ", ++tests, name);
}


/* --- what happens to an account ------------------------------------------ */


static void
model_append(int64_t delta, int64_t command)
{
    struct verify_wallet  *wallet = &model.wallet;

    model.events[model.appended++] = (struct model_event) {
        wallet->epoch, ++wallet->seq, delta, wallet->avail, wallet->held,
        command
    };
}


static void
model_charge(void)
{
    int64_t  price = 1 + model_random(9);

    if (model.wallet.avail >= price) {
        model.wallet.avail -= price;
        model_append(-price, 0);
    }
}


static void
model_hold(void)
{
    if (model.wallet.avail >= 5) {
        model.wallet.avail -= 5;
        model.wallet.held += 5;
        model.wallet.records += 5;
        model_append(0, 0);
    }
}


static void
model_commit(void)
{
    int64_t  amount = model_random(6);

    if (model.wallet.held >= 5) {
        model.wallet.held -= 5;
        model.wallet.records -= 5;
        model.wallet.avail += 5 - amount;
        model_append(-amount, 0);
    }
}


/* The ledger has a command at once, Redis when it is carried. */
static void
model_command(void)
{
    if (model.commands + 1 < MODEL_COMMANDS) {
        model.deltas[++model.commands] = 1 + model_random(50);
        model.side.balance += model.deltas[model.commands];
    }
}


static void
model_apply(void)
{
    struct verify_wallet  *wallet = &model.wallet;

    if (wallet->cmd < model.commands) {
        wallet->avail += model.deltas[++wallet->cmd];
        model_append(model.deltas[wallet->cmd], wallet->cmd);
    }
}


static void
model_settle(void)
{
    const struct model_event  *event = &model.events[model.settled];

    if (model.settled == model.appended) {
        return;
    }
    if (event->epoch != model.side.epoch) {
        model.side.epoch = event->epoch;
        model.busy = false;
    }
    model.side.last_seq = event->seq;
    model.side.avail = event->avail;
    model.side.held = event->held;
    model.side.balance += event->command == 0 ? event->delta : 0;
    model.last_cmd = event->command != 0 ? event->command : model.last_cmd;
    model.settled++;
}


static void
model_trim(void)
{
    model.trimmed = model.settled;
}


/* Asked for, then done when all of the old epoch is settled. */
static void
model_rebuild(void)
{
    struct verify_wallet  *wallet = &model.wallet;

    if (model_random(4) != 0) {
        return;
    }
    if (!model.busy) {
        model.busy = true;
        return;
    }
    while (model.settled < model.appended) {
        model_settle();
    }
    if (!model.busy) {
        return;    /* it was done, and only had to be settled */
    }
    wallet->avail += wallet->held;
    wallet->held = 0;
    wallet->records = 0;
    wallet->epoch++;
    wallet->seq = 0;
    model_append(0, 0);
}


static void (*const  model_steps[])(void) = {
    model_apply, model_charge, model_command, model_commit, model_hold,
    model_rebuild, model_settle, model_settle, model_trim
};

#define MODEL_STEPS  (sizeof(model_steps) / sizeof(model_steps[0]))


static void
model_move(void)
{
    unsigned  steps = model_speed != 0 ? model_random(model_speed + 1) : 0;

    while (steps-- > 0 && model.appended < MODEL_EVENTS - 1) {
        model_steps[model_random(MODEL_STEPS)]();
    }
}


static void
model_begin(unsigned seed)
{
    memset(&model, 0, sizeof(model));
    model.wallet.exists = true;
    model.wallet.epoch = 1;
    model.side.epoch = 1;
    model_seed = seed;
    model_speed = 60;
    model_command();
    model_move();
}


/* --- what the proof looks at: each look is of one moment ------------------ */


bool
verify_read_wallets(struct verify *verify, struct verify_account *accounts,
    int count)
{
    (void) verify;
    (void) count;
    verify_pockets_forget(accounts);
    accounts->wallet = model.wallet;
    model_move();

    return true;
}


bool
verify_read_cursor(struct verify *verify, unsigned shard, char *cursor,
    size_t size)
{
    (void) verify;
    (void) shard;
    snprintf(cursor, size, "%d", model.settled);
    model_move();

    return true;
}


bool
verify_read_events(struct verify *verify, const char *cursor,
    struct verify_account *accounts, int count)
{
    int  from = atoi(cursor);

    (void) verify;
    (void) count;
    verify_forget_events(accounts);
    free(accounts->events);
    accounts->events = calloc(MODEL_EVENTS, sizeof(*accounts->events));
    for (int i = from > model.trimmed ? from : model.trimmed;
         accounts->events != NULL && i < model.appended; i++)
    {
        accounts->events[accounts->count++] = (struct verify_event) {
            .seq = model.events[i].seq, .delta = model.events[i].delta,
            .command = model.events[i].command != 0
        };
    }
    model_move();

    return accounts->events != NULL;
}


bool
verify_read_sides(struct verify *verify, struct verify_account *accounts,
    int count)
{
    (void) verify;
    (void) count;
    accounts->side = model.side;
    accounts->busy = model.busy;
    for (int64_t no = model.last_cmd + 1; no <= model.commands; no++) {
        accounts->side.unapplied += no > accounts->wallet.cmd
                                    ? model.deltas[no] : 0;
    }
    model_move();

    return true;
}


void
verify_forget_events(struct verify_account *account)
{
    account->count = 0;
}


bool
loop_wait(int fd, short events, int64_t ms)
{
    (void) fd;
    (void) events;
    (void) ms;
    model_move();

    return false;
}


bool
loop_stopping(void)
{
    return false;
}


void
die(const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    exit(EXIT_FAILURE);
}


/* --- flaws ---------------------------------------------------------------- */


static void
flaw_wallet(void)
{
    model.wallet.avail += 7;
}


static void
flaw_held(void)
{
    model.wallet.held += 7;
}


static void
flaw_ledger(void)
{
    model.side.balance -= 7;
}


/* An event that nobody will settle; of nothing, so that the sums are right. */
static void
flaw_event(void)
{
    model_hold();
    model_append(0, 0);
    model.appended--;
}


static void
flaw_missing(void)
{
    model.wallet = (struct verify_wallet) { 0 };
}


/* Redis goes back behind what the ledger has. */
static void
flaw_behind(void)
{
    model_command();
    model_apply();
    while (model.settled < model.appended) {
        model_settle();
    }
    model_trim();
    model.wallet.avail -= model.deltas[model.commands];
    model.wallet.cmd--;
    model.wallet.seq--;
}


static void
flaw_epoch(void)
{
    model.wallet.epoch--;
}


static const struct {
    const char  *name;
    void       (*make)(void);
    const char  *reason;
} flaws[] = {
    { "credits that no event gave", flaw_wallet, "register" },
    { "held credits of no hold", flaw_held, "register" },
    { "a ledger that booked something else", flaw_ledger, "balance" },
    { "an event that is gone", flaw_event, "register_gap" },
    { "a wallet that is gone", flaw_missing, "wallet_missing" },
    { "a wallet of an earlier moment", flaw_behind, "register_ahead" },
    { "a wallet of an earlier epoch", flaw_epoch, "epoch" },
};


/* Judges the model while it moves; the state of the account. */
static struct verify_account
judge(unsigned speed)
{
    struct verify          verify = { .shards = 1 };
    struct verify_account  account = { .id = "account000" };

    model_speed = speed;
    if (!verify_judge(&verify, &account, 1)) {
        die("the model can't be read");
    }

    return account;
}


int
main(void)
{
    int                    differ = 0, held = 0, open = 0, found, wrong;
    struct verify_account  account;

    for (unsigned run = 1; run <= MODEL_RUNS; run++) {
        model_begin(run);
        account = judge(run % 12);
        switch (account.state) {
        case VERIFY_DIFFERS:
            differ++;
            printf("# run %u: %s\n", run, account.reason->name);
            break;
        case VERIFY_HOLDS:
            held++;
            break;
        case VERIFY_OPEN:
            open++;
        }
    }
    ok(differ == 0, "what moves while it is looked at never differs");
    ok(held > MODEL_RUNS / 2, "most of it is proved all the same");
    ok(open > 0, "some of it moved each time");
    printf("# %d hold, %d moved\n", held, open);

    for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
        found = wrong = 0;
        for (unsigned run = 1; run <= MODEL_RUNS / 20; run++) {
            model_begin(run);
            while (model.busy || model.side.last_seq == 0) {
                model_rebuild();
                model_apply();
                model_settle();
            }
            flaws[i].make();
            account = judge(0);
            found += account.state == VERIFY_DIFFERS
                     && strcmp(account.reason->name, flaws[i].reason) == 0;
            wrong += account.state != VERIFY_DIFFERS;
        }
        ok(wrong == 0 && found > MODEL_RUNS / 20 * 9 / 10, flaws[i].name);
        printf("# %d found, %d not\n", found, wrong);
    }
    printf("1..%d\n", tests);

    return 0;
}
