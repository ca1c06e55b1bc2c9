/* operations.c: backups, and what an operator decides after a restore. */
#include "cli.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPERATIONS_CONF "/etc/tollgate/worker.ini"
#define OPERATIONS_WORKER "tollgate-worker"

/* From the directory of this program: as built, and as installed. */
static const char *const operations_places[] = {
    OPERATIONS_WORKER, "../sbin/" OPERATIONS_WORKER
};

#define OPERATIONS_PLACES                                                     \
    (sizeof(operations_places) / sizeof(operations_places[0]))

static int operations_worker(struct cli_call *call, const char *option);


int
operations_backup(struct cli_call *call)
{
    bool verify = json_is_true(json_object_get(call->params, "verify"));

    return operations_worker(call, verify ? "--verify" : "--backup");
}


int
operations_restore(struct cli_call *call)
{
    return operations_worker(call, "--restore");
}


/*
 * The worker's program knows Postgres, and needs no worker that runs.  It is
 * the one that came with this, else one in PATH.
 */
static int
operations_worker(struct cli_call *call, const char *option)
{
    const char *file = json_string_value(json_object_get(call->params,
                                                         "file"));
    const char *conf = json_string_value(json_object_get(call->params,
                                                         "conf"));
    char here[PATH_MAX], place[PATH_MAX + 64];
    const char *home = NULL;
    ssize_t n = readlink("/proc/self/exe", here, PATH_MAX - 1);
    const char *argv[] = {
        OPERATIONS_WORKER, "--conf", conf == NULL ? OPERATIONS_CONF : conf,
        option, file, NULL
    };

    if (args_setting(call, "output") != NULL) {
        message_error("usage", "-o does not go with this command: its answer "
                      "is text");
        return CLI_USAGE;
    }

    if (n > 0) {
        here[n] = '\0';
        home = dirname(here);
    }
    for (size_t i = 0; home != NULL && i < OPERATIONS_PLACES; i++) {
        snprintf(place, sizeof(place), "%s/%s", home, operations_places[i]);
        execv(place, (char *const *) argv);
    }
    execvp(argv[0], (char *const *) argv);
    message_error("no_worker", "%s can't be run: %s", argv[0],
                  strerror(errno));
    return CLI_FAILURE;
}


/* A look that finds something exits as a check does. */
int
operations_catchup(struct cli_call *call)
{
    bool applies = args_on(call, "yes");
    json_t *body = json_pack("{s:b}", "yes", applies), *answer = NULL;
    int status = client_call(call, NULL, body, &answer);

    if (status == CLI_OK) {
        status = output_answer(call, answer);
        if (status == CLI_OK && !applies
            && json_array_size(json_object_get(answer, "streams")) > 0)
        {
            status = CLI_PROBLEMS;
        }
    }
    json_decref(body);
    json_decref(answer);
    return status;
}


/* A line for each stream, and the accounts below. */
bool
operations_catchup_table(struct cli_call *call, json_t *answer, json_t *rows)
{
    static const struct cli_column columns[] = {
        { "STREAM", "stream", CLI_LEFT }, { "FROM", "from", CLI_LEFT },
        { "TO", "to", CLI_LEFT }, { "ACCOUNTS", "accounts", CLI_POINT },
        { "LESS", "less", CLI_POINT }, { "MORE", "more", CLI_POINT },
        { "UNKNOWN", "unknown", CLI_LEFT }, {0}
    };
    json_t *streams = json_object_get(answer, "streams");

    if (json_array_size(streams) == 0) {
        puts("nothing to catch up with: no events are gone");
        return true;
    }
    if (!table_rows(columns, streams, report_color(call))) {
        return false;
    }
    putchar('\n');
    if (!table_rows(call->command->columns, rows, report_color(call))) {
        return false;
    }
    if (!json_is_true(json_object_get(answer, "applied"))) {
        message_note("nothing was changed; --yes does it");
    }
    return true;
}
