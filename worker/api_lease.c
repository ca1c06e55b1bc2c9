/*
 * api_lease.c: the route that lists what hosts have on lease.
 *
 * The lists of the shards are read from where the page before ended; SQL says
 * how a row looks, and how many there are to be.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "key_names.h"
#include "log.h"
#include "verify.h"


#define LEASE_MOST  101    /* rows of a page, and one to tell of more */

struct lease_rows {
    struct verify  verify;
    const char    *account;    /* NULL: all */
    json_t        *list;
};


static int
lease_by_name(const void *one, const void *other)
{
    return strcmp(*(const char *const *) one, *(const char *const *) other);
}


/* "account key host", and in an id with colons between. */
static void
lease_id(char *text, char from, char to)
{
    while ((text = strchr(text, from)) != NULL) {
        *text = to;
    }
}


/* The names of a shard's leases that come after one, in order. */
static const char **
lease_names(const struct lease_rows *rows, const rds_reply_t *reply,
    const char *after, size_t *count)
{
    size_t        len = rows->account == NULL ? 0 : strlen(rows->account);
    const char   *name;
    const char  **names = calloc(rds_len(reply) / 2 + 1, sizeof(*names));

    if (names == NULL) {
        die("out of memory");
    }

    *count = 0;
    for (size_t i = 0; i + 1 < rds_len(reply); i += 2) {
        name = rds_text(rds_at(reply, i));
        if (name == NULL || strcmp(name, after) <= 0
            || (len > 0 && (strncmp(name, rows->account, len) != 0
                            || name[len] != ' ')))
        {
            continue;
        }
        names[(*count)++] = name;
    }
    qsort(names, *count, sizeof(*names), lease_by_name);

    return names;
}


/* A row of the lease, unless it is gone by now. */
static bool
lease_row(struct lease_rows *rows, unsigned shard, const char *name)
{
    char         key[128], field[128], id[128];
    char        *rest, *host;
    long long    no, credits, units;
    const char  *get[] = { "HGET", key, field };

    snprintf(id, sizeof(id), "%s", name);
    rest = strchr(id, ' ');
    host = rest == NULL ? NULL : strchr(rest + 1, ' ');
    if (host == NULL) {
        return true;
    }
    snprintf(key, sizeof(key), TG_KEY_WALLET_FMT, shard, "");
    snprintf(key + strlen(key), sizeof(key) - strlen(key), "%.*s",
             (int) (rest - id), id);
    snprintf(field, sizeof(field), "o:%.*s:%s", (int) (host - rest - 1),
             rest + 1, host + 1);

    RDS_REPLY record = rds_command(rows->verify.rds, 3, get);

    if (record == NULL) {
        return false;
    }
    if (rds_text(record) != NULL
        && sscanf(rds_text(record), "%lld %lld %lld", &no, &credits, &units)
           == 3)
    {
        lease_id(id, ' ', ':');
        json_array_append_new(rows->list,
            json_pack("{s:i, s:s, s:I, s:I, s:I}",
                      "place", (int) json_array_size(rows->list), "id", id,
                      "no", (json_int_t) no, "credits", (json_int_t) credits,
                      "units", (json_int_t) units));
    }

    return true;
}


static bool
lease_shard(struct lease_rows *rows, unsigned shard, const char *after)
{
    bool          ok = true;
    char          key[64];
    size_t        count;
    const char  **names;
    const char   *get[] = { "HGETALL", key };

    snprintf(key, sizeof(key), TG_KEY_LEASES_FMT, shard);
    RDS_REPLY reply = rds_command(rows->verify.rds, 2, get);

    if (reply == NULL) {
        return false;
    }

    names = lease_names(rows, reply, after, &count);
    for (size_t i = 0;
         ok && i < count && json_array_size(rows->list) < LEASE_MOST;
         i++)
    {
        ok = lease_row(rows, shard, names[i]);
    }
    free(names);

    return ok;
}


/* From the shard and the name of the cursor, or the account's, on. */
static bool
lease_read(struct lease_rows *rows, const char *cursor)
{
    char                   after[128];
    unsigned               shard = 0, last = (unsigned) rows->verify.shards - 1;
    struct verify_account  of;

    snprintf(after, sizeof(after), "%s", cursor == NULL ? "" : cursor);
    lease_id(after, ':', ' ');

    if (after[0] != '\0' || rows->account != NULL) {
        char  id[VERIFY_ACCOUNT_LEN + 1];

        snprintf(id, sizeof(id), "%.*s", VERIFY_ACCOUNT_LEN,
                 rows->account != NULL ? rows->account : after);
        verify_name(&rows->verify, &of, id);
        shard = of.shard;
        last = rows->account != NULL ? shard : last;
    }

    for (; shard <= last && json_array_size(rows->list) < LEASE_MOST;
         shard++)
    {
        if (!lease_shard(rows, shard, after)) {
            return false;
        }
        after[0] = '\0';
    }

    return true;
}


void
api_lease(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    json_t            *asked = json_copy((json_t *) args);
    struct lease_rows  rows = {
        .verify = { .pg = pg, .rds = rds_new(conf) },
        .account = json_string_value(json_object_get(args, "account")),
        .list = json_array(),
    };

    if (!verify_ready(&rows.verify)) {
        api_problem_of_pg(answer, pg, "lib.setting");

    } else if (!rds_ready(rows.verify.rds)
               || !lease_read(&rows, json_string_value(
                                         json_object_get(args, "cursor"))))
    {
        log_error("leases can't be listed: %s", rds_error(rows.verify.rds));
        api_problem(answer, 503, "store_unreachable",
                    "redis can't be reached", NULL);

    } else {
        json_object_set(asked, "_leases", rows.list);
        api_ask(pg, "api.lease_list", 200, asked, answer);
    }

    json_decref(asked);
    json_decref(rows.list);
    rds_free(rows.verify.rds);
}
