/*
 * verify_pockets.c: pockets of accounts, as both sides have them, for the proof.
 *
 * A pocket of the wallet, with what holds took out of it, is what the grants of
 * that name have left, less what commands bring that Redis hasn't applied, with
 * what events that aren't settled did.  The plain pocket is the rest.
 */

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "verify.h"


#define POCKET_ITEM_PART  7     /* of an item, where its pockets stand */

struct verify_pocket {
    char     *name;
    size_t    len;
    int64_t   redis;
    int64_t   ledger;
};


static struct verify_pocket *
pocket_find(struct verify_account *account, const char *name, size_t len)
{
    struct verify_pocket  *pocket;

    for (size_t i = 0; i < account->pocket_count; i++) {
        pocket = &account->pockets[i];
        if (pocket->len == len && memcmp(pocket->name, name, len) == 0) {
            return pocket;
        }
    }

    account->pockets = realloc(account->pockets, sizeof(*pocket)
                                                 * (account->pocket_count + 1));
    if (account->pockets == NULL) {
        die("out of memory");
    }
    pocket = &account->pockets[account->pocket_count++];
    *pocket = (struct verify_pocket) { .name = strndup(name, len),
                                       .len = len };
    if (pocket->name == NULL) {
        die("out of memory");
    }

    return pocket;
}


static void
pocket_add(struct verify_account *account, const char *name, size_t len,
    int64_t redis, int64_t ledger)
{
    struct verify_pocket  *pocket;

    if (len == 0 || (len == 1 && name[0] == '-')) {
        return;
    }
    pocket = pocket_find(account, name, len);
    pocket->redis += redis;
    pocket->ledger += ledger;
}


/*
 * Of "name=amount,..." or a name that has all of the amount; ends at a space, a
 * semicolon or the end.
 */
static void
pocket_add_list(struct verify_account *account, const char *list,
    int64_t amount, bool in_redis, int sign)
{
    size_t   len, end = strcspn(list, " ;\n");
    char    *rest;
    int64_t  part;

    if (memchr(list, '=', end) == NULL) {
        amount *= sign;
        pocket_add(account, list, end, in_redis ? amount : 0,
                   in_redis ? 0 : amount);
        return;
    }

    while (end > 0) {
        len = strcspn(list, "=");
        part = strtoll(list + len + 1, &rest, 10) * sign;
        pocket_add(account, list, len, in_redis ? part : 0,
                   in_redis ? 0 : part);
        if (*rest != ',') {
            break;
        }
        list = rest + 1;
    }
}


void
verify_pockets_forget(struct verify_account *account)
{
    for (size_t i = 0; i < account->pocket_count; i++) {
        free(account->pockets[i].name);
    }
    free(account->pockets);
    account->pockets = NULL;
    account->pocket_count = 0;
    account->pockets_hidden = false;
}


/* "next sum name amount ...". */
void
verify_pockets_head(struct verify_account *account, const char *text)
{
    size_t       len;
    const char  *name = strchr(text, ' ');

    name = name != NULL ? strchr(name + 1, ' ') : NULL;
    if (name != NULL) {
        len = strcspn(++name, " ");
        pocket_add(account, name, len, strtoll(name + len, NULL, 10), 0);
    }
}


/* Lines "name amount". */
void
verify_pockets_tail(struct verify_account *account, const char *text)
{
    size_t  len;

    while (*text != '\0') {
        len = strcspn(text, " \n");
        pocket_add(account, text, len, strtoll(text + len, NULL, 10), 0);
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
}


/* What a hold took: a word "p:..." of its record. */
void
verify_pockets_held(struct verify_account *account, const char *record)
{
    const char  *word = strstr(record, " p:");

    if (word == NULL) {
        return;
    }
    if (word[3] == '@') {
        account->pockets_hidden = true;    /* its marker has them */
        return;
    }
    pocket_add_list(account, word + 3, 0, true, 1);
}


/* What grants have left: "name=amount,...". */
void
verify_pockets_ledger(struct verify_account *account, const char *list)
{
    if (list != NULL) {
        pocket_add_list(account, list, 0, false, 1);
    }
}


/* What a command brings that Redis hasn't applied. */
void
verify_pockets_unapplied(struct verify_account *account, const char *list,
    int64_t delta)
{
    pocket_add_list(account, list, delta, false, -1);
}


/* What an event did that isn't settled, by its items. */
void
verify_pockets_event(struct verify_account *account, const char *items,
    int64_t delta)
{
    int          part;
    int64_t      credits;
    const char  *p = items;

    while (*p != '\0') {
        credits = 0;
        for (part = 0; part < POCKET_ITEM_PART; part++) {
            if (part == POCKET_ITEM_PART - 2) {
                credits = strtoll(p, NULL, 10);
            }
            p += strcspn(p, " ;");
            if (*p != ' ') {
                break;
            }
            p++;
        }
        if (part == POCKET_ITEM_PART) {
            pocket_add_list(account, p, credits, false, delta < 0 ? -1 : 1);
            p += strcspn(p, ";");
        }
        p += *p == ';';
    }
}


bool
verify_pockets_hold(const struct verify_account *account, int64_t *redis,
    int64_t *ledger)
{
    const struct verify_pocket  *pocket;

    for (size_t i = 0; i < account->pocket_count && !account->pockets_hidden;
         i++)
    {
        pocket = &account->pockets[i];
        if (pocket->redis != pocket->ledger) {
            *redis = pocket->redis;
            *ledger = pocket->ledger;
            return false;
        }
    }

    return true;
}
