/* api_route.c: finds a request's route, who asks, what with, and asks SQL. */

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api.h"
#include "log.h"
#include "version.h"


#define API_SEGMENT_MAX  128
#define API_HEADER_MAX   255
#define API_DEPTH_MAX    16
#define API_TRIES        3     /* of a call that lost a race in Postgres */

#define API_KEY_CHARACTERS                                                    \
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"

enum api_who { ANYONE, OPERATOR, CUSTOMER };

struct api_route_row {
    const char    *method;
    const char    *path;
    const char    *function;
    api_handler    handler;
    bool           exports;
    enum api_who   who;
    unsigned       status;
};

static const struct api_route_row api_routes[] = {
#define ROUTE(method, path, function, who, status)                            \
    { method, path, function, NULL, false, who, status },
#define EXPORT(method, path, function, who, status)                           \
    { method, path, function, NULL, true, who, status },
#define HANDLER(method, path, handler, who, status)                           \
    { method, path, NULL, handler, false, who, status },
#include "api_routes.h"
#undef ROUTE
#undef EXPORT
#undef HANDLER
};

#define API_ROUTES  (sizeof(api_routes) / sizeof(api_routes[0]))

static const struct api_route_row *api_find(const struct api_call *call,
    struct api_answer *answer);
static bool api_authenticate(const struct conf *conf, pg_t *pg,
    const struct api_call *call, const struct api_route_row *route,
    json_t *args, struct api_answer *answer);
static bool api_owns(const json_t *args, struct api_answer *answer);
static bool api_arguments(const struct api_call *call,
    const struct api_route_row *route, json_t *args,
    struct api_answer *answer);


void
api_route(const struct conf *conf, pg_t *pg, const struct api_call *call,
    struct api_answer *answer)
{
    json_t                      *args;
    const struct api_route_row  *route = api_find(call, answer);

    if (route == NULL) {
        return;
    }

    args = json_object();
    if (api_authenticate(conf, pg, call, route, args, answer)
        && api_arguments(call, route, args, answer)
        && api_owns(args, answer))
    {
        if (route->handler != NULL) {
            route->handler(conf, pg, args, answer);
        } else if (route->exports) {
            api_export(pg, route->function, route->status, args, answer);
        } else {
            api_ask(pg, route->function, route->status, args, answer);
        }
    }
    json_decref(args);
}


/*
 * Compares a path with a route's, segment by segment, and stores the
 * parameters of the path where args isn't NULL.  Answers 1 if it is the
 * route, 0 if not, -1 if a parameter is malformed.
 */
static int
api_match(const char *path, const char *pattern, json_t *args)
{
    char    name[API_SEGMENT_MAX], value[API_SEGMENT_MAX];
    size_t  have, want;

    for ( ;; ) {
        have = strcspn(path, "/");
        want = strcspn(pattern, "/");

        if (pattern[0] == ':' && have > 0 && args != NULL) {
            if (have >= sizeof(value)) {
                return -1;
            }
            snprintf(name, sizeof(name), "%.*s", (int) want - 1, pattern + 1);
            snprintf(value, sizeof(value), "%.*s", (int) have, path);
            if (!api_decode(value)
                || json_object_set_new(args, name, json_string(value)) == -1)
            {
                return -1;
            }

        } else if (pattern[0] == ':' ? have == 0
                   : have != want || memcmp(path, pattern, have) != 0)
        {
            return 0;
        }

        path += have;
        pattern += want;
        if (*path == '\0' || *pattern == '\0') {
            return *path == *pattern;
        }
        path++;
        pattern++;
    }
}


static const struct api_route_row *
api_find(const struct api_call *call, struct api_answer *answer)
{
    bool         found = false;
    const char  *method;

    method = strcmp(call->method, "HEAD") == 0 ? "GET" : call->method;

    for (size_t i = 0; i < API_ROUTES; i++) {
        if (api_match(call->path, api_routes[i].path, NULL) != 1) {
            continue;
        }
        if (strcmp(api_routes[i].method, method) == 0) {
            return &api_routes[i];
        }
        found = true;
        snprintf(answer->allow + strlen(answer->allow),
                 sizeof(answer->allow) - strlen(answer->allow), "%s%s%s",
                 answer->allow[0] ? ", " : "", api_routes[i].method,
                 strcmp(api_routes[i].method, "GET") == 0 ? ", HEAD" : "");
    }

    if (found) {
        api_problem(answer, 405, "method_not_allowed",
                    "this route has other methods, see Allow", NULL);
    } else {
        api_problem(answer, 404, "route_not_found",
                    "there is no such route", NULL);
    }

    return NULL;
}


