/* client.c: a request of the worker's API, from its row to an exit status. */
#include "cli.h"
#include "http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CLIENT_CONNECT_MS 5000
#define CLIENT_TOTAL_MS 30000
#define CLIENT_TIMEOUT_MAX_S 86400

struct client {
    const char *socket;     /* NULL: over TCP */
    const char *base;
};

static int client_endpoint(struct cli_call *call, struct client *client);
static int client_url_check(const struct cli_call *call, const char *url);
static char *client_url(struct cli_call *call, const char *base,
    const json_t *query);
static void client_path(struct cli_call *call, FILE *out);
static void client_query(struct cli_call *call, const json_t *query,
    FILE *out);
static int client_time(const struct cli_call *call, long *total_ms);
static int client_status(struct cli_call *call, struct client *client,
    enum http_outcome outcome, struct http_answer *answer);
static int client_no_answer(struct cli_call *call, struct client *client,
    enum http_outcome outcome, const char *why);
static int client_problem(struct cli_call *call, long status,
    const json_t *problem);
static void client_repeat(const struct cli_call *call);

/* The first row that fits the code, or else the status, tells the hint. */
static const struct {
    const char *code;
    long status;
    const char *hint;
} client_hints[] = {
    { "account_not_found", 0, "tollgate accounts list shows the accounts" },
    { "app_not_found", 0, "tollgate apps list ACCOUNT shows its apps" },
    { "key_not_found", 0, "tollgate keys list shows the ids of keys" },
    { "plan_not_found", 0, "tollgate plans list shows the plans" },
    { "job_not_found", 0, "tollgate jobs list shows the jobs" },
    { "request_not_found", 0,
      "records come a second or two after the request; is the id whole, and "
      "is the worker's role settle running?" },
    { "idempotency_mismatch", 0,
      "this idempotency key was used for another call; take a new one" },
    { "prices_changed", 0, "run it again to see what it changes now" },
    { "statement_not_found", 0,
      "tollgate statements list shows those of an account" },
    { "download_not_found", 0, "tollgate downloads list shows the links" },
    { "feature_not_found", 0, "tollgate catalog get shows the features" },
    { "link_secret_missing", 0,
      "link_secret_file in [api] of worker.ini names the file of nginx's "
      "tollgate_link_secret" },
    { "busy", 0, "try again; somebody else is changing the same" },
    { "store_unreachable", 0, "is Redis running? see the worker's log" },
    { NULL, 401, "--token-file names the file with the operator's token" },
    { NULL, 403, "the operator's token or the admin socket may do this" },
    { NULL, 413, "the API takes objects of at most 1 MiB" },
    { NULL, 502, "is the worker running? see its log" },
    { NULL, 503, "is Postgres running? see the worker's log" },
    { NULL, 504, "the worker is slow to answer; see its log" },
    { NULL, 500, "the worker's log says what went wrong" },
    { NULL, 0, NULL }
};

/* Exit codes by HTTP status; what is not here is a failure. */
static const struct {
    long status;
    enum cli_exit exit;
} client_exits[] = {
    { 400, CLI_REFUSED }, { 401, CLI_AUTH }, { 402, CLI_REFUSED },
    { 403, CLI_AUTH }, { 404, CLI_NOT_FOUND }, { 409, CLI_REFUSED },
    { 412, CLI_REFUSED }, { 413, CLI_REFUSED }, { 415, CLI_REFUSED },
    { 422, CLI_REFUSED }, { 502, CLI_UNREACHABLE }, { 503, CLI_UNREACHABLE },
    { 504, CLI_UNREACHABLE }, { 0, CLI_FAILURE }
};


int
client_call(struct cli_call *call, const json_t *query,
    const json_t *body, json_t **answer)
{
    struct http_request request = {
        .method = call->command->method, .body = body,
        .connect_ms = CLIENT_CONNECT_MS, .cancelled = cli_interrupted,
        .sink = call->sink
    };
    struct http_answer http;
    struct client client;
    enum http_outcome outcome;
    char *url;
    int status;

    status = client_endpoint(call, &client);
    if (status == CLI_OK) {
        status = client_time(call, &request.total_ms);
    }
    if (status != CLI_OK) {
        return status;
    }
    url = client_url(call, client.base, query);
    if (url == NULL) {
        message_error("out_of_memory", "no memory for the request");
        return CLI_FAILURE;
    }
    request.url = url;
    request.unix_socket = client.socket;
    request.bearer = call->token;
    request.idempotency_key = call->idempotency_key;

    outcome = http_json(&request, &http);
    status = client_status(call, &client, outcome, &http);
    *answer = status != CLI_OK ? NULL
              : call->command->features & CLI_PLAIN ? json_string(http.text)
                                  : json_incref(http.json);

    http_answer_free(&http);
    free(url);
    return status;
}


