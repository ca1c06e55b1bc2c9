/* http.c: the only user of libcurl. */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#define HTTP_ANSWER_MAX (64u << 20)

struct http_buffer {
    CURL *curl;
    FILE *sink;
    char *data;
    size_t len;
    size_t size;
};

static bool http_is(CURL *curl, const char *wanted);
static bool http_headers(const struct http_request *request,
    struct curl_slist **headers);
static bool http_header_add(struct curl_slist **headers, const char *name,
    const char *value);
static void http_options(CURL *curl, const struct http_request *request,
    struct http_buffer *buffer);
static size_t http_receive(char *data, size_t one, size_t len, void *arg);
static int http_progress(void *arg, curl_off_t down_total, curl_off_t down,
    curl_off_t up_total, curl_off_t up);
static enum http_outcome http_failure(CURL *curl, CURLcode code);
static void http_explain(CURL *curl, CURLcode code,
    struct http_answer *answer);


enum http_outcome
http_json(const struct http_request *request,
    struct http_answer *answer)
{
    enum http_outcome outcome = HTTP_NOT_SENT;
    struct curl_slist *headers = NULL;
    struct http_buffer buffer = {0};
    json_error_t why;
    CURLcode code;
    char *body = NULL;
    CURL *curl;

    memset(answer, 0, sizeof(*answer));
    curl = curl_easy_init();
    if (curl == NULL || !http_headers(request, &headers)) {
        snprintf(answer->error, sizeof(answer->error),
                 "the request cannot be written as HTTP");
        goto done;
    }
    if (request->body != NULL) {
        body = json_dumps(request->body, JSON_COMPACT | JSON_ENCODE_ANY);
        if (body == NULL) {
            snprintf(answer->error, sizeof(answer->error), "out of memory");
            goto done;
        }
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t) strlen(body));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    buffer.curl = curl;
    buffer.sink = request->sink;
    http_options(curl, request, &buffer);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, answer->error);

    code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        outcome = http_failure(curl, code);
        http_explain(curl, code, answer);
        goto done;
    }
    outcome = HTTP_ANSWERED;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    answer->sunk = request->sink != NULL && http_is(curl, "text/csv");
    if (http_is(curl, "text/plain")) {
        answer->text = strndup(buffer.data == NULL ? "" : buffer.data,
                               buffer.len);
    }
    answer->json = json_loadb(buffer.data == NULL ? "" : buffer.data,
                              buffer.len, JSON_REJECT_DUPLICATES, &why);
    if (answer->json == NULL) {
        snprintf(answer->error, sizeof(answer->error), "%s", why.text);
    }

done:
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    free(buffer.data);
    free(body);
    return outcome;
}


static bool
http_is(CURL *curl, const char *wanted)
{
    char *type = NULL;

    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    return type != NULL && strncmp(type, wanted, strlen(wanted)) == 0;
}


static bool
http_headers(const struct http_request *request,
    struct curl_slist **headers)
{
    char bearer[4200];

    if (!http_header_add(headers, "Accept",
                         "application/json, application/problem+json")
        || !http_header_add(headers, "Expect", ""))
    {
        return false;
    }
    if (request->body != NULL
        && !http_header_add(headers, "Content-Type", "application/json"))
    {
        return false;
    }
    if (request->idempotency_key != NULL
        && !http_header_add(headers, "Idempotency-Key",
                            request->idempotency_key))
    {
        return false;
    }
    if (request->bearer != NULL) {
        int len = snprintf(bearer, sizeof(bearer), "Bearer %s",
                           request->bearer);

        if (len < 0 || (size_t) len >= sizeof(bearer)) {
            return false;
        }
        return http_header_add(headers, "Authorization", bearer);
    }
    return true;
}


/* An empty value removes the header that curl would send by itself. */
static bool
http_header_add(struct curl_slist **headers, const char *name,
    const char *value)
{
    struct curl_slist *grown;
    char *line;

    for (const char *p = value; *p != '\0'; p++) {
        if ((unsigned char) *p < 0x20 || *p == 0x7f) {
            return false;
        }
    }
    if (asprintf(&line, "%s:%s%s", name, *value ? " " : "", value) < 0) {
        return false;
    }
    grown = curl_slist_append(*headers, line);
    free(line);
    if (grown == NULL) {
        return false;
    }
    *headers = grown;
    return true;
}


static void
http_options(CURL *curl, const struct http_request *request,
    struct http_buffer *buffer)
{
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "tollgate");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, request->connect_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, request->total_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, http_receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, buffer);
    if (request->unix_socket != NULL) {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH,
                         request->unix_socket);
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
    }
    if (request->cancelled != NULL) {
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, http_progress);
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *) request);
    }
}


static size_t
http_receive(char *data, size_t one, size_t len, void *arg)
{
    struct http_buffer *buffer = arg;
    size_t size;
    char *grown;

    len *= one;
    if (buffer->sink != NULL && http_is(buffer->curl, "text/csv")) {
        return fwrite(data, 1, len, buffer->sink);
    }
    if (len > HTTP_ANSWER_MAX - buffer->len) {
        return 0;
    }
    if (buffer->len + len > buffer->size) {
        size = 2 * (buffer->len + len);
        grown = realloc(buffer->data, size);
        if (grown == NULL) {
            return 0;
        }
        buffer->data = grown;
        buffer->size = size;
    }
    memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
    return len;
}


static int
http_progress(void *arg, curl_off_t down_total, curl_off_t down,
    curl_off_t up_total, curl_off_t up)
{
    const struct http_request *request = arg;

    (void) down_total;
    (void) down;
    (void) up_total;
    (void) up;
    return request->cancelled() ? 1 : 0;
}


/* Says whether the server may have seen the request that failed. */
static enum http_outcome
http_failure(CURL *curl, CURLcode code)
{
    long sent = 0;

    if (code == CURLE_ABORTED_BY_CALLBACK) {
        return HTTP_CANCELLED;
    }
    curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &sent);
    return sent == 0 ? HTTP_NOT_SENT : HTTP_LOST;
}


/* Of a connection that failed, what the system said about it tells most. */
static void
http_explain(CURL *curl, CURLcode code, struct http_answer *answer)
{
    long number = 0;

    curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
    if (code == CURLE_COULDNT_CONNECT && number != 0) {
        snprintf(answer->error, sizeof(answer->error), "%s",
                 strerror((int) number));

    } else if (answer->error[0] == '\0') {
        snprintf(answer->error, sizeof(answer->error), "%s",
                 curl_easy_strerror(code));
    }
}


void
http_answer_free(struct http_answer *answer)
{
    json_decref(answer->json);
    free(answer->text);
    answer->json = NULL;
    answer->text = NULL;
}


char *
http_escape(const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);
    char *copy = escaped == NULL ? NULL : strdup(escaped);

    curl_free(escaped);
    return copy;
}