bool
api_decode(char *text)
{
    char   hex[3] = "", *to = text, *end;
    long   c;

    for ( ; *text != '\0'; text++) {
        if (*text != '%') {
            *to++ = *text;
            continue;
        }

        memccpy(hex, text + 1, '\0', 2);
        c = strspn(hex, "0123456789abcdefABCDEF") == 2
            ? strtol(hex, &end, 16) : 0;
        if (c == 0) {
            return false;
        }
        *to++ = (char) c;
        text += 2;
    }
    *to = '\0';

    return true;
}


/* --- who asks ------------------------------------------------------------ */


/* The token of a request, or NULL. */
static const char *
api_token(const struct api_call *call)
{
    const char  *token = call->authorization;

    if (token == NULL) {
        return call->api_key;
    }
    if (strncasecmp(token, "Bearer ", 7) != 0) {
        return NULL;
    }

    return token + 7 + strspn(token + 7, " ");
}


/* Takes the same time for every token that is wrong. */
static bool
api_is_operator(const struct conf *conf, const char *token)
{
    bool           same;
    char           secret[512];
    unsigned char  want[EVP_MAX_MD_SIZE], have[EVP_MAX_MD_SIZE];

    if (conf->api_token_file[0] == '\0'
        || !conf_secret(conf->api_token_file, secret, sizeof(secret)))
    {
        return false;
    }

    same = EVP_Digest(secret, strlen(secret), want, NULL, EVP_sha256(), NULL)
           && EVP_Digest(token, strlen(token), have, NULL, EVP_sha256(), NULL)
           && CRYPTO_memcmp(want, have, 32) == 0;
    OPENSSL_cleanse(secret, sizeof(secret));

    return same;
}


static bool
api_customer(pg_t *pg, const char *token, json_t *args,
    struct api_answer *answer)
{
    bool         known;
    char         actor[API_SEGMENT_MAX];
    json_t      *found;
    const char  *text, *account, *key;

    if (strncmp(token, "tg_", 3) != 0 || strlen(token) > API_HEADER_MAX
        || token[strspn(token, API_KEY_CHARACTERS)] != '\0')
    {
        api_problem(answer, 401, "key_unknown", "the token is unknown", NULL);
        return false;
    }

    PG_RESULT result = pg_ready(pg)
                       ? pg_call(pg, "api.authenticate", 1, &token) : NULL;

    if (result == NULL) {
        api_problem_of_pg(answer, pg, "api.authenticate");
        return false;
    }

    text = pg_value(result, 0, 0);
    found = json_loads(text ? text : "null", JSON_DECODE_ANY, NULL);
    account = json_string_value(json_object_get(found, "account"));
    key = json_string_value(json_object_get(found, "key"));
    known = account != NULL && key != NULL;

    if (!known) {
        api_problem(answer, 401, "key_unknown", "the token is unknown", NULL);

    } else {
        snprintf(actor, sizeof(actor), "key:%s", key);
        json_object_set_new(args, "_actor", json_string(actor));
        json_object_set_new(args, "_account", json_string(account));
    }
    json_decref(found);

    return known;
}


static bool
api_authenticate(const struct conf *conf, pg_t *pg,
    const struct api_call *call, const struct api_route_row *route,
    json_t *args, struct api_answer *answer)
{
    const char  *token = api_token(call);

    if (route->who == ANYONE) {
        return true;
    }

    if (!call->trusted) {
        if (token == NULL || token[0] == '\0') {
            api_problem(answer, 401, "key_missing", "send Authorization: "
                        "Bearer with a token or an API key", NULL);
            return false;
        }
        if (!api_is_operator(conf, token)) {
            if (!api_customer(pg, token, args, answer)) {
                return false;
            }
            if (route->who == OPERATOR) {
                api_problem(answer, 403, "operator_only",
                            "this route is the operator's", NULL);
                return false;
            }
            return true;
        }
    }

    json_object_set_new(args, "_actor", json_string("operator"));

    return true;
}


/* --- arguments ----------------------------------------------------------- */


/* Why a JSON value can't be an argument, or NULL. */
static const char *
api_refuse_value(const json_t *value, int depth)
{
    size_t       i;
    json_t      *member;
    const char  *name, *wrong = NULL;

    if (json_is_real(value)) {
        return "numbers are integers here; decimals are written as strings";
    }
    if (depth == 0) {
        return "it is nested too deeply";
    }

    json_object_foreach((json_t *) value, name, member) {
        wrong = api_refuse_value(member, depth - 1);
        if (wrong != NULL) {
            return wrong;
        }
    }
    json_array_foreach(value, i, member) {
        wrong = api_refuse_value(member, depth - 1);
        if (wrong != NULL) {
            return wrong;
        }
    }

    return NULL;
}


