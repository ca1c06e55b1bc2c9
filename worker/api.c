/*
 * api.c: the API over HTTP, at two unix sockets.
 *
 * The only user of libmicrohttpd.  Each of its threads has a connection to
 * Postgres of its own.  A request is answered on the call after its body:
 * answered on the first one, libmicrohttpd would close the connection.
 */

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <threads.h>
#include <unistd.h>

#include "api.h"
#include "log.h"
#include "loop.h"
#include "role.h"


#define API_ADMIN_THREADS  2
#define API_CONNECTIONS    256
#define API_IDLE_S         30
#define API_BACKLOG        128
#define API_BEAT_MS        500
#define API_BLOCK          (64 * 1024)

/* A client that sends on and on after "too large" is cut off here. */
#define API_DISCARD_MAX    (16 * API_BODY_MAX)

struct api_listener {
    const struct conf  *conf;
    const char         *path;
    mode_t              mode;
    unsigned            threads;
    bool                trusted;
    int                 fd;
    ino_t               inode;
    struct MHD_Daemon  *daemon;
};

/* The body of a request while it comes in. */
struct api_request {
    char    *body;
    size_t   len;
    size_t   size;
    size_t   discarded;
};

/* A body that is made as it is sent. */
struct api_sending {
    const struct conf  *conf;
    struct api_export  *export;
};

/* The connection of a thread, which ends with it. */
static tss_t  api_pg;

static void api_drop_pg(void *pg);
static bool api_listen(struct api_listener *listener);
static void api_close(struct api_listener *listener);


void
api_run(const struct conf *conf)
{
    struct api_listener  admin = {
        .conf = conf, .path = conf->api_admin_socket, .mode = 0600,
        .threads = API_ADMIN_THREADS, .trusted = true, .fd = -1,
    };
    struct api_listener  public = {
        .conf = conf, .path = conf->api_socket,
        .mode = (mode_t) conf->api_socket_mode,
        .threads = (unsigned) conf->api_threads, .fd = -1,
    };

    if (tss_create(&api_pg, api_drop_pg) == thrd_success
        && api_listen(&public) && api_listen(&admin))
    {
        log_info("listens at %s and %s", admin.path, public.path);
        while (!loop_stopping()) {
            role_beat(ROLE_API);
            loop_wait(-1, 0, API_BEAT_MS);
        }
    }

    api_close(&admin);
    api_close(&public);

    /* Without this the master would take a failure for a clean end. */
    if (!loop_stopping()) {
        exit(EXIT_FAILURE);
    }
}


/* --- a request ----------------------------------------------------------- */


static void
api_drop_pg(void *pg)
{
    pg_free(pg);
}


static pg_t *
api_thread_pg(const struct conf *conf)
{
    pg_t  *pg = tss_get(api_pg);

    if (pg == NULL) {
        pg = pg_new(conf->postgres_dsn, "api", ROLE_POSTGRES,
                    conf->postgres_timeout);
        if (tss_set(api_pg, pg) != thrd_success) {
            die("out of memory");
        }
    }

    return pg;
}


static enum MHD_Result
api_add_parameter(void *data, enum MHD_ValueKind kind, const char *name,
    const char *value)
{
    char     *decoded[2] = { strdup(name), strdup(value ? value : "%") };
    json_t  **query = data;
    bool      ok;

    (void) kind;
    ok = decoded[0] != NULL && decoded[1] != NULL && api_decode(decoded[0])
         && api_decode(decoded[1])
         && json_object_get(*query, decoded[0]) == NULL
         && json_object_set_new(*query, decoded[0], json_string(decoded[1]))
            == 0;
    free(decoded[0]);
    free(decoded[1]);

    if (!ok) {
        json_decref(*query);
        *query = NULL;
    }

    return ok ? MHD_YES : MHD_NO;
}


