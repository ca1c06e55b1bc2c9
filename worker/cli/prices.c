/* prices.c: a list of prices is read, previewed, confirmed and loaded. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static int prices_read(struct cli_call *call, json_t **body);
static json_t *prices_json(const char *name, const char *text, size_t len);
static void prices_lines(json_t *rows, const char *p, int around);
static bool prices_exact(const char *name, json_t *row);
static int prices_preview(struct cli_call *call, const json_t *body,
    json_t **preview);
static int prices_apply(struct cli_call *call, json_t *body,
    json_t *preview);
static int prices_faults(struct cli_call *call, json_t *preview);
static bool prices_on_table(const struct cli_call *call);


int
prices_load(struct cli_call *call)
{
    json_t *body = NULL, *preview = NULL;
    bool dry_run = json_is_true(json_object_get(call->params, "dry_run"));
    int status = prices_read(call, &body);

    if (status == CLI_OK) {
        status = prices_preview(call, body, &preview);
    }
    if (status == CLI_OK
        && json_array_size(json_object_get(preview, "errors")) > 0)
    {
        status = prices_faults(call, preview);
    } else if (status == CLI_OK) {
        bool same = json_array_size(json_object_get(preview, "changes")) == 0;

        if (dry_run || same || prices_on_table(call)) {
            status = output_answer(call, preview);
        }
        if (status == CLI_OK && !dry_run && !same) {
            status = prices_apply(call, body, preview);
        }
    }
    json_decref(body);
    json_decref(preview);
    return status;
}


/* The body of both calls: prices, source and when they are to hold. */
static int
prices_read(struct cli_call *call, json_t **body)
{
    const char *file = json_string_value(json_object_get(call->params,
                                                         "file"));
    const char *name = strcmp(file, "-") == 0 ? "stdin" : file;
    const char *base = strrchr(name, '/');
    size_t len, start;
    char *text = input_read(file, CLI_FILE_MAX, &len);
    json_t *rows;

    if (text == NULL) {
        return cli_interrupted() ? CLI_INTERRUPTED : CLI_USAGE;
    }
    start = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    start += strspn(text + start, " \t\r\n");
    rows = text[start] == '[' || text[start] == '{'
           ? prices_json(name, text, len) : csv_rows(name, text, len);
    free(text);
    if (rows == NULL) {
        return CLI_USAGE;
    }
    *body = json_pack("{s:o, s:s, s:O*}", "prices", rows,
                      "source", base == NULL ? name : base + 1, "effective",
                      json_object_get(call->params, "effective"));
    if (*body == NULL) {
        message_error("usage", "the name of the file is not UTF-8");
        return CLI_USAGE;
    }
    return CLI_OK;
}


/* The rows of an array, or of the member `prices`, each with its line. */
static json_t *
prices_json(const char *name, const char *text, size_t len)
{
    size_t bom = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    json_error_t why;
    json_t *root, *rows, *row;
    size_t i;
    bool sound = true;

    root = json_loadb(text + bom, len - bom, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL) {
        message_error("usage", "%s, line %d, column %d: %s", name, why.line,
                      why.column, why.text);
        return NULL;
    }
    rows = json_is_array(root) ? root : json_object_get(root, "prices");
    if (!json_is_array(rows) || (rows != root && json_object_size(root) > 1)) {
        message_error("usage", "%s must hold an array of prices, or an object "
                      "whose only member is \"prices\"", name);
        json_decref(root);
        return NULL;
    }
    prices_lines(rows, text + bom, rows == root ? 1 : 2);
    json_array_foreach(rows, i, row) {
        sound = prices_exact(name, row) && sound;
    }
    json_incref(rows);
    json_decref(root);
    if (!sound) {
        json_decref(rows);
        return NULL;
    }
    return rows;
}


/* Gives each row that is an object the line on which it begins. */
static void
prices_lines(json_t *rows, const char *p, int around)
{
    json_int_t line = 1;
    bool quoted = false;
    int depth = 0;
    size_t i = 0;

    for (; *p != '\0'; p++) {
        line += *p == '\n';
        if (quoted) {
            quoted = *p != '"';
            p += *p == '\\';            /* what it escapes ends nothing */
        } else if (*p == '"') {
            quoted = true;
        } else if (*p == '{' || *p == '[') {
            if (*p == '{' && depth == around) {
                while (!json_is_object(json_array_get(rows, i))) {
                    i++;
                }
                json_object_set_new(json_array_get(rows, i++), "line",
                                    json_integer(line));
            }
            depth++;
        } else if (*p == '}' || *p == ']') {
            depth--;
        }
    }
}


