/* api_problem.c: errors as clients see them, RFC 9457 with SDKs in mind. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "log.h"


#define API_PROBLEM_TYPE  "urn:tollgate:"

static const struct {
    unsigned     status;
    const char  *title;
    const char  *error_type;
} api_titles[] = {
    { 400, "Bad request",            "invalid_request_error" },
    { 401, "Not authenticated",      "authentication_error" },
    { 402, "Payment required",       "insufficient_quota" },
    { 403, "Not allowed",            "permission_error" },
    { 404, "Not found",              "not_found_error" },
    { 405, "Method not allowed",     "invalid_request_error" },
    { 409, "Conflict",               "conflict_error" },
    { 413, "Body too large",         "invalid_request_error" },
    { 415, "Unsupported media type", "invalid_request_error" },
    { 422, "Invalid request",        "invalid_request_error" },
    { 429, "Too many requests",      "rate_limit_error" },
    { 500, "Internal error",         "api_error" },
    { 503, "Temporarily unavailable", "api_error" },
};

#define API_TITLES  (sizeof(api_titles) / sizeof(api_titles[0]))

/* What SQLSTATEs mean to a client; the longest match stands first. */
static const struct {
    const char  *state;
    unsigned     status;
    const char  *code;
    const char  *detail;
} api_states[] = {
    { "57014", 503, "timeout", "the database took too long" },
    { "22", 422, "invalid_argument", "an argument is out of its range" },
    { "23", 409, "conflict", "it conflicts with what is stored" },
    { "40", 503, "busy", "somebody else is changing the same" },
    { "53", 503, "database_unavailable", "the database is overloaded" },
    { "55", 503, "busy", "somebody else is changing the same" },
    { "57", 503, "database_unavailable", "the database is restarting" },
};

#define API_STATES  (sizeof(api_states) / sizeof(api_states[0]))


void
api_reply(struct api_answer *answer, unsigned status, json_t *object)
{
    answer->status = status;
    answer->body = json_dumps(object, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(object);
}


/* A text that may have been cut to its size within a character. */
static json_t *
api_whole_text(const char *text)
{
    json_t  *whole = NULL;

    for (size_t n = strlen(text) + 1; whole == NULL && n > 0; n--) {
        whole = json_stringn(text, n - 1);
    }

    return whole;
}


void
api_problem(struct api_answer *answer, unsigned status, const char *code,
    const char *detail, const char *param)
{
    char         type[128];
    json_t      *whole = api_whole_text(detail);
    const char  *title = "Error", *error_type = "api_error";

    for (size_t i = 0; i < API_TITLES; i++) {
        if (api_titles[i].status == status) {
            title = api_titles[i].title;
            error_type = api_titles[i].error_type;
        }
    }

    snprintf(type, sizeof(type), "%s%s", API_PROBLEM_TYPE, code);
    api_reply(answer, status,
              json_pack("{s:s, s:s, s:i, s:s, s:O, s:{s:o, s:s, s:s, s:s?}}",
                        "type", type, "title", title, "status", (int) status,
                        "code", code, "detail", whole,
                        "error", "message", whole, "type", error_type,
                        "code", code, "param", param));
    answer->problem = true;
}


static bool
api_is_code(const char *text)
{
    size_t  n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return n > 0 && n < 64 && text[n] == '\0';
}


void
api_problem_of_pg(struct api_answer *answer, const pg_t *pg,
    const char *function)
{
    const struct pg_error  *error = pg_error(pg);
    int                     status;

    if (error->state[0] == '\0') {
        log_error("%s failed: %s", function, error->message);
        log_hint("is postgres running? see its log");
        api_problem(answer, 503, "database_unavailable",
                    "the database can't be reached", NULL);
        return;
    }

    if (strncmp(error->state, "PT", 2) == 0 && api_is_code(error->message)) {
        status = atoi(error->state + 2);
        if (status >= 400 && status <= 599) {
            api_problem(answer, (unsigned) status, error->message,
                        error->detail[0] ? error->detail : error->message,
                        NULL);
            return;
        }
    }

    log_error("%s failed: %s %s", function, error->state, error->message);

    for (size_t i = 0; i < API_STATES; i++) {
        if (strncmp(error->state, api_states[i].state,
                    strlen(api_states[i].state)) == 0)
        {
            api_problem(answer, api_states[i].status, api_states[i].code,
                        api_states[i].detail, NULL);
            return;
        }
    }

    api_problem(answer, 500, "internal_error",
                "an error of ours; the log has more", NULL);
}