static void
api_add_headers(struct MHD_Response *response, const struct api_answer *answer)
{
    const struct { const char *name; const char *value; bool send; } rows[] = {
        { "Content-Type", answer->type ? answer->type
                          : answer->problem ? "application/problem+json"
                                            : "application/json", true },
        { "Cache-Control", "no-store", true },
        { "Allow", answer->allow, answer->status == 405 },
        { "WWW-Authenticate", "Bearer realm=\"tollgate\"",
          answer->status == 401 },
        { "Retry-After", "1", answer->status == 503 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].send) {
            MHD_add_response_header(response, rows[i].name, rows[i].value);
        }
    }
}


static const char *
api_header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}


/* More of a body that is made as it is sent, by the thread of its listener. */
static ssize_t
api_read(void *data, uint64_t at, char *out, size_t max)
{
    ssize_t                   n;
    const struct api_sending *sending = data;

    (void) at;
    n = api_export_read(sending->export, api_thread_pg(sending->conf), out,
                        max);

    return n > 0 ? n : n == 0 ? MHD_CONTENT_READER_END_OF_STREAM
                              : MHD_CONTENT_READER_END_WITH_ERROR;
}


static void
api_read_done(void *data)
{
    struct api_sending  *sending = data;

    api_export_free(sending->export);
    free(sending);
}


/* Takes the body of the answer over; NULL where there is none. */
static struct MHD_Response *
api_response(const struct conf *conf, struct api_answer *answer)
{
    struct api_sending   *sending;
    struct MHD_Response  *response;

    if (answer->export != NULL) {
        sending = malloc(sizeof(*sending));
        if (sending == NULL) {
            api_export_free(answer->export);
            return NULL;
        }
        *sending = (struct api_sending) { conf, answer->export };
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
                       API_BLOCK, api_read, sending, api_read_done);
        if (response == NULL) {
            api_read_done(sending);
        }
        return response;
    }

    if (answer->body == NULL) {
        return NULL;
    }
    response = MHD_create_response_from_buffer(strlen(answer->body),
                                               answer->body,
                                               MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(answer->body);
    }

    return response;
}


static enum MHD_Result
api_respond(const struct api_listener *listener,
    struct MHD_Connection *connection, const char *path, const char *method,
    const struct api_request *request)
{
    json_t               *query = json_object();
    enum MHD_Result       result;
    struct api_call       call;
    struct api_answer     answer = { 0 };
    struct MHD_Response  *response;

    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND,
                              api_add_parameter, &query);

    call = (struct api_call) {
        .trusted = listener->trusted,
        .method = method,
        .path = path,
        .authorization = api_header(connection, "Authorization"),
        .api_key = api_header(connection, "X-API-Key"),
        .idempotency_key = api_header(connection, "Idempotency-Key"),
        .content_type = api_header(connection, "Content-Type"),
        .query = query,
        .body = request->body,
        .body_len = request->len,
        .body_too_large = request->discarded > 0,
    };

    api_route(listener->conf, api_thread_pg(listener->conf), &call, &answer);
    json_decref(query);

    log_debug("%s %s: %u", method, path, answer.status);

    response = api_response(listener->conf, &answer);
    if (response == NULL) {
        return MHD_NO;
    }
    api_add_headers(response, &answer);
    result = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);

    return result;
}


/* Returns false where the client has to be cut off. */
static bool
api_take_body(struct api_request *request, const char *data, size_t len)
{
    if (request->discarded > 0 || len > API_BODY_MAX - request->len) {
        request->discarded += len;
        return request->discarded <= API_DISCARD_MAX;
    }

    if (request->len + len > request->size) {
        size_t   size = 2 * (request->len + len);
        char    *body = realloc(request->body, size);

        if (body == NULL) {
            return false;
        }
        request->body = body;
        request->size = size;
    }
    memcpy(request->body + request->len, data, len);
    request->len += len;

    return true;
}


