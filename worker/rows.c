/* rows.c: writes lines of COPY's text format. */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "rows.h"


#define ROWS_START  65536


static char *
rows_room(struct rows *rows, size_t need)
{
    size_t  size = rows->size ? rows->size : ROWS_START;

    while (rows->len + need > size) {
        size *= 2;
    }

    if (size != rows->size) {
        rows->text = realloc(rows->text, size);
        if (rows->text == NULL) {
            die("out of memory");
        }
        rows->size = size;
    }

    return rows->text + rows->len;
}


void
rows_text(struct rows *rows, const char *text, size_t len)
{
    char  *to = rows_room(rows, 2 * len + 1), *start = to;

    for (size_t i = 0; i < len; i++) {
        switch (text[i]) {
        case '\\': *to++ = '\\'; *to++ = '\\'; break;
        case '\t': *to++ = '\\'; *to++ = 't';  break;
        case '\n': *to++ = '\\'; *to++ = 'n';  break;
        case '\r': *to++ = '\\'; *to++ = 'r';  break;
        default:   *to++ = text[i];
        }
    }
    *to++ = '\t';

    rows->len += (size_t) (to - start);
}


void
rows_int(struct rows *rows, int64_t number)
{
    char      text[24], *at = text + sizeof(text);
    uint64_t  left = number < 0 ? -(uint64_t) number : (uint64_t) number;

    *--at = '\t';
    do {
        *--at = (char) ('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0) {
        *--at = '-';
    }

    rows_raw(rows, at, (size_t) (text + sizeof(text) - at));
}


/* So many digits of a number, from the end of their place. */
static void
rows_digits(char *to, int digits, int number)
{
    while (digits-- > 0) {
        to[digits] = (char) ('0' + number % 10);
        number /= 10;
    }
}


void
rows_time(struct rows *rows, int64_t us)
{
    char       text[] = "0000-00-00 00:00:00.000000Z\t";
    time_t     second = us / 1000000;
    struct tm  tm;

    gmtime_r(&second, &tm);

    rows_digits(text, 4, tm.tm_year + 1900);
    rows_digits(text + 5, 2, tm.tm_mon + 1);
    rows_digits(text + 8, 2, tm.tm_mday);
    rows_digits(text + 11, 2, tm.tm_hour);
    rows_digits(text + 14, 2, tm.tm_min);
    rows_digits(text + 17, 2, tm.tm_sec);
    rows_digits(text + 20, 6, (int) (us % 1000000));

    rows_raw(rows, text, sizeof(text) - 1);
}


void
rows_raw(struct rows *rows, const char *text, size_t len)
{
    memcpy(rows_room(rows, len), text, len);
    rows->len += len;
}


void
rows_null(struct rows *rows)
{
    rows_raw(rows, "\\N\t", 3);
}


void
rows_end(struct rows *rows)
{
    rows->text[rows->len - 1] = '\n';
}


void
rows_cut(struct rows *rows, size_t mark)
{
    rows->len = mark;
}


void
rows_free(struct rows *rows)
{
    free(rows->text);
    *rows = (struct rows) { 0 };
}
