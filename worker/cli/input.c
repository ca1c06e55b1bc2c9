/* input.c: what a command reads: a body, a token, a confirmation. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_TOKEN_MAX 4096

static int input_object(const char *name, json_t **object);
static void input_member(json_t *body, const char *member, json_t *value);
static void input_question(struct cli_call *call, FILE *out);


int
input_body(struct cli_call *call, json_t **body)
{
    const char *file = args_setting(call, "file");
    const char *member;
    json_t *value;
    int status = CLI_OK;

    if (file == NULL) {
        *body = json_object();
    } else {
        status = input_object(file, body);
    }
    if (status != CLI_OK) {
        return status;
    }
    json_object_foreach(call->params, member, value) {
        if (!client_path_has(call->command, member)) {
            input_member(*body, member, value);
        }
    }
    return CLI_OK;
}


/* "rollover.max" is the member max of the object rollover. */
static void
input_member(json_t *body, const char *member, json_t *value)
{
    char name[32];
    const char *point = strchr(member, '.');
    json_t *object;

    if (point == NULL) {
        json_object_set(body, member, value);
        return;
    }

    snprintf(name, sizeof(name), "%.*s", (int) (point - member), member);
    object = json_object_get(body, name);
    if (!json_is_object(object)) {
        json_object_set_new(body, name, json_object());
        object = json_object_get(body, name);
    }
    json_object_set(object, point + 1, value);
}


static int
input_object(const char *name, json_t **object)
{
    const char *shown = strcmp(name, "-") == 0 ? "stdin" : name;
    json_error_t why;
    size_t len;
    char *text = input_read(name, CLI_FILE_MAX, &len);

    if (text == NULL) {
        return cli_interrupted() ? CLI_INTERRUPTED : CLI_USAGE;
    }
    *object = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    free(text);
    if (*object == NULL) {
        message_error("usage", "%s, line %d, column %d: %s", shown, why.line,
                      why.column, why.text);
        return CLI_USAGE;
    }
    if (!json_is_object(*object)) {
        message_error("usage", "%s must hold a JSON object", shown);
        json_decref(*object);
        *object = NULL;
        return CLI_USAGE;
    }
    return CLI_OK;
}


int
input_token(struct cli_call *call)
{
    const char *name = args_setting(call, "token-file");
    size_t len;

    if (name == NULL) {
        name = getenv("TOLLGATE_TOKEN_FILE");
    }
    if (name == NULL || *name == '\0') {
        return CLI_OK;
    }
    call->token = input_read(name, INPUT_TOKEN_MAX, &len);
    if (call->token == NULL) {
        return CLI_USAGE;
    }
    while (len > 0 && strchr(" \t\r\n", call->token[len - 1]) != NULL) {
        call->token[--len] = '\0';
    }
    for (size_t i = 0; i < len; i++) {
        if (call->token[i] <= ' ' || call->token[i] >= 0x7f) {
            len = 0;
        }
    }
    if (len == 0) {
        message_error("usage", "%s must hold one token and nothing else",
                      name);
        return CLI_USAGE;
    }
    return CLI_OK;
}


char *
input_read(const char *name, size_t max, size_t *len)
{
    bool standard = strcmp(name, "-") == 0;
    FILE *file = standard ? stdin : fopen(name, "re");
    char *text = malloc(max + 2);

    errno = file == NULL ? errno : 0;
    if (file != NULL && text != NULL) {
        *len = fread(text, 1, max + 1, file);
        if (!ferror(file)) {
            text[*len] = '\0';
            if (!standard) {
                fclose(file);
            }
            if (*len <= max) {
                return text;
            }
            message_error("usage", "%s is longer than %zu bytes", name, max);
            free(text);
            return NULL;
        }
    }
    message_error("usage", "%s: %s", name, strerror(errno));
    if (file != NULL && !standard) {
        fclose(file);
    }
    free(text);
    return NULL;
}


int
input_confirm(struct cli_call *call)
{
    bool terminal = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    char answer[16];

    if (!(call->command->features & CLI_CONFIRM) || !terminal
        || args_on(call, "yes"))
    {
        return CLI_OK;
    }
    if (args_on(call, "no-input")) {
        message_error("usage", "this asks for a confirmation");
        message_hint("--yes confirms without asking");
        return CLI_USAGE;
    }
    input_question(call, stderr);
    fprintf(stderr, " [y/N] ");
    if (fgets(answer, sizeof(answer), stdin) == NULL) {
        fputc('\n', stderr);
        return cli_interrupted() ? CLI_INTERRUPTED : CLI_FAILURE;
    }
    if (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0) {
        return CLI_OK;
    }
    message_error("cancelled", "nothing was done");
    return CLI_FAILURE;
}


/* Writes the question with the command's arguments in their places. */
static void
input_question(struct cli_call *call, FILE *out)
{
    for (const char *p = call->command->question; *p != '\0'; p++) {
        char member[32];
        size_t len = strcspn(p, "}");
        char *cell;

        if (*p != '{' || len > sizeof(member)) {
            fputc(*p, out);
            continue;
        }
        snprintf(member, sizeof(member), "%.*s", (int) len - 1, p + 1);
        cell = table_cell(call->params, member);
        fputs(cell == NULL ? "?" : cell, out);
        free(cell);
        p += len;
    }
}