static enum MHD_Result
api_handle(void *data, struct MHD_Connection *connection, const char *path,
    const char *method, const char *version, const char *upload,
    size_t *upload_len, void **request)
{
    (void) version;

    if (*request == NULL) {
        *request = calloc(1, sizeof(struct api_request));
        return *request != NULL ? MHD_YES : MHD_NO;
    }

    if (*upload_len > 0) {
        size_t  len = *upload_len;

        *upload_len = 0;
        return api_take_body(*request, upload, len) ? MHD_YES : MHD_NO;
    }

    return api_respond(data, connection, path, method, *request);
}


static void
api_finish(void *data, struct MHD_Connection *connection, void **request,
    enum MHD_RequestTerminationCode code)
{
    struct api_request  *finished = *request;

    (void) data;
    (void) connection;
    (void) code;
    if (finished != NULL) {
        free(finished->body);
        free(finished);
    }
    *request = NULL;
}


/* --- sockets ------------------------------------------------------------- */


/* Paths are decoded after they were cut into segments, so not here. */
static size_t
api_keep_escapes(void *data, struct MHD_Connection *connection, char *text)
{
    (void) data;
    (void) connection;

    return strlen(text);
}


static void
api_log(void *data, const char *fmt, va_list args)
{
    char  text[512];

    (void) data;
    vsnprintf(text, sizeof(text), fmt, args);
    log_debug("http: %s", text);
}


/* Something that isn't a socket of ours is left where it is. */
static bool
api_unlink_stale(const char *path)
{
    struct stat  st;

    if (lstat(path, &st) == -1) {
        return errno == ENOENT;
    }
    if (!S_ISSOCK(st.st_mode)) {
        errno = EEXIST;
        return false;
    }

    return unlink(path) == 0;
}


static bool
api_bind(struct api_listener *listener)
{
    mode_t              before;
    struct stat         st;
    struct sockaddr_un  address = { .sun_family = AF_UNIX };

    if (strlen(listener->path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(address.sun_path, listener->path, strlen(listener->path) + 1);

    listener->fd = socket(AF_UNIX,
                          SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd == -1 || !api_unlink_stale(listener->path)) {
        return false;
    }

    /* The mode holds from the first moment on. */
    before = umask(0777 & ~listener->mode);
    if (bind(listener->fd, (struct sockaddr *) &address, sizeof(address))
        == -1)
    {
        umask(before);
        return false;
    }
    umask(before);

    if (stat(listener->path, &st) == 0) {
        listener->inode = st.st_ino;
    }

    return listen(listener->fd, API_BACKLOG) == 0;
}


static bool
api_listen(struct api_listener *listener)
{
    struct MHD_OptionItem  options[] = {
        { MHD_OPTION_LISTEN_SOCKET, 0, NULL },
        { MHD_OPTION_CONNECTION_LIMIT, API_CONNECTIONS, NULL },
        { MHD_OPTION_CONNECTION_TIMEOUT, API_IDLE_S, NULL },
        { listener->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE
                                : MHD_OPTION_END, listener->threads, NULL },
        { MHD_OPTION_END, 0, NULL },
    };

    if (!api_bind(listener)) {
        log_error("listen at \"%s\" failed: %s", listener->path,
                  strerror(errno));
        return false;
    }
    options[0].value = listener->fd;

    listener->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        api_handle, listener,
        MHD_OPTION_EXTERNAL_LOGGER, api_log, NULL,
        MHD_OPTION_UNESCAPE_CALLBACK, api_keep_escapes, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, api_finish, NULL,
        MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (listener->daemon == NULL) {
        log_error("start the server at \"%s\" failed", listener->path);
        return false;
    }

    return true;
}


/* Leaves a socket that a newer worker has put at the path. */
static void
api_close(struct api_listener *listener)
{
    struct stat  st;

    if (listener->daemon != NULL) {
        MHD_stop_daemon(listener->daemon);
    } else if (listener->fd != -1) {
        close(listener->fd);
    }

    if (listener->inode != 0 && stat(listener->path, &st) == 0
        && st.st_ino == listener->inode)
    {
        unlink(listener->path);
    }
}
