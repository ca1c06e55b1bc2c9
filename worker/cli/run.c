/* run.c: how commands run: one call, a list in pages, a check. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define RUN_PAGE_MAX 100
#define RUN_LIMIT_DEFAULT 50
#define RUN_LIMIT_MAX 1000000000

static int run_idempotency(struct cli_call *call);
static int run_limit(struct cli_call *call, json_int_t *limit);
static int run_pages(struct cli_call *call, json_int_t limit, json_t **list);
static int run_page(struct cli_call *call, json_int_t want,
    const char *cursor, json_t **page);
static int run_append(json_t **list, json_t *page);
static int run_checked(struct cli_call *call, const json_t *query,
    const json_t *body);


int
run_call(struct cli_call *call)
{
    const char *method = call->command->method;
    bool has_body = strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
    json_t *body = NULL, *answer = NULL;
    int status;

    status = run_idempotency(call);
    if (status == CLI_OK && has_body) {
        status = input_body(call, &body);
    }
    if (status == CLI_OK) {
        status = input_confirm(call);
    }
    if (status == CLI_OK) {
        status = client_call(call, has_body ? NULL : call->params, body,
                             &answer);
    }
    if (status == CLI_OK) {
        status = output_answer(call, answer);
        if (status == CLI_OK && call->command->notice != NULL) {
            message_note("%s", call->command->notice);
        }
    }
    json_decref(body);
    json_decref(answer);
    return status;
}


/* Prints an answer that is text as it came. */
int
run_plain(struct cli_call *call)
{
    json_t *answer = NULL;
    int status;

    if (args_setting(call, "output") != NULL) {
        message_error("usage", "-o does not go with this command: its answer "
                      "is text");
        return CLI_USAGE;
    }
    status = client_call(call, call->params, NULL, &answer);
    if (status == CLI_OK
        && (answer == NULL || fputs(json_string_value(answer), stdout) < 0))
    {
        message_error("bad_answer", "the answer is not UTF-8 text, or can't "
                      "be written");
        status = CLI_FAILURE;
    }
    json_decref(answer);
    return status;
}


/* Sets the key of a call that must not take effect twice. */
static int
run_idempotency(struct cli_call *call)
{
    const char *given = args_setting(call, "idempotency-key");
    unsigned char bytes[16];
    char key[2 * sizeof(bytes) + 1];

    if (!(call->command->features & CLI_IDEMPOTENT)) {
        return CLI_OK;
    }
    if (given == NULL) {
        if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t) sizeof(bytes)) {
            message_error("random", "no random bytes for a key");
            return CLI_FAILURE;
        }
        for (size_t i = 0; i < sizeof(bytes); i++) {
            snprintf(key + 2 * i, 3, "%02x", bytes[i]);
        }
        given = key;
    }
    for (const char *p = given; *p != '\0'; p++) {
        if (*p <= ' ' || *p >= 0x7f) {
            given = "";
            break;
        }
    }
    if (*given == '\0' || strlen(given) > 255) {
        message_error("usage", "--idempotency-key wants 1 to 255 printable "
                      "ASCII characters without spaces");
        return CLI_USAGE;
    }
    call->idempotency_key = strdup(given);
    return call->idempotency_key == NULL ? CLI_FAILURE : CLI_OK;
}


int
run_list(struct cli_call *call)
{
    json_t *list = NULL;
    json_int_t limit;
    int status = run_limit(call, &limit);

    if (status == CLI_OK) {
        status = run_pages(call, limit, &list);
    }
    if (status == CLI_OK) {
        const char *format = args_setting(call, "output");
        bool json = format != NULL && strcmp(format, "json") == 0;

        status = output_answer(call, list);
        if (json_is_true(json_object_get(list, "has_more")) && !json) {
            message_note("there is more: --all, or --cursor %s",
                json_string_value(json_object_get(list, "next_cursor")));
        }
    }
    json_decref(list);
    return status;
}


