/*
 * route.c: fuzzes requests to the API: each gets one answer, and Postgres is
 * asked only for what the one who asks may ask for.
 */
#include "worker_shim.h"

#include "../../worker/api_route.c"

#define ROUTE_TOKEN    "operator-of-this-test"
#define ROUTE_ACCOUNT  "Edge000001"

/* The connection to Postgres: what it fails with, and what it was asked. */
struct pg_s {
    struct pg_error  error;
    bool             down;
    bool             trusted;
    bool             known;     /* as a customer */
    int              calls;
};

struct pg_result {
    const char  *value;
};


bool
pg_ready(pg_t *pg)
{
    return !pg->down;
}


const struct pg_error *
pg_error(const pg_t *pg)
{
    return &pg->error;
}


/* Arguments are one object, without members that a client made up. */
static void
route_check_args(const pg_t *pg, const struct api_route_row *route,
    const char *text)
{
    json_t      *value, *args = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char  *name, *actor;

    CHECK(json_is_object(args));
    json_object_foreach(args, name, value) {
        CHECK(name[0] != '_' || strcmp(name, "_actor") == 0
              || strcmp(name, "_idempotency_key") == 0
              || (strcmp(name, "_account") == 0 && pg->known));
        CHECK(!json_is_real(value));
    }

    actor = json_string_value(json_object_get(args, "_actor"));
    CHECK(actor != NULL);

    if (pg->known) {
        CHECK(route->who == CUSTOMER);
        CHECK(strcmp(actor, "key:key_0000000001") == 0);
        value = json_object_get(args, "_account");
        CHECK(strcmp(json_string_value(value), ROUTE_ACCOUNT) == 0);
        value = json_object_get(args, "account");
        CHECK(value == NULL
              || strcmp(json_string_value(value), ROUTE_ACCOUNT) == 0);
    } else {
        CHECK(strcmp(actor, "operator") == 0);
    }

    json_decref(args);
}


pg_result_t *
pg_call(pg_t *pg, const char *function, int n, const char *const params[])
{
    const char   *value = "{}";
    pg_result_t  *result;

    CHECK(n == 1);

    if (strcmp(function, "api.authenticate") == 0) {
        CHECK(!pg->trusted && strncmp(params[0], "tg_", 3) == 0);
        pg->known = params[0][3] == 'l';
        value = !pg->known ? NULL : "{\"account\":\"" ROUTE_ACCOUNT "\","
                                    "\"key\":\"key_0000000001\"}";
    } else {
        size_t  i;

        for (i = 0; i < API_ROUTES; i++) {
            if (api_routes[i].function != NULL
                && strcmp(api_routes[i].function, function) == 0)
            {
                break;
            }
        }
        CHECK(i < API_ROUTES);
        route_check_args(pg, &api_routes[i], params[0]);
        pg->calls++;
        if (pg->error.state[0] != '\0') {
            return NULL;
        }
    }

    result = malloc(sizeof(*result));
    CHECK(result != NULL);
    result->value = value;

    return result;
}


const char *
pg_value(const pg_result_t *result, int row, int column)
{
    CHECK(row == 0 && column == 0);

    return result->value;
}


void
pg_clear(pg_result_t *result)
{
    free(result);
}


void
pg_clear_at(pg_result_t **result)
{
    pg_clear(*result);
}


void
api_doctor(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    (void) conf;
    CHECK(!pg->known && json_object_get(args, "_actor") != NULL);
    api_reply(answer, 200, json_object());
}


void
api_download(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    api_doctor(conf, pg, args, answer);
}


void
api_import(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    api_doctor(conf, pg, args, answer);
}


void
api_repair(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    api_doctor(conf, pg, args, answer);
}


void
api_repair_plan(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    api_doctor(conf, pg, args, answer);
}


void
api_catchup(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    api_doctor(conf, pg, args, answer);
}


void
api_lease(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    api_doctor(conf, pg, args, answer);
}


void
api_verify(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    api_doctor(conf, pg, args, answer);
}


