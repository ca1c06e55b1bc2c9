/* table.c: aligned tables for people, in any script that a terminal shows. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define TABLE_COLUMNS 16

/* The widths of a column: of all, and right of the decimal point. */
struct table_width {
    int whole;
    int fraction;
};

static void table_title(const char *text, int width, bool last, bool color);
static void table_measure(const struct cli_column *column, const char *text,
    struct table_width *width);
static void table_print(const struct cli_column *column, const char *text,
    const struct table_width *width, bool last, bool color);
static const char *table_color(const char *text);
static char *table_clean(const char *text);
static char *table_list(const json_t *list);
static int table_text_width(const char *text);
static int table_fraction(const char *text);
static void table_pad(int count);

/* Words of states and outcomes; others keep the terminal's color. */
static const struct {
    const char *word;
    const char *color;
} table_colors[] = {
    { "active", "\033[32m" }, { "done", "\033[32m" }, { "ok", "\033[32m" },
    { "yes", "\033[32m" }, { "failed", "\033[31m" }, { "frozen", "\033[31m" },
    { "no", "\033[31m" }, { "revoked", "\033[31m" },
    { "paused", "\033[33m" }, { "suspended", "\033[33m" }, { NULL, NULL }
};


bool
table_rows(const struct cli_column *columns, const json_t *rows,
    bool color)
{
    struct table_width width[TABLE_COLUMNS] = {{0, 0}};
    size_t count = 0, i, c;
    json_t *row;

    while (columns[count].title != NULL && count < TABLE_COLUMNS) {
        count++;
    }
    /* Fractions first: what is left of the point is padded to them. */
    for (int pass = 0; pass < 2; pass++) {
        json_array_foreach(rows, i, row) {
            for (c = 0; c < count; c++) {
                char *cell = table_cell(row, columns[c].member);

                if (cell == NULL) {
                    return false;
                }
                table_measure(&columns[c], cell, &width[c]);
                free(cell);
            }
        }
    }
    for (c = 0; c < count; c++) {
        int title = table_text_width(columns[c].title);

        width[c].whole = title > width[c].whole ? title : width[c].whole;
        if (columns[c].align == CLI_POINT) {
            table_pad(width[c].whole - title);
            title = width[c].whole;
        }
        table_title(columns[c].title, width[c].whole - title, c + 1 == count,
                    color);
    }
    json_array_foreach(rows, i, row) {
        for (c = 0; c < count; c++) {
            char *cell = table_cell(row, columns[c].member);

            if (cell == NULL) {
                return false;
            }
            table_print(&columns[c], cell, &width[c], c + 1 == count, color);
            free(cell);
        }
    }
    return true;
}


/* One object: a line for each column. */
bool
table_object(const struct cli_column *columns, const json_t *object,
    bool color)
{
    struct table_width none = {0, 0};
    const struct cli_column *column;
    int widest = 0;

    for (column = columns; column->title != NULL; column++) {
        int width = table_text_width(column->title);

        widest = width > widest ? width : widest;
    }
    for (column = columns; column->title != NULL; column++) {
        char *cell = table_cell(object, column->member);

        if (cell == NULL) {
            return false;
        }
        table_title(column->title, widest - table_text_width(column->title),
                    false, color);
        table_print(column, cell, &none, true, color);
        free(cell);
    }
    return true;
}


static void
table_title(const char *text, int pad, bool last, bool color)
{
    printf(color ? "\033[1m%s\033[0m" : "%s", text);
    if (last) {
        putchar('\n');
    } else {
        table_pad(pad + 2);
    }
}


static void
table_measure(const struct cli_column *column, const char *text,
    struct table_width *width)
{
    int whole = table_text_width(text);

    if (column->align == CLI_POINT) {
        int fraction = table_fraction(text);

        width->fraction = fraction > width->fraction ? fraction
                                                     : width->fraction;
        whole += width->fraction - fraction;
    }
    width->whole = whole > width->whole ? whole : width->whole;
}


