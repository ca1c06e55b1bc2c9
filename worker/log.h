/*
 * log.h: messages of the worker.
 *
 * One line each to stderr: with a time on a terminal, with a <priority> for
 * the journal otherwise.  Control characters are replaced, so data can't
 * forge a line; the same error or warning is said once a second, with how
 * often it was not.  Nothing secret may be passed in.
 */
#ifndef TOLLGATE_LOG_H
#define TOLLGATE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
                 LOG_LEVEL_DEBUG };

/* The name is kept by reference and stands in front of every message. */
void log_init(const char *name, enum log_level level);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What the operator can do about the message before. */
void log_hint(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* An error that ends the process; only before a loop starts. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
