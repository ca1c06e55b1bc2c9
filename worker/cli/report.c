/* report.c: answers that are more than a table of their members. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPLAIN_LINES 40

static void report_catalog_add(json_t *rows, const char *kind,
    const char *app, const json_t *thing);
static json_t *report_list(json_t *answer, const char *member);
static void report_totals(const json_t *answer);
static void report_chains(const json_t *answer);
static void report_asset(const json_t *asset);


/* Colors are for a terminal whose user did not refuse them. */
bool
report_color(const struct cli_call *call)
{
    const char *refused = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    return isatty(STDOUT_FILENO) && !args_on(call, "no-color")
           && (refused == NULL || *refused == '\0')
           && terminal != NULL && strcmp(terminal, "dumb") != 0;
}


/* Features, then the models of every app under their full keys. */
json_t *
report_catalog_rows(json_t *answer)
{
    json_t *rows = json_array();
    json_t *one, *app;
    size_t i, j;

    json_array_foreach(json_object_get(answer, "features"), i, one) {
        report_catalog_add(rows, "feature", NULL, one);
    }
    json_array_foreach(json_object_get(answer, "apps"), i, app) {
        const char *code = json_string_value(json_object_get(app, "code"));

        json_array_foreach(json_object_get(app, "models"), j, one) {
            report_catalog_add(rows, "model", code, one);
        }
    }
    return rows;
}


static void
report_catalog_add(json_t *rows, const char *kind,
    const char *app, const json_t *thing)
{
    json_t *row = json_copy((json_t *) thing);
    const char *code = json_string_value(json_object_get(thing, "code"));

    if (app != NULL && code != NULL) {
        json_object_set_new(row, "code", json_sprintf("%s:%s", app, code));
    }
    json_object_set_new(row, "kind", json_string(kind));
    json_array_append_new(rows, row);
}


json_t *
report_check_rows(json_t *answer)
{
    return report_list(answer, "checks");
}


json_t *
report_difference_rows(json_t *answer)
{
    return report_list(answer, "differences");
}


static json_t *
report_list(json_t *answer, const char *member)
{
    json_t *list = json_object_get(answer, member);

    return json_is_array(list) ? json_incref(list) : NULL;
}


bool
report_verify(struct cli_call *call, json_t *answer, json_t *rows)
{
    char *accounts = table_cell(answer, "accounts");
    json_t *asset;
    size_t i;

    printf("accounts checked: %s, differences: %zu\n",
           accounts == NULL ? "-" : accounts, json_array_size(rows));
    free(accounts);
    report_totals(answer);
    json_array_foreach(json_object_get(answer, "assets"), i, asset) {
        report_asset(asset);
    }
    report_chains(answer);
    if (json_array_size(rows) == 0) {
        puts(json_is_true(json_object_get(answer, "ok"))
             ? "Redis and the ledger agree"
             : "the ledger itself does not add up, or its chains are broken");
        return true;
    }
    putchar('\n');
    return table_rows(call->command->columns, rows, report_color(call));
}


/* Of each account what is to do, or was done, and what comes of it. */
bool
report_repair(struct cli_call *call, json_t *answer, json_t *rows)
{
    bool applied = json_is_true(json_object_get(answer, "applied"));

    if (json_array_size(rows) == 0) {
        puts("no account is frozen, and none differs");
        return true;
    }
    if (!table_rows(call->command->columns, rows, report_color(call))) {
        return false;
    }
    if (json_is_true(json_object_get(answer, "ok"))) {
        return true;
    }
    if (!applied) {
        puts("nothing was done; --yes does it");
    } else {
        puts("not all is done yet: try again, and see the worker's log");
    }
    return true;
}


