/*
 * api.h: one request to the API, from the bytes to the answer.
 *
 * api.c knows HTTP, api_route.c routes and arguments, api_problem.c errors,
 * api_export.c answers that are sent page by page; api_catchup.c, api_doctor.c,
 * api_download.c, api_import.c, api_lease.c, api_metrics.c, api_repair.c and
 * api_verify.c are the routes that aren't SQL functions.
 */
#ifndef TOLLGATE_API_H
#define TOLLGATE_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "conf.h"
#include "pg.h"

#define API_BODY_MAX  (1024 * 1024)

/* What a client sent; strings are NULL where it sent none. */
struct api_call {
    bool         trusted;          /* came in at the operator's socket */
    const char  *method;
    const char  *path;             /* as it was sent, without the query */
    const char  *authorization;
    const char  *api_key;
    const char  *idempotency_key;
    const char  *content_type;
    json_t      *query;            /* NULL where it is malformed */
    const char  *body;
    size_t       body_len;
    bool         body_too_large;
};

struct api_export;

struct api_answer {
    unsigned     status;
    char        *body;             /* free() it */
    struct api_export  *export;    /* in the place of a body, or NULL */
    const char  *type;             /* of the body; NULL: JSON */
    char         allow[64];        /* methods, of a 405 */
    bool         problem;
};

/* A route that C answers; pg may be without a connection. */
typedef void (*api_handler)(const struct conf *conf, pg_t *pg,
    const json_t *args, struct api_answer *answer);

/* Always makes an answer. */
void api_route(const struct conf *conf, pg_t *pg, const struct api_call *call,
    struct api_answer *answer);

/* Decodes %XX in place; false where it is malformed or holds a NUL. */
bool api_decode(char *text) __attribute__((warn_unused_result));

/* Answers with an object, which is taken over. */
void api_reply(struct api_answer *answer, unsigned status, json_t *object);

/* Answers with what a function of SQL says. */
void api_ask(pg_t *pg, const char *function, unsigned status,
    const json_t *args, struct api_answer *answer);

/*
 * Does the same or, where the argument format is csv, answers with it page by
 * page: the caller reads on from answer->export until it is 0, or -1 where a
 * page failed, and frees it.
 */
void api_export(pg_t *pg, const char *function, unsigned status,
    const json_t *args, struct api_answer *answer);
ssize_t api_export_read(struct api_export *export, pg_t *pg, char *out,
    size_t max);
void api_export_free(struct api_export *export);

/*
 * Answers with an error.  The code is stable, the detail is for people; param
 * names the argument or is NULL.
 */
void api_problem(struct api_answer *answer, unsigned status, const char *code,
    const char *detail, const char *param);

/* Answers with what the last call of a function failed with. */
void api_problem_of_pg(struct api_answer *answer, const pg_t *pg,
    const char *function);

void api_catchup(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer);
void api_health(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer);
void api_doctor(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer);
void api_download(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer);
void api_import(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer);
void api_lease(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer);
void api_metrics(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer);
void api_repair(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer);
void api_repair_plan(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer);
void api_verify(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer);

#endif