void
api_export(pg_t *pg, const char *function, unsigned status,
    const json_t *args, struct api_answer *answer)
{
    api_ask(pg, function, status, args, answer);
}


void
api_metrics(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    api_doctor(conf, pg, args, answer);
}


/* As api.c makes it: both decoded, none twice, none without a value. */
static json_t *
route_query(struct input input)
{
    char          *name, *value;
    json_t        *query = json_object();
    struct input   pair, left;

    while (query != NULL && input_cut(&input, '&', &pair)) {
        left = (struct input) { 0 };
        (void) input_cut(&pair, '=', &left);
        name = input_text(left);
        value = input_text(pair);

        if (!api_decode(name) || !api_decode(value)
            || json_object_get(query, name) != NULL
            || json_object_set_new(query, name, json_string(value)) == -1)
        {
            json_decref(query);
            query = NULL;
        }
        free(name);
        free(value);
    }

    return query;
}


static void
route_check_answer(const struct api_answer *answer, const pg_t *pg)
{
    json_t      *body;
    const char  *code;

    CHECK(answer->status >= 200 && answer->status <= 599);
    CHECK(answer->body != NULL && pg->calls <= API_TRIES);
    CHECK(answer->status != 405 || answer->allow[0] != 0);
    CHECK(memchr(answer->allow, '\0', sizeof(answer->allow)) != NULL);

    body = json_loads(answer->body, 0, NULL);
    CHECK(json_is_object(body));

    if (answer->problem) {
        CHECK(answer->status >= 400);
        code = json_string_value(json_object_get(body, "code"));
        CHECK(code != NULL && code[0] != '\0');
        CHECK((unsigned) json_integer_value(json_object_get(body, "status"))
              == answer->status);
    } else {
        CHECK(answer->status < 300);
    }
    json_decref(body);
}


/*
 * The first byte: bits of who asks and of what Postgres says.  Then a line
 * each: method and path, query, Authorization, X-API-Key, Idempotency-Key,
 * Content-Type (an empty one is absent); what is left is the body.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char               *lines[6] = { NULL }, *path, *body;
    unsigned            how;
    struct pg_s         pg = { 0 };
    struct conf         conf = { 0 };
    struct input        input = { data, size }, query = { 0 }, line;
    struct api_call     call = { 0 };
    struct api_answer   answer = { 0 };
    static const char  *states[] = { "", "PT404", "40001", "XX000" };

    how = input_byte(&input);
    for (int i = 0; i < 6 && input_cut(&input, '\n', &line); i++) {
        query = i == 1 ? line : query;
        lines[i] = line.size || i < 1 ? input_text(line) : NULL;
    }

    pg.trusted = call.trusted = how & 1;
    pg.down = (how & 6) == 6;
    snprintf(pg.error.state, sizeof(pg.error.state), "%s",
             states[how >> 4 & 3]);
    snprintf(pg.error.message, sizeof(pg.error.message), "account_not_found");
    snprintf(conf.api_token_file, sizeof(conf.api_token_file), "%s",
             shim_file(ROUTE_TOKEN "\n", sizeof(ROUTE_TOKEN)));

    path = lines[0] ? strchr(lines[0], ' ') : NULL;
    if (path != NULL) {
        *path++ = '\0';
    }
    body = input_text(input);

    call.method = lines[0] ? lines[0] : "GET";
    call.path = path ? path : "/";
    call.query = route_query(query);
    call.authorization = lines[2];
    call.api_key = lines[3];
    call.idempotency_key = lines[4];
    call.content_type = lines[5];
    call.body = body;
    call.body_len = input.size;
    call.body_too_large = (how & 0xc0) == 0xc0;

    api_route(&conf, &pg, &call, &answer);
    route_check_answer(&answer, &pg);

    free(answer.body);
    free(body);
    json_decref(call.query);
    shim_close();
    for (int i = 0; i < 6; i++) {
        free(lines[i]);
    }

    return 0;
}
