/*
 * worker_shim.c: replies of Redis that are made by hand, a file in memory, and
 * a log that is kept: what readers of the worker call.
 */
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../worker/log.h"
#include "worker_shim.h"

struct redisReply {
    char          *text;
    size_t         len;
    rds_reply_t  **elements;
};

char  shim_logged[2048];

static char  shim_path[64];
static int   shim_fd = -1;


/* --- replies ------------------------------------------------------------- */


rds_reply_t *
shim_text(struct input piece)
{
    rds_reply_t  *reply = shim_array();

    if (piece.size == 0 || piece.data[0] != '#') {
        reply->text = input_text(piece);
        reply->len = piece.size;
    }

    return reply;
}


rds_reply_t *
shim_array(void)
{
    rds_reply_t  *reply = calloc(1, sizeof(*reply));

    CHECK(reply != NULL);

    return reply;
}


void
shim_push(rds_reply_t *array, rds_reply_t *element)
{
    array->elements = realloc(array->elements,
                              ++array->len * sizeof(rds_reply_t *));
    CHECK(array->elements != NULL);
    array->elements[array->len - 1] = element;
}


void
shim_free(rds_reply_t *reply)
{
    for (size_t i = 0; reply->elements != NULL && i < reply->len; i++) {
        shim_free(reply->elements[i]);
    }
    free(reply->elements);
    free(reply->text);
    free(reply);
}


const char *
rds_text(const rds_reply_t *reply)
{
    return reply ? reply->text : NULL;
}


size_t
rds_len(const rds_reply_t *reply)
{
    return reply ? reply->len : 0;
}


const rds_reply_t *
rds_at(const rds_reply_t *reply, size_t i)
{
    return reply != NULL && reply->elements != NULL && i < reply->len
           ? reply->elements[i] : NULL;
}


/* --- rows ---------------------------------------------------------------- */


/* Whether a backslash begins what COPY reads as one character or a null. */
static bool
shim_is_escape(const char *text, bool alone)
{
    return text[1] == '\\' || text[1] == 't' || text[1] == 'n'
           || text[1] == 'r'
           || (text[1] == 'N' && alone && (text[2] == '\t' || text[2] == '\n'));
}


void
shim_check_rows(const struct rows *rows, int columns)
{
    int     tabs = 0;
    size_t  start = 0;

    CHECK(rows->len == 0 || rows->text[rows->len - 1] == '\n');

    for (size_t i = 0; i < rows->len; i++) {
        char  c = rows->text[i];

        if (c == '\t') {
            tabs++;
            start = i + 1;

        } else if (c == '\n') {
            CHECK(tabs == columns - 1);
            tabs = 0;
            start = i + 1;

        } else {
            CHECK(c >= 0x20 && c <= 0x7e);
            if (c == '\\') {
                CHECK(shim_is_escape(rows->text + i, i == start));
                i++;
            }
        }
    }
}


/* --- files --------------------------------------------------------------- */


const char *
shim_file(const void *data, size_t size)
{
    shim_fd = memfd_create("input", MFD_CLOEXEC);
    CHECK(shim_fd >= 0);
    CHECK(write(shim_fd, data, size) == (ssize_t) size);
    snprintf(shim_path, sizeof(shim_path), "/proc/self/fd/%d", shim_fd);

    return shim_path;
}


void
shim_close(void)
{
    CHECK(close(shim_fd) == 0);
}


/* --- the log ------------------------------------------------------------- */


#define SHIM_LOG(name)                                                        \
    void                                                                      \
    name(const char *fmt, ...)                                                \
    {                                                                         \
        va_list  args;                                                        \
                                                                              \
        va_start(args, fmt);                                                  \
        vsnprintf(shim_logged, sizeof(shim_logged), fmt, args);               \
        va_end(args);                                                         \
    }

SHIM_LOG(log_error)
SHIM_LOG(log_warn)
SHIM_LOG(log_info)
SHIM_LOG(log_debug)
SHIM_LOG(log_hint)


/* No input may end the process. */
void
die(const char *fmt, ...)
{
    fprintf(stderr, "died: %s\n", fmt);
    abort();
}