/* What was compared: Redis' side, and what the ledger's is made of. */
static void
report_totals(const json_t *answer)
{
    static const struct { const char *member, *text; } lines[] = {
        { "available", "in Redis, available" },
        { "held", "in Redis, held" },
        { "leased", "of that on lease to hosts" },
        { "ledger", "balances of the ledger" },
        { "unapplied", "commands that Redis has not applied" },
        { "unsettled", "events that are not settled" },
    };
    json_t *totals = json_object_get(answer, "totals");
    json_int_t moving = json_integer_value(json_object_get(answer, "moving"));
    char *sum;
    size_t i;

    for (i = 0; totals != NULL && i < sizeof(lines) / sizeof(lines[0]); i++) {
        sum = table_cell(totals, lines[i].member);
        printf("%s: %s\n", lines[i].text, sum == NULL ? "-" : sum);
        free(sum);
    }
    if (moving > 0) {
        printf("%" JSON_INTEGER_FORMAT " accounts moved each time that they "
               "were looked at: try again\n", moving);
    }
}


/* Chains of hashes, where they were looked at. */
static void
report_chains(const json_t *answer)
{
    static const struct { const char *member, *text; } lines[] = {
        { "seals", "seals of the ledger that are broken" },
        { "audit", "rows of the audit log that are broken" },
    };
    json_t *broken, *link;
    size_t i, n;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        broken = json_object_get(json_object_get(answer, "chains"),
                                 lines[i].member);
        if (broken != NULL) {
            printf("%s: %zu\n", lines[i].text, json_array_size(broken));
        }
        json_array_foreach(broken, n, link) {
            char *no = table_cell(link, "no");
            char *reason = table_cell(link, "reason");

            printf("  %s: %s\n", no == NULL ? "-" : no,
                   reason == NULL ? "-" : reason);
            free(no);
            free(reason);
        }
    }
}


static void
report_asset(const json_t *asset)
{
    char *name = table_cell(asset, "asset");
    char *sum = table_cell(asset, "sum");

    printf("sum of all entries in %s: %s\n", name == NULL ? "-" : name,
           sum == NULL ? "-" : sum);
    free(name);
    free(sum);
}


/* What is known of a request line by line, and what the ledger has of it. */
bool
report_explain(struct cli_call *call, json_t *answer, json_t *rows)
{
    static const struct cli_column ledger_columns[] = {
        { "LEDGER", "kind", CLI_LEFT }, { "AT", "at", CLI_LEFT },
        { "CREDITS", "credits", CLI_POINT }, { "UNITS", "units", CLI_POINT },
        { "TXN", "txn", CLI_LEFT }, { "WHAT", "said", CLI_LEFT }, {0}
    };
    json_t *ledger = json_object_get(answer, "ledger"), *value;
    const struct cli_column *column;
    struct cli_column known[EXPLAIN_LINES] = {{0}};
    size_t count = 0;

    (void) rows;
    for (column = call->command->columns; column->title != NULL; column++) {
        value = json_object_get(answer, column->member);
        if (value != NULL && !json_is_null(value)
            && count + 1 < EXPLAIN_LINES)
        {
            known[count++] = *column;
        }
    }
    if (!table_object(known, answer, report_color(call))) {
        return false;
    }
    if (json_array_size(ledger) == 0) {
        return true;
    }
    putchar('\n');
    return table_rows(ledger_columns, ledger, report_color(call));
}


/* A line for each check, and under one that failed what to do. */
bool
report_doctor(struct cli_call *call, json_t *answer, json_t *rows)
{
    bool color = report_color(call);
    json_t *check;
    size_t i;

    (void) answer;
    json_array_foreach(rows, i, check) {
        bool ok = json_is_true(json_object_get(check, "ok"));
        char *name = table_cell(check, "name");
        char *detail = table_cell(check, "detail");
        char *hint = table_cell(check, "hint");

        printf("%s%-6s%s %s: %s\n",
               !color ? "" : ok ? "\033[32m" : "\033[31m",
               ok ? "ok" : "FAILED", color ? "\033[0m" : "",
               name == NULL ? "-" : name, detail == NULL ? "-" : detail);
        if (!ok && hint != NULL && strcmp(hint, "-") != 0) {
            printf("       hint: %s\n", hint);
        }
        free(name);
        free(detail);
        free(hint);
    }
    return true;
}
