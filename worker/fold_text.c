/* fold_text.c: what a batch's accounts come to, as ledger.settle_plain wants it. */

#include <jansson.h>

#include "fold.h"
#include "log.h"


static void
fold_append(json_t *list, json_t *row)
{
    if (json_array_append_new(list, row) == -1) {
        die("out of memory");
    }
}


/* What an account used, by feature. */
static json_t *
fold_sums(const struct fold *fold, const struct fold_account *of)
{
    json_t  *sums = json_array();

    for (int i = of->spends; i != -1; i = fold->spent[i].next) {
        const struct fold_spent  *sum = &fold->spent[i];

        if (sum->credits != 0) {
            fold_append(sums, json_pack("{s:o, s:I, s:I}", "feature",
                json_stringn(sum->feature.len > 0 ? sum->feature.text : "",
                             sum->feature.len),
                "credits", (json_int_t) sum->credits,
                "at_us", (json_int_t) sum->at_us));
        }
    }

    return sums;
}


char *
fold_text(const struct fold *fold)
{
    char    *text;
    json_t  *folds = json_array();

    for (int i = 0; i < fold->count; i++) {
        const struct fold_account  *of = &fold->accounts[i];
        const struct { const char *name; int64_t value; } numbers[] = {
            { "events", of->events }, { "expired", of->expired },
            { "epoch", of->epoch }, { "first_seq", of->first_seq },
            { "last_seq", of->last_seq }, { "opening", of->opening },
            { "held_from", of->held_from }, { "held_to", of->held_to },
            { "avail", of->avail }, { "held", of->held },
            { "spent_low", of->spent_low }, { "spent_high", of->spent_high },
            { "first_us", of->first_us }, { "last_us", of->last_us },
            { "units", of->units },
        };
        json_t  *row;

        if (of->events == 0) {
            continue;
        }
        row = json_pack("{s:s, s:o}", "account", of->account,
                        "sums", fold_sums(fold, of));
        for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
            if (json_object_set_new(row, numbers[n].name,
                                    json_integer(numbers[n].value)) == -1)
            {
                die("out of memory");
            }
        }
        fold_append(folds, row);
    }

    text = json_dumps(folds, JSON_COMPACT);
    json_decref(folds);
    if (text == NULL) {
        die("out of memory");
    }

    return text;
}
