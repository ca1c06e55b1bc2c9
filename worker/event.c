/* event.c: checks entries of ledger streams and makes rows of them. */

#include <string.h>

#include "event.h"
#include "token.h"


#define EVENT_FIELD(name, field)  [EVENT_##name] = field,
static const char *const  event_names[EVENT_FIELDS] = {
#include "event_fields.h"
};

#define ITEM_FIELD(name, column)  ", " column
#define ITEM_LATER(name, column)  ", " column
const char  event_columns[] =
    "stream, id, n, account, epoch, seq, at_us, kind, delta, avail, held, cmd"
#include "event_fields.h"
    ;

/* The kinds, and whether they may have items, or none. */
static const struct {
    const char  *name;
    bool         items;
    bool         bare;
} event_kinds[] = {
    { "charge",    true, false },
    { "refund",    true, false },
    { "void",      true, false },
    { "command",   false, true },
    { "threshold", true, false },
    { "hold",      true, false },
    { "commit",    true, false },
    { "late",      true, false },
    { "release",   true, false },
    { "expired",   true, false },
    { "owed",      true, false },
    { "waived",    true, false },
    { "lapse",     true, false },
    { "start",     true, false },
    { "adjust",    true, false },
    { "lease",     true, true },
    { "epoch",     true, false },
};

#define EVENT_KINDS  (sizeof(event_kinds) / sizeof(event_kinds[0]))

/* The numbers of an event, in the order of their columns around the kind. */
static const struct {
    enum event_field  field;
    int64_t           min;
} event_numbers[EVENT_NUMBERS] = {
    [EVENT_N_EPOCH]   = { EVENT_EPOCH,   0 },
    [EVENT_N_SEQ]     = { EVENT_SEQ,     1 },
    [EVENT_N_TIME]    = { EVENT_TIME,    0 },
    [EVENT_N_DELTA]   = { EVENT_DELTA,   -TOKEN_INT_MAX },
    [EVENT_N_AVAIL]   = { EVENT_AVAIL,   0 },
    [EVENT_N_HELD]    = { EVENT_HELD,    0 },
    [EVENT_N_COMMAND] = { EVENT_COMMAND, 0 },
};

#define EVENT_BEFORE_KIND  3

#define EVENT_POCKET_MAX  200

static bool
event_is_account(struct token token)
{
    if (token.len != EVENT_ACCOUNT_LEN) {
        return false;
    }

    for (size_t i = 0; i < token.len; i++) {
        char  c = token.text[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
              || (c >= 'a' && c <= 'z')))
        {
            return false;
        }
    }

    return true;
}


/* A field that is unknown is of a newer version and skipped. */
static const char *
event_find_fields(struct event *event, const rds_reply_t *entry)
{
    int                 f;
    const rds_reply_t  *pairs = rds_at(entry, 1);

    for (size_t i = 0; i + 1 < rds_len(pairs); i += 2) {
        const char  *name = rds_text(rds_at(pairs, i));

        /* most stand where they are expected */
        f = i / 2 < EVENT_FIELDS ? (int) (i / 2) : 0;
        if (name == NULL || strcmp(name, event_names[f]) != 0) {
            for (f = 0; f < EVENT_FIELDS; f++) {
                if (name != NULL && strcmp(name, event_names[f]) == 0) {
                    break;
                }
            }
        }
        if (f == EVENT_FIELDS) {
            continue;
        }
        if (event->fields[f].text != NULL) {
            return "a field stands twice";
        }
        event->fields[f].text = rds_text(rds_at(pairs, i + 1));
        event->fields[f].len = rds_len(rds_at(pairs, i + 1));
    }

    for (f = 0; f < EVENT_FIELDS; f++) {
        if (event->fields[f].text == NULL) {
            return "a field is missing";
        }
    }

    return NULL;
}


const char *
event_read(struct event *event, const rds_reply_t *entry)
{
    size_t       kind;
    const char  *wrong;

    *event = (struct event) { 0 };
    wrong = event_find_fields(event, entry);

    if (wrong != NULL) {
        return wrong;
    }
    if (!event_is_account(event->fields[EVENT_ACCOUNT])) {
        return "the account is malformed";
    }

    for (size_t i = 0; i < EVENT_NUMBERS; i++) {
        if (!token_int(event->fields[event_numbers[i].field],
                       event_numbers[i].min, &event->numbers[i]))
        {
            return "a number is malformed";
        }
    }

    for (kind = 0; kind < EVENT_KINDS; kind++) {
        if (token_is(event->fields[EVENT_KIND], event_kinds[kind].name)) {
            break;
        }
    }
    if (kind == EVENT_KINDS) {
        return "the kind is unknown";
    }
    event->kind = event_kinds[kind].name;

    if (event->fields[EVENT_ITEMS].len == 0 ? !event_kinds[kind].bare
                                            : !event_kinds[kind].items)
    {
        return "it has items and should have none, or the other way round";
    }
    if (event->fields[EVENT_ITEMS].len == 0) {
        event->fields[EVENT_ITEMS].text = NULL;
    }

    return NULL;
}


