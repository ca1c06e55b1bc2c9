/* csv.c: comma-separated values as RFC 4180 has them, with a header. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#define CSV_COLUMNS 64

struct csv {
    const char *name;       /* of the file, for messages */
    const char *next;
    const char *end;
    size_t line;            /* of what comes next, from 1 */
    size_t faults;
    json_t *header;
};

static json_t *csv_record(struct csv *csv);
static json_t *csv_field(struct csv *csv);
static json_t *csv_quoted(struct csv *csv);
static bool csv_line_end(struct csv *csv);
static void csv_add(struct csv *csv, json_t *rows, json_t *fields,
    size_t line);
static void csv_fault(struct csv *csv, size_t line, const char *what);


json_t *
csv_rows(const char *name, const char *text, size_t len)
{
    struct csv csv = { .name = name, .next = text, .end = text + len,
                       .line = 1 };
    json_t *rows = json_array();

    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        csv.next += 3;
    }
    while (csv.next < csv.end && rows != NULL) {
        size_t line = csv.line;
        json_t *fields = csv_record(&csv);

        if (fields == NULL) {
            break;
        }
        if (json_array_size(fields) == 1
            && json_string_length(json_array_get(fields, 0)) == 0)
        {
            json_decref(fields);        /* an empty line */
        } else if (csv.header == NULL) {
            csv.header = fields;
        } else {
            csv_add(&csv, rows, fields, line);
            json_decref(fields);
        }
    }
    if (csv.header == NULL && csv.faults == 0) {
        csv_fault(&csv, 1, "a header with the names of the columns is "
                  "missing");
    }
    json_decref(csv.header);
    if (csv.faults > 0) {
        json_decref(rows);
        return NULL;
    }
    return rows;
}


/* The fields up to the end of the line; NULL: nothing after can be read. */
static json_t *
csv_record(struct csv *csv)
{
    json_t *fields = json_array();
    size_t line = csv->line;

    for (;;) {
        json_t *field = csv_field(csv);

        if (field == NULL || json_array_append_new(fields, field) != 0) {
            json_decref(fields);
            return NULL;
        }
        if (csv->next == csv->end || csv_line_end(csv)) {
            break;
        }
        if (*csv->next != ',') {
            csv_fault(csv, csv->line, "a comma or the end of the line must "
                      "follow a quoted field");
            json_decref(fields);
            return NULL;
        }
        csv->next++;
    }
    if (json_array_size(fields) > CSV_COLUMNS) {
        csv_fault(csv, line, "too many fields");
        json_decref(fields);
        return NULL;
    }
    return fields;
}


static json_t *
csv_field(struct csv *csv)
{
    const char *start = csv->next;
    json_t *field;

    if (csv->next < csv->end && *csv->next == '"') {
        return csv_quoted(csv);
    }
    while (csv->next < csv->end && memchr(",\r\n", *csv->next, 3) == NULL) {
        csv->next++;
    }
    field = json_stringn(start, (size_t) (csv->next - start));
    if (field == NULL) {
        csv_fault(csv, csv->line, "is not UTF-8");
    }
    return field;
}


/* Up to the quote that is not doubled; lines may end within. */
static json_t *
csv_quoted(struct csv *csv)
{
    size_t len = 0, line = csv->line;
    char *text = malloc((size_t) (csv->end - csv->next));
    json_t *field = NULL;

    for (csv->next++; text != NULL && csv->next < csv->end; csv->next++) {
        if (*csv->next == '"' && (++csv->next == csv->end
                                  || *csv->next != '"'))
        {
            field = json_stringn(text, len);
            free(text);
            if (field == NULL) {
                csv_fault(csv, line, "is not UTF-8");
            }
            return field;
        }
        csv->line += *csv->next == '\n';
        text[len++] = *csv->next;
    }
    free(text);
    csv_fault(csv, line, "a quote is not closed");
    return NULL;
}


static bool
csv_line_end(struct csv *csv)
{
    size_t left = (size_t) (csv->end - csv->next);

    if (left >= 2 && memcmp(csv->next, "\r\n", 2) == 0) {
        csv->next += 2;
    } else if (*csv->next == '\n' || *csv->next == '\r') {
        csv->next++;
    } else {
        return false;
    }
    csv->line++;
    return true;
}


/* The fields under the names of the header; empty ones are left out. */
static void
csv_add(struct csv *csv, json_t *rows, json_t *fields,
    size_t line)
{
    json_t *row, *field;
    size_t i;

    if (json_array_size(fields) != json_array_size(csv->header)) {
        csv_fault(csv, line, "has not as many fields as the header");
        return;
    }
    row = json_pack("{s:I}", "line", (json_int_t) line);
    json_array_foreach(fields, i, field) {
        const char *column = json_string_value(json_array_get(csv->header,
                                                              i));

        if (json_string_length(field) > 0) {
            json_object_set(row, column, field);
        }
    }
    json_array_append_new(rows, row);
}


static void
csv_fault(struct csv *csv, size_t line, const char *what)
{
    csv->faults++;
    message_error("usage", "%s, line %zu: %s", csv->name, line, what);
}
