/* audit.c: asks the API, part after part, whether anything was changed. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static void audit_count(const json_t *answer, const char *member,
    const char *what, const char *end);


/* The first answer with what the others found added to its list. */
int
audit_verify(struct cli_call *call)
{
    json_t *whole = NULL, *query = json_copy(call->params);
    int status;

    for (;;) {
        json_t *part = NULL, *next;

        status = client_call(call, query, NULL, &part);
        if (status != CLI_OK) {
            break;
        }
        next = json_object_get(part, "next_cursor");
        json_object_set(query, "cursor", next);
        if (whole == NULL) {
            whole = json_incref(part);
        } else {
            json_array_extend(json_object_get(whole, "data"),
                              json_object_get(part, "data"));
        }
        if (!json_is_true(json_object_get(part, "ok"))) {
            json_object_set_new(whole, "ok", json_false());
        }
        if (!json_is_string(next)) {
            json_decref(part);
            break;
        }
        json_decref(part);
    }
    if (status == CLI_OK) {
        json_object_del(whole, "has_more");
        json_object_del(whole, "next_cursor");
        status = output_answer(call, whole);
        if (status == CLI_OK && !json_is_true(json_object_get(whole, "ok"))) {
            status = CLI_PROBLEMS;
        }
    }
    json_decref(query);
    json_decref(whole);
    return status;
}


/* What was looked at and, of what is broken, the first of each kind first. */
bool
audit_table(struct cli_call *call, json_t *answer, json_t *rows)
{
    json_t *root = json_object_get(answer, "root");
    char *day;

    audit_count(answer, "rows", "rows of the audit log", ", ");
    audit_count(answer, "roots", "daily roots", ", ");
    audit_count(answer, "seals", "seals of the ledger", ", ");
    audit_count(answer, "statements", "statements", "\n");
    if (json_is_object(root)) {
        day = table_cell(root, "day");
        printf("the root given is that of %s\n", day == NULL ? "-" : day);
        free(day);
    }
    if (json_array_size(rows) == 0) {
        puts("nothing was changed");
        return true;
    }
    return table_rows(call->command->columns, rows, report_color(call));
}


static void
audit_count(const json_t *answer, const char *member, const char *what,
    const char *end)
{
    char *count = table_cell(answer, member);

    printf("%s %s%s", count == NULL ? "-" : count, what, end);
    free(count);
}
