/*
 * usage.c: fuzzes the records of usage streams: each line becomes a row that
 * can be copied to Postgres, into one table or the other, or is counted as
 * rejected.
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


static int64_t
usage_count(const struct rows *rows)
{
    int64_t  count = 0;

    for (size_t i = 0; i < rows->len; i++) {
        count += rows->text[i] == '\n';
    }

    return count;
}


/* An input of "#" alone is an entry whose batch is no text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t             taken;
    rds_reply_t        *entry = shim_array(), *pairs = shim_array();
    const char         *id = "1795262400000-0", *name = "b";
    struct usage_batch  batch = { 0 };

    shim_push(entry, shim_text((struct input) { (const uint8_t *) id, 15 }));
    shim_push(entry, pairs);
    shim_push(pairs, shim_text((struct input) { (const uint8_t *) name, 1 }));
    shim_push(pairs, shim_text((struct input) { data, size }));

    usage_rows(&batch, "host", entry);
    shim_check_rows(&batch.plain, USAGE_FIELDS + 2);
    shim_check_rows(&batch.special, USAGE_FIELDS);

    taken = usage_count(&batch.plain);
    CHECK(taken == batch.count);
    CHECK(taken + usage_count(&batch.special) + batch.rejected
          == (size != 0 && data[0] == '#' ? 1 : usage_lines(data, size)));

    usage_free(&batch);
    shim_free(entry);

    return 0;
}