/* Adds members to the arguments, over those of the same name. */
static bool
api_merge(json_t *args, json_t *members, struct api_answer *answer)
{
    char         detail[256];
    json_t      *value;
    const char  *name, *wrong;

    json_object_foreach(members, name, value) {
        wrong = name[0] == '_' ? "names that start with _ are reserved"
                               : api_refuse_value(value, API_DEPTH_MAX);
        if (wrong != NULL) {
            snprintf(detail, sizeof(detail), "\"%.64s\": %s", name, wrong);
            api_problem(answer, 422, "invalid_argument", detail, name);
            return false;
        }
        json_object_set(args, name, value);
    }

    return true;
}


static bool
api_body(const struct api_call *call, json_t *args, struct api_answer *answer)
{
    bool           ok;
    char           detail[JSON_ERROR_TEXT_LENGTH + 64];
    char          *near;
    json_t        *body;
    const char    *type = call->content_type;
    json_error_t   error = { 0 };

    if (call->body_too_large) {
        api_problem(answer, 413, "body_too_large",
                    "a body has at most 1 MiB", NULL);
        return false;
    }
    if (call->body_len == 0) {
        return true;
    }
    if (type == NULL || strncasecmp(type, "application/json", 16) != 0
        || strchr("; \t", type[16]) == NULL)
    {
        api_problem(answer, 415, "unsupported_media_type",
                    "a body is application/json", NULL);
        return false;
    }

    body = json_loadb(call->body, call->body_len, JSON_REJECT_DUPLICATES,
                      &error);
    if (!json_is_object(body)) {
        near = strstr(error.text, " near ");
        if (near != NULL) {
            *near = '\0';               /* it may be near to a secret */
        }
        snprintf(detail, sizeof(detail), "line %d of the body: %s",
                 body ? 1 : error.line,
                 body ? "it is not an object" : error.text);
        json_decref(body);
        api_problem(answer, 400, "invalid_json", detail, NULL);
        return false;
    }

    ok = api_merge(args, body, answer);
    json_decref(body);

    return ok;
}


static bool
api_idempotency_key(const struct api_call *call, json_t *args,
    struct api_answer *answer)
{
    size_t       n;
    const char  *key = call->idempotency_key;

    if (key == NULL) {
        return true;
    }

    n = strlen(key);
    for (size_t i = 0; i < n; i++) {
        if (key[i] < 0x20 || key[i] > 0x7e) {
            n = 0;
        }
    }
    if (n == 0 || n > API_HEADER_MAX) {
        api_problem(answer, 400, "invalid_header", "Idempotency-Key has 1 to "
                    "255 characters of printable ASCII", "Idempotency-Key");
        return false;
    }
    json_object_set_new(args, "_idempotency_key", json_string(key));

    return true;
}


/* Path parameters over body members over query parameters. */
static bool
api_arguments(const struct api_call *call, const struct api_route_row *route,
    json_t *args, struct api_answer *answer)
{
    if (call->query == NULL) {
        api_problem(answer, 400, "invalid_query", "a query parameter is "
                    "malformed, stands twice or has no value", NULL);
        return false;
    }

    if (!api_merge(args, call->query, answer) || !api_body(call, args, answer)
        || !api_idempotency_key(call, args, answer))
    {
        return false;
    }

    if (api_match(call->path, route->path, args) != 1) {
        api_problem(answer, 400, "invalid_path",
                    "a part of the path is malformed", NULL);
        return false;
    }

    return true;
}


/* An API key's arguments may name its own account only. */
static bool
api_owns(const json_t *args, struct api_answer *answer)
{
    const json_t  *own = json_object_get(args, "_account");
    const json_t  *named = json_object_get(args, "account");

    if (own == NULL || named == NULL || json_equal(own, named)) {
        return true;
    }

    api_problem(answer, 403, "account_forbidden",
                "an API key is for its own account", "account");

    return false;
}


/* --- the answer ---------------------------------------------------------- */


/* A call that was undone because of another one is worth another try. */
static bool
api_lost_race(const pg_t *pg)
{
    return strncmp(pg_error(pg)->state, "40", 2) == 0;
}


void
api_ask(pg_t *pg, const char *function, unsigned status, const json_t *args,
    struct api_answer *answer)
{
    int           tries = API_TRIES;
    char         *text = json_dumps(args, JSON_COMPACT);
    const char   *params[] = { text };
    pg_result_t  *result = NULL;

    if (pg_ready(pg)) {
        do {
            result = pg_call(pg, function, 1, params);
        } while (result == NULL && --tries > 0 && api_lost_race(pg));
    }

    if (result == NULL) {
        api_problem_of_pg(answer, pg, function);

    } else {
        const char  *value = pg_value(result, 0, 0);

        answer->status = status;
        answer->body = strdup(value ? value : "null");
    }

    pg_clear(result);
    free(text);
}


void
api_health(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    (void) conf;
    (void) pg;
    (void) args;
    api_reply(answer, 200, json_pack("{s:s, s:s}", "status", "ok",
                                     "version", TOLLGATE_VERSION));
}
