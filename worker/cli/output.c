/* output.c: an answer in the format that -o asks for. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static json_t *output_rows(const struct cli_command *command, json_t *answer);
static bool output_table(struct cli_call *call, json_t *answer, json_t *rows);
static bool output_json(struct cli_call *call, json_t *answer, json_t *rows);
static bool output_name(struct cli_call *call, json_t *answer, json_t *rows);
static bool output_csv(struct cli_call *call, json_t *answer, json_t *rows);
static void output_csv_field(const char *text);

/* The first row is the default. */
static const struct {
    const char *name;
    bool (*print)(struct cli_call *call, json_t *answer, json_t *rows);
} output_formats[] = {
    { "table", output_table },
    { "json", output_json },
    { "name", output_name },
    { "csv", output_csv },
};


int
output_answer(struct cli_call *call, json_t *answer)
{
    const char *format = args_setting(call, "output");
    json_t *rows = output_rows(call->command, answer);
    size_t i, count = sizeof(output_formats) / sizeof(output_formats[0]);
    bool done = false;

    for (i = 0; i < count && rows != NULL; i++) {
        if (format == NULL || strcmp(output_formats[i].name, format) == 0) {
            done = output_formats[i].print(call, answer, rows);
            break;
        }
    }
    json_decref(rows);
    if (!done) {
        message_error("bad_answer", "the answer has another shape than its "
                      "route should give");
        return CLI_FAILURE;
    }
    return CLI_OK;
}


/* The answer as rows: its list, or itself alone. */
static json_t *
output_rows(const struct cli_command *command, json_t *answer)
{
    json_t *data = json_object_get(answer, "data");

    if (command->rows != NULL) {
        return command->rows(answer);
    }
    return json_is_array(data) ? json_incref(data)
                               : json_pack("[O]", answer);
}


static bool
output_table(struct cli_call *call, json_t *answer, json_t *rows)
{
    const struct cli_command *command = call->command;
    bool list = command->rows != NULL
                || json_is_array(json_object_get(answer, "data"));

    if (command->table != NULL) {
        return command->table(call, answer, rows);
    }
    if (list) {
        return table_rows(command->columns, rows, report_color(call));
    }
    return table_object(command->columns, answer, report_color(call));
}


static bool
output_json(struct cli_call *call, json_t *answer, json_t *rows)
{
    (void) call;
    (void) rows;
    return json_dumpf(answer, stdout, JSON_SORT_KEYS | JSON_INDENT(2)) == 0
           && putchar('\n') != EOF;
}


static bool
output_name(struct cli_call *call, json_t *answer, json_t *rows)
{
    json_t *row;
    size_t i;

    (void) answer;
    json_array_foreach(rows, i, row) {
        char *cell = table_cell(row, call->command->name_member);

        if (cell == NULL) {
            return false;
        }
        puts(cell);
        free(cell);
    }
    return true;
}


/* RFC 4180 but for its line ends, which are those of Unix. */
static bool
output_csv(struct cli_call *call, json_t *answer, json_t *rows)
{
    const struct cli_column *column;
    json_t *row;
    size_t i;

    (void) answer;
    for (column = call->command->columns; column->title != NULL; column++) {
        printf("%s%s", column == call->command->columns ? "" : ",",
               column->member);
    }
    putchar('\n');
    json_array_foreach(rows, i, row) {
        for (column = call->command->columns; column->title != NULL;
             column++)
        {
            json_t *value = json_object_get(row, column->member);
            char *dumped = NULL;

            if (value != NULL && !json_is_string(value)
                && !json_is_null(value))
            {
                dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT
                                           | JSON_SORT_KEYS);
            }
            if (column != call->command->columns) {
                putchar(',');
            }
            output_csv_field(json_is_string(value) ? json_string_value(value)
                             : dumped != NULL ? dumped : "");
            free(dumped);
        }
        putchar('\n');
    }
    return true;
}


static void
output_csv_field(const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            putchar('"');
        }
        putchar(*text);
    }
    putchar('"');
}
