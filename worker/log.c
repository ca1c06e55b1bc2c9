/* log.c: writes one line a message to stderr; what goes on is told ever less. */

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "log.h"


#define LOG_TEXTS      64
#define LOG_PAUSE_MAX  60    /* s, of a text that goes on and on */
#define LOG_QUIET      5     /* s, after which a text is news again */

/* Errors and warnings that came last, by the hash of their text. */
static struct log_text {
    uint64_t  hash;
    time_t    came;
    time_t    said;
    time_t    pause;     /* until it is said again */
    unsigned  unsaid;    /* since */
} log_texts[LOG_TEXTS];

static const struct {
    int          priority;
    const char  *name;
} log_levels[] = {
    [LOG_LEVEL_ERROR] = { 3, "error" },
    [LOG_LEVEL_WARN]  = { 4, "warn" },
    [LOG_LEVEL_INFO]  = { 6, "info" },
    [LOG_LEVEL_DEBUG] = { 7, "debug" },
};

static const char      *log_name = "tollgate-worker";
static enum log_level   log_limit = LOG_LEVEL_INFO;


void
log_init(const char *name, enum log_level level)
{
    log_name = name;
    log_limit = level;
}


/* The text of that hash, or the place of the one that came longest ago. */
static struct log_text *
log_find(uint64_t hash)
{
    struct log_text  *oldest = &log_texts[0];

    for (size_t i = 0; i < LOG_TEXTS; i++) {
        if (log_texts[i].hash == hash) {
            return &log_texts[i];
        }
        if (log_texts[i].came < oldest->came) {
            oldest = &log_texts[i];
        }
    }
    *oldest = (struct log_text) { .hash = hash };

    return oldest;
}


/*
 * Whether a text was said a while ago; if not, how often it wasn't.  The while
 * is a second at first and doubles as long as the text keeps coming.
 */
static bool
log_repeats(const char *line, unsigned *unsaid)
{
    time_t            now = time(NULL);
    uint64_t          hash = UINT64_C(14695981039346656037);
    struct log_text  *text;

    for ( ; *line != '\0'; line++) {
        hash = (hash ^ (unsigned char) *line) * UINT64_C(1099511628211);
    }

    text = log_find(hash);
    *unsaid = text->unsaid;

    if (now - text->came > LOG_QUIET || now < text->said) {
        text->pause = 0;
    }
    text->came = now;

    if (now - text->said < text->pause) {
        text->unsaid++;
        return true;
    }

    text->said = now;
    text->pause = text->pause == 0 ? 1
                  : text->pause * 2 > LOG_PAUSE_MAX ? LOG_PAUSE_MAX
                  : text->pause * 2;
    text->unsaid = 0;

    return false;
}


static void
log_write(enum log_level level, const char *prefix, const char *fmt,
    va_list args)
{
    char        line[4096], stamp[32];
    int         n, start, failure = errno;
    time_t      now;
    unsigned    unsaid;
    struct tm   tm;

    if (level > log_limit) {
        return;
    }

    if (isatty(STDERR_FILENO)) {
        now = time(NULL);
        strftime(stamp, sizeof(stamp), "%H:%M:%S", localtime_r(&now, &tm));
        start = snprintf(line, sizeof(line), "%s %s %s: %s", stamp,
                         log_levels[level].name, log_name, prefix);
    } else {
        start = snprintf(line, sizeof(line), "<%d>%s: %s",
                         log_levels[level].priority, log_name, prefix);
    }

    errno = failure;    /* what %m tells of, not that stderr is no terminal */
    n = vsnprintf(line + start, sizeof(line) - 1 - (size_t) start, fmt, args);
    n = n < 0 ? start : start + n;
    if (n > (int) sizeof(line) - 2) {
        n = (int) sizeof(line) - 2;
    }

    if (level <= LOG_LEVEL_WARN) {
        if (log_repeats(line + start, &unsaid)) {
            return;
        }
        if (unsaid > 0 && n < (int) sizeof(line) - 80) {
            n += snprintf(line + n, 78, " (and %u times more since it was "
                          "last said)", unsaid);
        }
    }

    for (int i = start; i < n; i++) {
        if ((unsigned char) line[i] < 0x20 || line[i] == 0x7f) {
            line[i] = ' ';
        }
    }

    line[n] = '\n';
    if (write(STDERR_FILENO, line, (size_t) n + 1) < 0) {
        return;    /* nowhere is left to say so */
    }
}


#define LOG_FUNCTION(name, level, prefix)                                     \
    void                                                                      \
    name(const char *fmt, ...)                                                \
    {                                                                         \
        va_list  args;                                                        \
                                                                              \
        va_start(args, fmt);                                                  \
        log_write(level, prefix, fmt, args);                                  \
        va_end(args);                                                         \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR, "")
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN, "")
LOG_FUNCTION(log_info, LOG_LEVEL_INFO, "")
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG, "")
LOG_FUNCTION(log_hint, LOG_LEVEL_WARN, "hint: ")


void
die(const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    log_write(LOG_LEVEL_ERROR, "", fmt, args);
    va_end(args);

    exit(EXIT_FAILURE);
}