/* Is no member a number with a point, which C would round? */
static bool
prices_exact(const char *name, json_t *row)
{
    const char *member;
    json_t *value;
    bool exact = true;

    json_object_foreach(row, member, value) {
        if (json_is_real(value)) {
            message_error("usage", "%s, line %" JSON_INTEGER_FORMAT ": %s must "
                          "be a text as \"12.5\", not a number", name,
                          json_integer_value(json_object_get(row, "line")),
                          member);
            exact = false;
        }
    }
    return exact;
}


static int
prices_preview(struct cli_call *call, const json_t *body,
    json_t **preview)
{
    struct cli_command command = *call->command;
    struct cli_call first = *call;
    int status;

    command.path = "/api/prices/preview";
    first.command = &command;
    status = client_call(&first, NULL, body, preview);
    call->token = first.token;
    if (status == CLI_OK
        && !json_is_array(json_object_get(*preview, "errors")))
    {
        message_error("bad_answer", "the answer is not a preview");
        status = CLI_FAILURE;
    }
    return status;
}


/* Loads what the preview showed, if nobody loaded another list since. */
static int
prices_apply(struct cli_call *call, json_t *body,
    json_t *preview)
{
    static const char *const told[] = { "added", "changed", "removed" };
    json_t *answer = NULL;
    int status;

    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        json_object_set(call->params, told[i],
                        json_object_get(preview, told[i]));
    }
    status = input_confirm(call);
    if (status != CLI_OK) {
        return status;
    }
    json_object_set(body, "version", json_object_get(preview, "version"));
    status = client_call(call, NULL, body, &answer);
    if (status == CLI_OK && prices_on_table(call)) {
        message_note("loaded");
    } else if (status == CLI_OK) {
        status = output_answer(call, answer);
    }
    json_decref(answer);
    return status;
}


/* Everything that is wrong with the list, by line. */
static int
prices_faults(struct cli_call *call, json_t *preview)
{
    const char *file = json_string_value(json_object_get(call->params,
                                                         "file"));
    json_t *fault;
    size_t i;

    if (!prices_on_table(call)) {
        output_answer(call, preview);
    }
    json_array_foreach(json_object_get(preview, "errors"), i, fault) {
        char *line = table_cell(fault, "line");
        char *member = table_cell(fault, "member");
        char *detail = table_cell(fault, "detail");

        message_error("invalid_price", "%s, line %s: %s %s", file,
                      line == NULL ? "?" : line, member == NULL ? "" : member,
                      detail == NULL ? "" : detail);
        free(line);
        free(member);
        free(detail);
    }
    return CLI_REFUSED;
}


/* The changes, with the prices before and after beside each other. */
json_t *
prices_rows(json_t *answer)
{
    static const struct {
        const char *member;
        const char *side;
        const char *of;
    } cells[] = {
        { "was", "from", "credits" }, { "will", "to", "credits" },
        { "per", "to", "per" }, { "margin", "to", "margin" }
    };
    json_t *rows = json_array(), *change;
    size_t i, c;

    json_array_foreach(json_object_get(answer, "changes"), i, change) {
        json_t *row = json_copy(change);

        for (c = 0; c < sizeof(cells) / sizeof(cells[0]); c++) {
            json_t *side = json_object_get(change, cells[c].side);
            json_t *value = json_object_get(side, cells[c].of);

            if (value != NULL) {
                json_object_set(row, cells[c].member, value);
            }
        }
        json_array_append_new(rows, row);
    }
    return rows;
}


bool
prices_table(struct cli_call *call, json_t *answer, json_t *rows)
{
    static const char *const counts[] = {
        "added", "changed", "removed", "unchanged"
    };

    if (json_array_size(rows) > 0) {
        if (!table_rows(call->command->columns, rows, report_color(call))) {
            return false;
        }
        putchar('\n');
    }
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        char *cell = table_cell(answer, counts[i]);

        printf("%s%s %s", i == 0 ? "" : ", ", cell == NULL ? "?" : cell,
               counts[i]);
        free(cell);
    }
    putchar('\n');
    return true;
}


static bool
prices_on_table(const struct cli_call *call)
{
    const char *format = args_setting(call, "output");

    return format == NULL || strcmp(format, "table") == 0;
}
