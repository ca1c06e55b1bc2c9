/* statement.c: statements of accounts, in pages or as the API's own CSV. */
#include "cli.h"

static json_t *statement_edge(const json_t *answer, const char *kind,
    const char *at);


int
statement_run(struct cli_call *call)
{
    json_t *answer = NULL;
    int status;

    if (!json_is_true(json_object_get(call->params, "csv"))) {
        return run_list(call);
    }
    if (args_setting(call, "output") != NULL || args_on(call, "all")
        || json_object_get(call->settings, "limit") != NULL
        || args_setting(call, "cursor") != NULL)
    {
        message_error("usage", "--csv is all of it, as CSV: -o, --all, "
                      "--limit and --cursor do not go with it");
        return CLI_USAGE;
    }
    json_object_del(call->params, "csv");
    json_object_set_new(call->params, "format", json_string("csv"));
    call->sink = stdout;
    status = client_call(call, call->params, NULL, &answer);
    json_decref(answer);
    if (status == CLI_OK && fflush(stdout) != 0) {
        message_error("write", "stdout can't be written");
        status = CLI_FAILURE;
    }
    return status;
}


/* Lines between the opening and, once the last is shown, the closing. */
bool
statement_table(struct cli_call *call, json_t *answer, json_t *rows)
{
    bool more = json_is_true(json_object_get(answer, "has_more"));
    json_t *lines = json_copy(rows);
    bool done;

    if (args_setting(call, "cursor") == NULL) {
        json_array_insert_new(lines, 0,
                              statement_edge(answer, "opening", "from"));
    }
    if (!more) {
        json_array_append_new(lines, statement_edge(answer, "closing", "to"));
    }
    done = table_rows(call->command->columns, lines, report_color(call));
    json_decref(lines);
    return done;
}


static json_t *
statement_edge(const json_t *answer, const char *kind,
    const char *at)
{
    return json_pack("{s:s, s:O?, s:O?}", "kind", kind,
                     "at", json_object_get(answer, at),
                     "balance", json_object_get(answer, kind));
}
