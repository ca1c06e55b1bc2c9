/*
 * api_export.c: lists that are answered as CSV, page by page, so that one of
 * any length takes the memory of a page.
 *
 * The function of SQL answers {"text", "next_cursor"} where its argument
 * format is csv; the cursor is its argument for the next page.
 */

#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "log.h"


struct api_export {
    const char  *function;
    json_t      *args;
    json_t      *page;             /* what the function answered last */
    size_t       sent;             /* bytes of its text */
};

static bool api_export_page(struct api_export *export, pg_t *pg);


void
api_export(pg_t *pg, const char *function, unsigned status,
    const json_t *args, struct api_answer *answer)
{
    const char         *format;
    struct api_export  *export;

    format = json_string_value(json_object_get(args, "format"));
    if (format == NULL || strcmp(format, "csv") != 0) {
        api_ask(pg, function, status, args, answer);
        return;
    }

    export = calloc(1, sizeof(*export));
    if (export == NULL) {
        api_problem(answer, 500, "internal_error", "out of memory", NULL);
        return;
    }
    export->function = function;
    export->args = json_deep_copy(args);

    /* The first page is there before the status: what is refused is told. */
    if (!api_export_page(export, pg)) {
        api_problem_of_pg(answer, pg, function);
        api_export_free(export);
        return;
    }

    answer->status = status;
    answer->type = "text/csv; charset=utf-8; header=present";
    answer->export = export;
}


/* Asks for the page at the cursor in args, and moves the cursor on. */
static bool
api_export_page(struct api_export *export, pg_t *pg)
{
    bool          ok;
    char         *text = json_dumps(export->args, JSON_COMPACT);
    const char   *params[] = { text }, *value;

    PG_RESULT result = text != NULL && pg_ready(pg)
                       ? pg_call(pg, export->function, 1, params) : NULL;

    free(text);
    if (result == NULL) {
        return false;
    }

    json_decref(export->page);
    value = pg_value(result, 0, 0);
    export->page = json_loads(value ? value : "null", 0, NULL);
    export->sent = 0;
    ok = json_is_string(json_object_get(export->page, "text"));

    return ok && json_object_set(export->args, "cursor",
                     json_object_get(export->page, "next_cursor")) == 0;
}


ssize_t
api_export_read(struct api_export *export, pg_t *pg, char *out, size_t max)
{
    size_t       len;
    const char  *text;

    for ( ;; ) {
        text = json_string_value(json_object_get(export->page, "text"));
        len = strlen(text) - export->sent;
        if (len > 0) {
            break;
        }
        if (json_is_null(json_object_get(export->args, "cursor"))) {
            return 0;
        }
        if (!api_export_page(export, pg)) {
            log_error("%s failed in the midst of an export: %s",
                      export->function, pg_error(pg)->message);
            return -1;
        }
    }

    if (len > max) {
        len = max;
    }
    memcpy(out, text + export->sent, len);
    export->sent += len;

    return (ssize_t) len;
}


void
api_export_free(struct api_export *export)
{
    if (export != NULL) {
        json_decref(export->args);
        json_decref(export->page);
        free(export);
    }
}
