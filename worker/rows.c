/* rows.c: writes lines of COPY's text format. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    char  text[32];
    int   n;

    n = snprintf(text, sizeof(text), "%lld", (long long) number);
    rows_text(rows, text, (size_t) n);
}


void
rows_null(struct rows *rows)
{
    memcpy(rows_room(rows, 3), "\\N\t", 3);
    rows->len += 3;
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