/* Options before environment before the default socket. */
static int
client_endpoint(struct cli_call *call, struct client *client)
{
    const char *url = args_setting(call, "url");

    client->socket = args_setting(call, "socket");
    client->base = "http://tollgate";
    if (client->socket != NULL && url != NULL) {
        message_error("usage", "--socket and --url exclude each other");
        return CLI_USAGE;
    }
    if (client->socket == NULL && url == NULL) {
        url = getenv("TOLLGATE_URL");
        client->socket = getenv("TOLLGATE_SOCKET");
    }
    if (url != NULL && *url != '\0') {
        client->socket = NULL;
        client->base = url;
    } else if (client->socket == NULL || *client->socket == '\0') {
        client->socket = CLI_SOCKET;
    }
    if (call->token == NULL) {
        int status = input_token(call);

        if (status != CLI_OK) {
            return status;
        }
    }
    return client->socket == NULL ? client_url_check(call, url) : CLI_OK;
}


static int
client_url_check(const struct cli_call *call, const char *url)
{
    static const char *const local[] = { "localhost", "127.", "[::1]" };
    bool plain = strncasecmp(url, "http://", 7) == 0;
    const char *host = url + (plain ? 7 : 8);
    bool here = false;

    if (!plain && strncasecmp(url, "https://", 8) != 0) {
        message_error("usage", "--url wants http:// or https://");
        return CLI_USAGE;
    }
    if (memchr(host, '@', strcspn(host, "/")) != NULL
        || strpbrk(host, "?#") != NULL || *host == '\0')
    {
        message_error("usage", "--url wants a host and perhaps a path, "
                      "no credentials and no query");
        return CLI_USAGE;
    }
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        here = here || strncasecmp(host, local[i], strlen(local[i])) == 0;
    }
    if (plain && !here && call->token != NULL) {
        message_note("warning: the token goes to another host unencrypted");
    }
    return CLI_OK;
}


/* Base, path and query; the caller frees it. */
static char *
client_url(struct cli_call *call, const char *base,
    const json_t *query)
{
    char *url = NULL;
    size_t size, len = strlen(base);
    FILE *out = open_memstream(&url, &size);

    if (out == NULL) {
        return NULL;
    }
    while (len > 0 && base[len - 1] == '/') {
        len--;
    }
    fwrite(base, 1, len, out);
    client_path(call, out);
    if (query != NULL) {
        client_query(call, query, out);
    }
    fclose(out);
    return url;
}


/* Puts percent-encoded arguments in the places of :member. */
static void
client_path(struct cli_call *call, FILE *out)
{
    for (const char *p = call->command->path; *p != '\0'; p++) {
        char member[32], *escaped;
        size_t len;

        fputc(*p == ':' ? '/' : *p, out);
        if (p[0] != '/' || p[1] != ':') {
            continue;
        }
        len = strcspn(p + 2, "/");
        snprintf(member, sizeof(member), "%.*s", (int) len, p + 2);
        escaped = http_escape(json_string_value(
                                  json_object_get(call->params, member)));
        fputs(escaped == NULL ? "" : escaped, out);
        free(escaped);
        p += 1 + len;
    }
}


static void
client_query(struct cli_call *call, const json_t *query,
    FILE *out)
{
    const char *member;
    json_t *value;
    char separator = '?';

    json_object_foreach((json_t *) query, member, value) {
        char *cell, *escaped;

        if (client_path_has(call->command, member)) {
            continue;
        }
        cell = json_is_string(value) ? strdup(json_string_value(value))
                                     : json_dumps(value, JSON_ENCODE_ANY);
        escaped = cell == NULL ? NULL : http_escape(cell);
        if (escaped != NULL) {
            fprintf(out, "%c%s=%s", separator, member, escaped);
            separator = '&';
        }
        free(escaped);
        free(cell);
    }
}