static void
event_head(struct rows *rows, const char *stream, const rds_reply_t *entry,
    const struct event *event, int n)
{
    const rds_reply_t  *id = rds_at(entry, 0);

    rows_text(rows, stream, strlen(stream));
    rows_text(rows, rds_text(id), rds_len(id));
    rows_int(rows, n);
    rows_text(rows, event->fields[EVENT_ACCOUNT].text,
              event->fields[EVENT_ACCOUNT].len);

    for (size_t i = 0; i < EVENT_NUMBERS; i++) {
        if (i == EVENT_BEFORE_KIND) {
            rows_text(rows, event->kind, strlen(event->kind));
        }
        rows_int(rows, event->numbers[i]);
    }
}


/* One key, or keys with what was taken of each: "key=amount,key=amount". */
static bool
event_pockets(struct token list)
{
    bool          lone = memchr(list.text, ',', list.len) == NULL;
    int64_t       amount;
    struct token  piece, key;

    while (token_cut(&list, ',', &piece)) {
        if (!token_cut(&piece, '=', &key) || !token_is_word(key)
            || key.len > EVENT_POCKET_MAX)
        {
            return false;
        }
        if (piece.text == NULL ? !lone : !token_int(piece, 0, &amount)) {
            return false;
        }
    }

    return true;
}


bool
event_item_read(struct event_item *item, struct token text)
{
    struct token  part;

    for (int f = 0; f < ITEM_CREDITS; f++) {
        if (!token_cut(&text, ' ', &part) || !token_is_word(part)) {
            return false;
        }
        item->words[f] = token_is(part, "-") ? (struct token) { 0 } : part;
    }

    return token_cut(&text, ' ', &part) && token_int(part, 0, &item->credits)
           && token_cut(&text, ' ', &part) && token_int(part, 0, &item->units)
           && text.text == NULL;
}


/* Without pockets its credits are of no terms, or no credits at all. */
static bool
event_item(struct rows *rows, struct token item)
{
    int           f;
    int64_t       number;
    struct token  part;

    for (f = 0; f < ITEM_POCKETS && token_cut(&item, ' ', &part); f++) {
        if (f >= ITEM_CREDITS) {
            if (!token_int(part, 0, &number)) {
                return false;
            }
            rows_int(rows, number);

        } else if (token_is(part, "-")) {
            rows_null(rows);

        } else {
            if (!token_is_word(part)) {
                return false;
            }
            rows_text(rows, part.text, part.len);
        }
    }

    if (f < ITEM_POCKETS) {
        return false;
    }

    if (item.text == NULL || token_is(item, "-")) {
        rows_null(rows);
        return true;
    }

    rows_text(rows, item.text, item.len);

    return event_pockets(item);
}


const char *
event_rows(struct rows *rows, const char *stream, const rds_reply_t *entry)
{
    int           n = 0;
    size_t        mark = rows->len;
    const char   *wrong;
    struct event  event;
    struct token  items, item;

    wrong = event_read(&event, entry);
    if (wrong != NULL) {
        return wrong;
    }

    items = event.fields[EVENT_ITEMS];

    if (items.len == 0) {
        event_head(rows, stream, entry, &event, 0);
        for (int f = 0; f < ITEM_FIELDS; f++) {
            rows_null(rows);
        }
        rows_end(rows);
        return NULL;
    }

    while (token_cut(&items, ';', &item)) {
        event_head(rows, stream, entry, &event, n++);
        if (!event_item(rows, item)) {
            rows_cut(rows, mark);
            return "an item is malformed";
        }
        rows_end(rows);
    }

    return NULL;
}


bool
event_is_epoch(const rds_reply_t *entry)
{
    const rds_reply_t  *pairs = rds_at(entry, 1);

    for (size_t i = 0; i + 1 < rds_len(pairs); i += 2) {
        const char  *name = rds_text(rds_at(pairs, i));
        const char  *value = rds_text(rds_at(pairs, i + 1));

        if (name != NULL && value != NULL
            && strcmp(name, event_names[EVENT_KIND]) == 0)
        {
            return strcmp(value, "epoch") == 0;
        }
    }

    return false;
}


bool
event_malformed(struct rows *rows, const char *stream,
    const rds_reply_t *entry)
{
    struct event  event = { .kind = "malformed" };

    /* Only the account counts here, whatever else is wrong. */
    if (event_find_fields(&event, entry) != NULL
        && event.fields[EVENT_ACCOUNT].text == NULL)
    {
        return false;
    }
    if (!event_is_account(event.fields[EVENT_ACCOUNT])) {
        return false;
    }

    event_head(rows, stream, entry, &event, 0);
    for (int f = 0; f < ITEM_FIELDS; f++) {
        rows_null(rows);
    }
    rows_end(rows);

    return true;
}