static int
run_limit(struct cli_call *call, json_int_t *limit)
{
    json_t *given = json_object_get(call->settings, "limit");

    *limit = args_on(call, "all") ? RUN_LIMIT_MAX : RUN_LIMIT_DEFAULT;
    if (given != NULL) {
        *limit = json_integer_value(given);
        if (*limit < 1 || *limit > RUN_LIMIT_MAX) {
            message_error("usage", "--limit wants 1 to %d", RUN_LIMIT_MAX);
            return CLI_USAGE;
        }
    }
    return CLI_OK;
}


/* The first page with the rows of those after it added to its data. */
static int
run_pages(struct cli_call *call, json_int_t limit, json_t **list)
{
    const char *start = args_setting(call, "cursor");
    char *cursor = start == NULL ? NULL : strdup(start);
    json_int_t want = limit;
    int status;

    for (;;) {
        json_t *page = NULL;
        const char *next;
        size_t rows;

        status = run_page(call, want < RUN_PAGE_MAX ? want : RUN_PAGE_MAX,
                          cursor, &page);
        if (status != CLI_OK) {
            break;
        }
        rows = json_array_size(json_object_get(page, "data"));
        status = run_append(list, page);
        next = json_string_value(json_object_get(*list, "next_cursor"));
        want -= (json_int_t) rows;
        if (status != CLI_OK || want <= 0 || next == NULL
            || !json_is_true(json_object_get(*list, "has_more")))
        {
            break;
        }
        if (rows == 0 || (cursor != NULL && strcmp(cursor, next) == 0)) {
            message_error("bad_answer", "the API's cursor does not advance");
            status = CLI_FAILURE;
            break;
        }
        free(cursor);
        cursor = strdup(next);
    }
    free(cursor);
    return status;
}


static int
run_page(struct cli_call *call, json_int_t want,
    const char *cursor, json_t **page)
{
    json_t *query = json_copy(call->params);
    int status;

    json_object_set_new(query, "limit", json_integer(want));
    if (cursor != NULL) {
        json_object_set_new(query, "cursor", json_string(cursor));
    }
    status = client_call(call, query, NULL, page);
    json_decref(query);
    if (status == CLI_OK && !json_is_array(json_object_get(*page, "data"))) {
        message_error("bad_answer", "the answer is not a list");
        json_decref(*page);
        return CLI_FAILURE;
    }
    return status;
}


/* Takes the page over. */
static int
run_append(json_t **list, json_t *page)
{
    static const char *const taken[] = { "has_more", "next_cursor" };
    int failed = 0;

    if (*list == NULL) {
        *list = page;
        return CLI_OK;
    }
    failed |= json_array_extend(json_object_get(*list, "data"),
                                json_object_get(page, "data"));
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        json_t *value = json_object_get(page, taken[i]);

        if (value != NULL) {
            failed |= json_object_set(*list, taken[i], value);
        }
    }
    json_decref(page);
    return failed ? CLI_FAILURE : CLI_OK;
}


/* A check that the API could run and that found problems exits with 6. */
int
run_check(struct cli_call *call)
{
    return run_checked(call, call->params, NULL);
}


/* Asks what would be done; with --yes has it done. */
int
run_repair(struct cli_call *call)
{
    struct cli_command apply = *call->command;

    if (!args_on(call, "yes")) {
        return run_check(call);
    }
    apply.method = "POST";
    call->command = &apply;
    return run_checked(call, NULL, call->params);
}


static int
run_checked(struct cli_call *call, const json_t *query, const json_t *body)
{
    json_t *answer = NULL;
    int status = client_call(call, query, body, &answer);

    if (status == CLI_OK) {
        status = output_answer(call, answer);
        if (status == CLI_OK
            && !json_is_true(json_object_get(answer, "ok")))
        {
            status = CLI_PROBLEMS;
        }
    }
    json_decref(answer);
    return status;
}
