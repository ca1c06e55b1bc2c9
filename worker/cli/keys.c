/* keys.c: a list of keys is read, previewed, confirmed and imported. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static int keys_read(struct cli_call *call, json_t **body);
static json_t *keys_json(const char *name, const char *text, size_t len);
static bool keys_sound(const char *name, json_t *row);
static void keys_split(json_t *row, const char *member);
static int keys_call(struct cli_call *call, json_t *body, bool dry_run,
    json_t **answer);
static int keys_faults(struct cli_call *call, json_t *preview);
static bool keys_on_table(const struct cli_call *call);

static const char *const keys_members[] = {
    "expires_at", "ips", "key", "line", "methods", "models", "name", "paths",
    "scopes", "sha256", NULL
};

static const char *const keys_lists[] = {
    "ips", "methods", "models", "paths", "scopes", NULL
};


int
keys_import(struct cli_call *call)
{
    json_t *body = NULL, *answer = NULL;
    bool dry_run = json_is_true(json_object_get(call->params, "dry_run"));
    int status = keys_read(call, &body);

    if (status == CLI_OK) {
        status = keys_call(call, body, true, &answer);
    }
    if (status == CLI_OK
        && json_integer_value(json_object_get(answer, "refused")) > 0)
    {
        status = keys_faults(call, answer);
    } else if (status == CLI_OK && !dry_run
               && json_integer_value(json_object_get(answer, "imported")) > 0)
    {
        json_object_set(call->params, "imported",
                        json_object_get(answer, "imported"));
        status = input_confirm(call);
        if (status == CLI_OK) {
            json_decref(answer);
            answer = NULL;
            status = keys_call(call, body, false, &answer);
        }
        if (status == CLI_OK) {
            status = output_answer(call, answer);
        }
    } else if (status == CLI_OK) {
        status = output_answer(call, answer);
    }
    json_decref(body);
    json_decref(answer);
    return status;
}


/* The body of both calls. */
static int
keys_read(struct cli_call *call, json_t **body)
{
    const char *file = json_string_value(json_object_get(call->params,
                                                         "file"));
    const char *name = strcmp(file, "-") == 0 ? "stdin" : file;
    json_t *app = json_object_get(call->params, "app"), *rows, *row;
    bool sound = true;
    size_t len, i, start;
    char *text;

    if (app == NULL) {
        message_error("usage", "--app is missing: keys are of an app");
        return CLI_USAGE;
    }
    text = input_read(file, CLI_FILE_MAX, &len);
    if (text == NULL) {
        return cli_interrupted() ? CLI_INTERRUPTED : CLI_USAGE;
    }
    start = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    start += strspn(text + start, " \t\r\n");
    rows = text[start] == '{' ? keys_json(name, text, len)
                              : csv_rows(name, text, len);
    explicit_bzero(text, len);
    free(text);
    if (rows == NULL) {
        return CLI_USAGE;
    }
    json_array_foreach(rows, i, row) {
        sound = keys_sound(name, row) && sound;
    }
    if (sound && json_array_size(rows) == 0) {
        message_error("usage", "%s holds no keys", name);
        sound = false;
    }
    *body = json_pack("{s:o, s:O}", "keys", rows, "app", app);
    return sound ? CLI_OK : CLI_USAGE;
}


/* An object a line.  What is wrong is told without the text: it has keys. */
static json_t *
keys_json(const char *name, const char *text, size_t len)
{
    const char *end = text + len, *next;
    json_t *rows = json_array(), *row;
    json_int_t line = 0;

    text += memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for ( ; rows != NULL && text < end; text = next) {
        const char *stop = memchr(text, '\n', (size_t) (end - text));

        stop = stop == NULL ? end : stop;
        next = stop + 1;
        line++;
        if (strspn(text, " \t\r") >= (size_t) (stop - text)) {
            continue;
        }
        row = json_loadb(text, (size_t) (stop - text), JSON_REJECT_DUPLICATES,
                         NULL);
        if (!json_is_object(row)) {
            message_error("usage", "%s, line %" JSON_INTEGER_FORMAT ": is not "
                          "a JSON object", name, line);
            json_decref(row);
            json_decref(rows);
            return NULL;
        }
        json_object_set_new(row, "line", json_integer(line));
        json_array_append_new(rows, row);
    }
    return rows;
}


/* Are all members known?  Their names are not shown: one may be a key. */
static bool
keys_sound(const char *name, json_t *row)
{
    size_t known = 0;

    for (size_t i = 0; keys_members[i] != NULL; i++) {
        known += json_object_get(row, keys_members[i]) != NULL;
    }
    if (known < json_object_size(row)) {
        message_error("usage", "%s, line %" JSON_INTEGER_FORMAT ": a column is "
                      "none of key, sha256, name, expires_at, scopes, ips, "
                      "methods, paths, models", name,
                      json_integer_value(json_object_get(row, "line")));
        message_hint("CSV begins with a line that names its columns");
        return false;
    }
    for (size_t i = 0; keys_lists[i] != NULL; i++) {
        keys_split(row, keys_lists[i]);
    }
    return true;
}


/* A cell of CSV holds the items of a list with spaces between them. */
static void
keys_split(json_t *row, const char *member)
{
    const char *text = json_string_value(json_object_get(row, member));
    json_t *list;

    if (text == NULL) {
        return;
    }
    list = json_array();
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        size_t len = strcspn(text, " ");

        json_array_append_new(list, json_stringn(text, len));
        text += len;
    }
    json_object_set_new(row, member, list);
}


static int
keys_call(struct cli_call *call, json_t *body, bool dry_run, json_t **answer)
{
    int status;

    json_object_set_new(body, "dry_run", json_boolean(dry_run));
    status = client_call(call, NULL, body, answer);
    if (status == CLI_OK && !json_is_array(json_object_get(*answer, "data"))) {
        message_error("bad_answer", "the answer is not a report");
        status = CLI_FAILURE;
    }
    return status;
}


/* Everything that is wrong with the list, by line. */
static int
keys_faults(struct cli_call *call, json_t *preview)
{
    const char *file = json_string_value(json_object_get(call->params,
                                                         "file"));
    json_t *row;
    size_t i;

    if (!keys_on_table(call)) {
        output_answer(call, preview);
    }
    json_array_foreach(json_object_get(preview, "data"), i, row) {
        char *line, *detail;

        if (!json_is_string(json_object_get(row, "detail"))) {
            continue;
        }
        line = table_cell(row, "line");
        detail = table_cell(row, "detail");
        message_error("invalid_key", "%s, line %s %s", file,
                      line == NULL ? "?" : line, detail == NULL ? "" : detail);
        free(line);
        free(detail);
    }
    message_hint("nothing was imported");
    return CLI_REFUSED;
}


bool
keys_table(struct cli_call *call, json_t *answer, json_t *rows)
{
    char *imported = table_cell(answer, "imported");
    char *present = table_cell(answer, "present");
    bool done = table_rows(call->command->columns, rows, report_color(call));

    if (done) {
        printf("\n%s %s, %s there before\n", imported == NULL ? "?" : imported,
               json_is_true(json_object_get(answer, "dry_run"))
               ? "to import" : "imported", present == NULL ? "?" : present);
    }
    free(imported);
    free(present);
    return done;
}


static bool
keys_on_table(const struct cli_call *call)
{
    const char *format = args_setting(call, "output");

    return format == NULL || strcmp(format, "table") == 0;
}