bool
client_path_has(const struct cli_command *command, const char *member)
{
    const char *p = command->path == NULL ? NULL : strchr(command->path, ':');
    size_t len = strlen(member);

    for (; p != NULL; p = strchr(p + 1, ':')) {
        if (strncmp(p + 1, member, len) == 0
            && (p[1 + len] == '/' || p[1 + len] == '\0'))
        {
            return true;
        }
    }
    return false;
}


static int
client_time(const struct cli_call *call, long *total_ms)
{
    const json_t *timeout = json_object_get(call->settings, "timeout");
    json_int_t seconds = json_integer_value(timeout);

    *total_ms = call->command->timeout_ms;
    if (*total_ms == 0) {
        *total_ms = CLIENT_TOTAL_MS;
    }
    if (timeout == NULL) {
        return CLI_OK;
    }
    if (seconds < 1 || seconds > CLIENT_TIMEOUT_MAX_S) {
        message_error("usage", "--timeout wants 1 to %d seconds",
                      CLIENT_TIMEOUT_MAX_S);
        return CLI_USAGE;
    }
    *total_ms = (long) seconds * 1000;
    return CLI_OK;
}


static int
client_status(struct cli_call *call, struct client *client,
    enum http_outcome outcome, struct http_answer *answer)
{
    if (outcome != HTTP_ANSWERED) {
        return client_no_answer(call, client, outcome, answer->error);
    }
    if (answer->status < 200 || answer->status > 299) {
        return client_problem(call, answer->status, answer->json);
    }
    if (answer->sunk) {
        return CLI_OK;
    }
    if (call->command->features & CLI_PLAIN ? answer->text == NULL
        : !json_is_object(answer->json))
    {
        message_error("bad_answer", "the answer is not %s",
                      call->command->features & CLI_PLAIN ? "text"
                                                          : "a JSON object");
        message_hint("is this the API of Tollgate?");
        client_repeat(call);
        return CLI_FAILURE;
    }
    return CLI_OK;
}


static int
client_no_answer(struct cli_call *call, struct client *client,
    enum http_outcome outcome, const char *why)
{
    if (outcome == HTTP_CANCELLED) {
        message_error("interrupted", "interrupted before the answer came");
        client_repeat(call);
        return CLI_INTERRUPTED;
    }
    message_error(outcome == HTTP_LOST ? "no_answer" : "unreachable",
                  "%s: %s", client->socket != NULL ? client->socket
                                                   : client->base, why);
    if (outcome == HTTP_LOST) {
        client_repeat(call);
    } else if (client->socket != NULL) {
        message_hint("is tollgate-worker running? --socket or "
                     "TOLLGATE_SOCKET names its admin socket");
    } else {
        message_hint("is nginx running there? --url or TOLLGATE_URL names "
                     "where");
    }
    return CLI_UNREACHABLE;
}


static int
client_problem(struct cli_call *call, long status,
    const json_t *problem)
{
    const char *code = json_string_value(json_object_get(problem, "code"));
    const char *text = json_string_value(json_object_get(problem, "detail"));
    char number[32], detail[64];
    size_t i;

    snprintf(number, sizeof(number), "http_%ld", status);
    snprintf(detail, sizeof(detail), "the API answered with status %ld",
             status);
    if (text == NULL) {
        text = json_string_value(json_object_get(problem, "title"));
    }
    message_error(code == NULL ? number : code, "%s",
                  text == NULL ? detail : text);

    for (i = 0; client_hints[i].hint != NULL; i++) {
        if (client_hints[i].code == NULL ? client_hints[i].status == status
            : code != NULL && strcmp(client_hints[i].code, code) == 0)
        {
            message_hint("%s", client_hints[i].hint);
            break;
        }
    }
    if (status >= 500) {
        client_repeat(call);
    }
    for (i = 0; client_exits[i].status != 0; i++) {
        if (client_exits[i].status == status) {
            break;
        }
    }
    return client_exits[i].exit;
}


/* The call may have taken effect: tells how to repeat it without harm. */
static void
client_repeat(const struct cli_call *call)
{
    if (call->idempotency_key != NULL) {
        message_hint("repeat with --idempotency-key %s; it takes effect "
                     "once", call->idempotency_key);
    }
}
