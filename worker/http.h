/* http.h: JSON over HTTP, to a unix socket or a host, with time limits. */
#ifndef TOLLGATE_HTTP_H
#define TOLLGATE_HTTP_H

#include <stdbool.h>
#include <stdio.h>
#include <jansson.h>

struct http_request {
    const char *method;
    const char *url;              /* http:// or https:// */
    const char *unix_socket;      /* path, or NULL for the host of the url */
    const char *bearer;           /* token, or NULL */
    const char *idempotency_key;  /* or NULL */
    const json_t *body;           /* or NULL for none */
    long connect_ms;              /* limit for the connection alone */
    long total_ms;                /* limit for all of it */
    bool (*cancelled)(void);      /* asked about once a second, or NULL */
    FILE *sink;                   /* gets a body of text/csv, or NULL */
};

enum http_outcome {
    HTTP_ANSWERED,                /* status and json are set */
    HTTP_NOT_SENT,                /* the server has seen nothing of it */
    HTTP_LOST,                    /* sent; whether it took effect is unknown */
    HTTP_CANCELLED                /* the same, because of cancelled() */
};

struct http_answer {
    long status;
    json_t *json;                 /* NULL: the body is not JSON */
    char *text;                   /* the body where it is text/plain */
    bool sunk;                    /* it was text/csv, and went to the sink */
    char error[256];              /* why there is no answer, or no JSON */
};

/*
 * Sends one request and waits for its answer, never longer than total_ms.
 * Redirects are not followed and answers over 64 MiB are given up, but for what
 * goes to a sink.  A header
 * value with control characters is refused before anything is sent.  The
 * caller frees the answer with http_answer_free(), whatever the outcome.
 */
enum http_outcome http_json(const struct http_request *request,
    struct http_answer *answer) __attribute__((warn_unused_result));

void http_answer_free(struct http_answer *answer);

/* The text percent-encoded as one segment of a path; the caller frees it. */
char *http_escape(const char *text);

#endif
