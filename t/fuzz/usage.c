/*
 * usage.c: fuzzes the records of usage streams: each line becomes a row that
 * can be copied to Postgres or is counted as rejected.
 */
#include "worker_shim.h"

#include "../../worker/usage.c"


/* Lines of the text, without an empty one after the last line's end. */
static int64_t
usage_lines(const uint8_t *data, size_t size)
{
    int64_t  lines = 1;

    for (size_t i = 0; i < size; i++) {
        lines += data[i] == '\n' && i + 1 < size;
    }

    return size == 0 ? 0 : lines;
}


/* An input of "#" alone is an entry whose batch is no text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t       taken = 0, rejected = 0;
    rds_reply_t  *entry = shim_array(), *pairs = shim_array();
    struct rows   rows = { 0 };
    const char   *id = "1795262400000-0", *name = "b";

    shim_push(entry, shim_text((struct input) { (const uint8_t *) id, 15 }));
    shim_push(entry, pairs);
    shim_push(pairs, shim_text((struct input) { (const uint8_t *) name, 1 }));
    shim_push(pairs, shim_text((struct input) { data, size }));

    usage_rows(&rows, entry, &rejected);
    shim_check_rows(&rows, USAGE_FIELDS);

    for (size_t i = 0; i < rows.len; i++) {
        taken += rows.text[i] == '\n';
    }

    CHECK(taken + rejected
          == (size != 0 && data[0] == '#' ? 1 : usage_lines(data, size)));

    rows_free(&rows);
    shim_free(entry);

    return 0;
}
