/* rebuild.c: has wallets made again, and shows how far that is. */
#include "cli.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define REBUILD_PAUSE_MS 500
#define REBUILD_BAR 40
#define REBUILD_STEP 10     /* percent between two lines */


/* Of all: a bar on a terminal, else a line now and then; what was told last. */
static int
rebuild_show(const json_t *answer, int told)
{
    json_int_t shards = json_integer_value(json_object_get(answer, "shards"));
    json_int_t left = json_integer_value(json_object_get(answer,
                                                         "shards_left"));
    json_int_t wallets = json_integer_value(json_object_get(answer,
                                                            "wallets_left"));
    int percent = shards > 0 ? (int) ((shards - left) * 100 / shards) : 0;
    int bar = percent * REBUILD_BAR / 100;

    if (!json_is_null(json_object_get(answer, "account"))) {
        return told;
    }
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r[%.*s%*s] %3d%%  %6lld wallets at work ", bar,
                "########################################",
                REBUILD_BAR - bar, "", percent, (long long) wallets);
        fflush(stderr);
        return percent;
    }
    if (percent >= told + REBUILD_STEP) {
        message_note("%d%% of the shards are done", percent);
        return percent;
    }
    return told;
}


int
rebuild_run(struct cli_call *call)
{
    const struct timespec pause = { .tv_nsec = REBUILD_PAUSE_MS * 1000000L };
    struct cli_command look = *call->command;
    json_t *query, *answer = NULL;
    int told = 0, status;
    bool begun;

    status = client_call(call, NULL, call->params, &answer);
    begun = status == CLI_OK;
    query = json_copy(call->params);
    json_object_del(query, "all");
    look.method = "GET";
    call->command = &look;

    while (status == CLI_OK
           && !json_is_true(json_object_get(answer, "done"))
           && !cli_interrupted())
    {
        told = rebuild_show(answer, told);
        nanosleep(&pause, NULL);
        json_decref(answer);
        answer = NULL;
        status = client_call(call, query, NULL, &answer);
    }
    if (isatty(STDERR_FILENO)) {
        fputs("\r\033[K", stderr);
    }

    if (status == CLI_OK && !json_is_true(json_object_get(answer, "done"))) {
        status = CLI_INTERRUPTED;
    }
    if (status == CLI_OK) {
        status = output_answer(call, answer);
    } else if (begun) {
        message_note("the worker goes on with it");
    }
    json_decref(query);
    json_decref(answer);
    return status;
}


/* A sentence says it all. */
bool
rebuild_table(struct cli_call *call, json_t *answer, json_t *rows)
{
    (void) call;
    (void) rows;
    puts(json_is_null(json_object_get(answer, "account"))
         ? "all wallets are as the ledger says"
         : "the wallet is as the ledger says");
    return true;
}
