/*
 * api_import.c: reads a list of keys that customers hold, and hashes them: what
 * SQL gets of a key is its SHA-256 and what may be shown of it.
 */

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api.h"


#define IMPORT_KEY_MIN    8
#define IMPORT_KEY_MAX    512
#define IMPORT_SHOWN_MIN  20    /* of shorter ones nothing is shown */
#define IMPORT_HASH_LEN   64
#define IMPORT_HASHED     "sha256:"

/* What may be said of a key beside itself; the rest is for SQL to check. */
static const char *const import_members[] = {
    "expires_at", "ips", "line", "methods", "models", "name", "paths",
    "scopes",
};

#define IMPORT_MEMBERS  (sizeof(import_members) / sizeof(import_members[0]))


/* Reads a hash of either case into text; false where it is none. */
static bool
import_hash(const char *hash, char text[IMPORT_HASH_LEN + 1])
{
    if (strlen(hash) != IMPORT_HASH_LEN
        || strspn(hash, "0123456789abcdefABCDEF") != IMPORT_HASH_LEN)
    {
        return false;
    }

    for (size_t i = 0; i <= IMPORT_HASH_LEN; i++) {
        text[i] = (char) (hash[i] >= 'A' && hash[i] <= 'F' ? hash[i] + 32
                                                           : hash[i]);
    }

    return true;
}


/* Why this can't be a key at the gate, or NULL. */
static const char *
import_fault(const char *key, size_t len)
{
    if (len < IMPORT_KEY_MIN) {
        return "is too short: a key has at least 8 characters";
    }
    if (len > IMPORT_KEY_MAX) {
        return "is too long: a key has at most 512 characters";
    }
    for (size_t i = 0; i < len; i++) {
        if (key[i] < 0x20 || key[i] > 0x7e) {
            return "has characters that are not printable ASCII";
        }
    }
    if (key[0] == ' ' || key[len - 1] == ' ') {
        return "begins or ends with a space";
    }
    if (strncasecmp(key, "Bearer ", 7) == 0) {
        return "begins with Bearer, which is no part of a key";
    }
    if (strncmp(key, "tg_live_", 8) == 0 || strncmp(key, "tg_test_", 8) == 0) {
        return "has the form of a key of Tollgate, which makes those itself";
    }

    return NULL;
}


/* The hash of a key, and the ends of one that is long enough to show them. */
static const char *
import_key(const char *key, size_t len, json_t *entry)
{
    char           hash[2 * EVP_MAX_MD_SIZE + 1];
    unsigned       size = 0;
    unsigned char  digest[EVP_MAX_MD_SIZE];
    const char    *fault = import_fault(key, len);

    if (fault != NULL) {
        return fault;
    }
    if (!EVP_Digest(key, len, digest, &size, EVP_sha256(), NULL)) {
        return "could not be hashed";
    }
    for (unsigned i = 0; i < size; i++) {
        snprintf(hash + 2 * i, 3, "%02x", digest[i]);
    }

    json_object_set_new(entry, "hash", json_string(hash));
    if (len >= IMPORT_SHOWN_MIN) {
        json_object_set_new(entry, "prefix", json_stringn(key, 4));
        json_object_set_new(entry, "last4", json_stringn(key + len - 4, 4));
    }

    return NULL;
}


/* The key of an entry, which is given as it is or as its hash. */
static const char *
import_secret(const json_t *given, json_t *entry)
{
    char           hash[IMPORT_HASH_LEN + 1];
    const json_t  *key = json_object_get(given, "key");
    const json_t  *hashed = json_object_get(given, "sha256");
    const char    *text = json_string_value(key != NULL ? key : hashed);

    if ((key == NULL) == (hashed == NULL) || text == NULL) {
        return "has to have one of key and sha256, as a text";
    }
    if (key != NULL && strncmp(text, IMPORT_HASHED,
                               sizeof(IMPORT_HASHED) - 1) != 0)
    {
        return import_key(text, json_string_length(key), entry);
    }

    text += key != NULL ? sizeof(IMPORT_HASHED) - 1 : 0;
    if (!import_hash(text, hash)) {
        return "has a SHA-256 that is not 64 hexadecimal digits";
    }
    json_object_set_new(entry, "hash", json_string(hash));

    return NULL;
}


/* An entry as SQL gets it; a fault takes the place of the key. */
static json_t *
import_entry(const json_t *given, size_t i)
{
    size_t       known = 0;
    json_t      *value, *entry = json_object();
    const char  *fault;

    json_object_set_new(entry, "line", json_integer((json_int_t) i + 1));

    for (size_t m = 0; m < IMPORT_MEMBERS; m++) {
        value = json_object_get(given, import_members[m]);
        if (value != NULL) {
            json_object_set(entry, import_members[m], value);
            known++;
        }
    }
    known += json_object_get(given, "key") != NULL;
    known += json_object_get(given, "sha256") != NULL;

    /* Its name may be a key that stands in the wrong place. */
    fault = !json_is_object(given) ? "is not an object"
            : !json_is_integer(json_object_get(entry, "line"))
              ? "has a line that is not a number"
            : known < json_object_size(given)
              ? "has a member that no key has"
            : import_secret(given, entry);
    if (fault != NULL) {
        json_object_set_new(entry, "fault", json_string(fault));
    }
    if (!json_is_integer(json_object_get(entry, "line"))) {
        json_object_set_new(entry, "line", json_integer((json_int_t) i + 1));
    }

    return entry;
}


void
api_import(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    size_t   i;
    json_t  *given, *keys, *clean;

    (void) conf;

    keys = json_array();
    json_array_foreach(json_object_get(args, "keys"), i, given) {
        json_array_append_new(keys, import_entry(given, i));
    }

    clean = json_pack("{s:o, s:O*, s:O*, s:O*}", "keys", keys,
                      "app", json_object_get(args, "app"),
                      "dry_run", json_object_get(args, "dry_run"),
                      "_actor", json_object_get(args, "_actor"));
    api_ask(pg, "api.key_import", 200, clean, answer);
    json_decref(clean);
}
