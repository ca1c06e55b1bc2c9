/*
 * event.c: fuzzes the entries of ledger streams: whatever becomes a row can be
 * copied to Postgres, and what is refused leaves nothing behind.
 */
#include "worker_shim.h"

#include "../../worker/event.c"

#define EVENT_COLUMNS  (12 + ITEM_FIELDS)


static size_t
event_lines(const struct rows *rows)
{
    size_t  lines = 0;

    for (size_t i = 0; i < rows->len; i++) {
        lines += rows->text[i] == '\n';
    }

    return lines;
}


/* The pieces between "|" are names and values in turn. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char    *wrong;
    rds_reply_t   *entry = shim_array(), *pairs = shim_array();
    struct rows    rows = { 0 };
    struct input   input = { data, size }, piece;
    struct event   event = { 0 };
    static const char  id[] = "1795262400000-0";

    shim_push(entry, shim_text((struct input) { (const uint8_t *) id,
                                                sizeof(id) - 1 }));
    shim_push(entry, pairs);
    while (input_cut(&input, '|', &piece)) {
        shim_push(pairs, shim_text(piece));
    }

    wrong = event_rows(&rows, "tg:{1}:ledger", entry);
    shim_check_rows(&rows, EVENT_COLUMNS);

    if (wrong != NULL) {
        CHECK(rows.len == 0);
        if (event_malformed(&rows, "tg:{1}:ledger", entry)) {
            CHECK(event_lines(&rows) == 1);
            CHECK(strstr(rows.text, "\tmalformed\t") != NULL);
        } else {
            CHECK(rows.len == 0);
        }
        shim_check_rows(&rows, EVENT_COLUMNS);

    } else {
        CHECK(event_read(&event, entry) == NULL);
        CHECK(event_lines(&rows) >= 1);
        for (size_t i = 0; i < EVENT_NUMBERS; i++) {
            CHECK(event.numbers[i] >= event_numbers[i].min);
            CHECK(event.numbers[i] <= TOKEN_INT_MAX);
        }
    }

    rows_free(&rows);
    shim_free(entry);

    return 0;
}