static void
table_print(const struct cli_column *column, const char *text,
    const struct table_width *width, bool last, bool color)
{
    int left = width->whole - table_text_width(text), right = 0;
    const char *paint = color && column->align == CLI_STATE
                        ? table_color(text) : NULL;

    if (column->align == CLI_POINT && width->whole > 0) {
        right = width->fraction - table_fraction(text);
        table_pad(left - right);
    } else {
        right = left;
    }
    printf("%s%s%s", paint == NULL ? "" : paint, text,
           paint == NULL ? "" : "\033[0m");
    if (last) {
        putchar('\n');
    } else {
        table_pad(right + 2);
    }
}


static const char *
table_color(const char *text)
{
    size_t i = 0;

    while (table_colors[i].word != NULL
           && strcmp(table_colors[i].word, text) != 0)
    {
        i++;
    }
    return table_colors[i].color;
}


char *
table_cell(const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);
    char *dumped, *clean;

    if (value == NULL || json_is_null(value)) {
        return strdup("-");
    }
    if (json_is_boolean(value)) {
        return strdup(json_is_true(value) ? "yes" : "no");
    }
    if (json_is_string(value)) {
        return table_clean(json_string_value(value));
    }
    if (json_is_array(value)) {
        return table_list(value);
    }
    dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT
                               | JSON_SORT_KEYS);
    if (dumped == NULL) {
        return NULL;
    }
    clean = table_clean(dumped);
    free(dumped);
    return clean;
}


/* Whatever could steer the terminal becomes a question mark. */
static char *
table_clean(const char *text)
{
    size_t left = strlen(text);
    char *clean = malloc(left + 1), *out = clean;
    mbstate_t state = {0};

    while (clean != NULL && left > 0) {
        wchar_t wide;
        size_t len = mbrtowc(&wide, text, left, &state);

        if (len == 0 || len > left) {
            len = 1;
            memset(&state, 0, sizeof(state));
            *out++ = '?';
        } else if (wcwidth(wide) < 0) {
            *out++ = wide == L'\n' || wide == L'\t' ? ' ' : '?';
        } else {
            memcpy(out, text, len);
            out += len;
        }
        text += len;
        left -= len;
    }
    if (clean != NULL) {
        *out = '\0';
    }
    return clean;
}


/* The texts and whole numbers of a list, with spaces between. */
static char *
table_list(const json_t *list)
{
    size_t i, size = sizeof("-");
    json_t *item;
    char *joined, *out, *clean;

    json_array_foreach(list, i, item) {
        size += json_is_integer(item) ? sizeof("-9223372036854775808")
                                      : json_string_length(item) + 1;
    }
    joined = out = malloc(size);
    if (joined == NULL) {
        return NULL;
    }
    json_array_foreach(list, i, item) {
        out = stpcpy(out, i > 0 ? " " : "");
        if (json_is_integer(item)) {
            out += sprintf(out, "%lld", (long long) json_integer_value(item));
        } else {
            out = stpcpy(out, json_is_string(item) ? json_string_value(item)
                                                   : "");
        }
    }
    strcpy(out, out == joined ? "-" : "");
    clean = table_clean(joined);
    free(joined);
    return clean;
}


/* Columns on the terminal; combining marks take none, wide letters two. */
static int
table_text_width(const char *text)
{
    size_t left = strlen(text);
    mbstate_t state = {0};
    int width = 0;

    while (left > 0) {
        wchar_t wide;
        size_t len = mbrtowc(&wide, text, left, &state);

        if (len == 0 || len > left) {
            return width + (int) left;
        }
        width += wcwidth(wide) > 0 ? wcwidth(wide) : 0;
        text += len;
        left -= len;
    }
    return width;
}


/* Length of the point and what follows it. */
static int
table_fraction(const char *text)
{
    const char *point = strchr(text, '.');

    return point == NULL ? 0 : (int) strlen(point);
}


static void
table_pad(int count)
{
    if (count > 0) {
        printf("%*s", count, "");
    }
}
