/*
 * rows.h: lines of COPY's text format, in memory that grows.
 */
#ifndef TOLLGATE_ROWS_H
#define TOLLGATE_ROWS_H

#include <stddef.h>
#include <stdint.h>

struct rows {
    char    *text;
    size_t   len;
    size_t   size;
};

/* A column of the line that is being written; rows_end() ends the line. */
void rows_text(struct rows *rows, const char *text, size_t len);
void rows_int(struct rows *rows, int64_t number);
/* A time in microseconds since 1970, not below 0 and before the year 10000. */
void rows_time(struct rows *rows, int64_t us);
void rows_null(struct rows *rows);
void rows_end(struct rows *rows);

/* Whole columns as they are to be copied. */
void rows_raw(struct rows *rows, const char *text, size_t len);

/* Forgets what was written after the mark, a len of before. */
void rows_cut(struct rows *rows, size_t mark);
void rows_free(struct rows *rows);

#endif
