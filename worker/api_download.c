/*
 * api_download.c: makes download links: SQL has the row and the claims, and the
 * secret that signs them stays here.
 */

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "log.h"


#define DOWNLOAD_SECRET_MIN  32
#define DOWNLOAD_SECRET_MAX  256
#define DOWNLOAD_SIGNATURE   43    /* base64url of 32 bytes, without padding */

/* What a path in a URL holds as it is. */
#define DOWNLOAD_PATH_CHARACTERS                                              \
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~/"


/* Reads the secret at each call, so that it can be replaced at any time. */
static bool
download_secret(const struct conf *conf, char secret[DOWNLOAD_SECRET_MAX + 4],
    struct api_answer *answer)
{
    const char  *path = conf->api_link_secret_file;

    if (path[0] == '\0') {
        api_problem(answer, 409, "link_secret_missing", "no link_secret_file "
                    "is set in section [api] of worker.ini", NULL);
        return false;
    }

    if (!conf_secret(path, secret, DOWNLOAD_SECRET_MAX + 4)) {
        api_problem(answer, 409, "link_secret_missing", "the link_secret_file "
                    "of worker.ini can't be read, see the worker's log", NULL);
        return false;
    }

    if (strlen(secret) < DOWNLOAD_SECRET_MIN
        || strlen(secret) > DOWNLOAD_SECRET_MAX)
    {
        OPENSSL_cleanse(secret, DOWNLOAD_SECRET_MAX + 4);
        log_error("\"%s\" must begin with a line of %d to %d bytes", path,
                  DOWNLOAD_SECRET_MIN, DOWNLOAD_SECRET_MAX);
        api_problem(answer, 409, "link_secret_missing", "the link_secret_file "
                    "of worker.ini must begin with a line of 32 to 256 bytes",
                    NULL);
        return false;
    }

    return true;
}


/* The text that is signed: claims, arguments and decoded path, a line each. */
static bool
download_signature(const char *secret, const char *claims, const char *query,
    const char *path, char signature[DOWNLOAD_SIGNATURE + 2])
{
    bool           made;
    char          *text;
    unsigned       len = 0;
    unsigned char  mac[EVP_MAX_MD_SIZE];

    if (asprintf(&text, "%s\n%s\n%s", claims, query, path) == -1) {
        return false;
    }

    made = HMAC(EVP_sha256(), secret, (int) strlen(secret),
                (unsigned char *) text, strlen(text), mac, &len) != NULL;
    free(text);
    if (!made) {
        return false;
    }

    EVP_EncodeBlock((unsigned char *) signature, mac, (int) len);
    signature[DOWNLOAD_SIGNATURE] = '\0';
    for (char *p = signature; *p != '\0'; p++) {
        *p = (char) (*p == '+' ? '-' : *p == '/' ? '_' : *p);
    }

    return true;
}


/* The path as it stands in a URL; free() it. */
static char *
download_escape(const char *path)
{
    char  *text = malloc(3 * strlen(path) + 1), *p = text;

    if (text == NULL) {
        return NULL;
    }

    for ( /* void */ ; *path != '\0'; path++) {
        if (strchr(DOWNLOAD_PATH_CHARACTERS, *path) != NULL) {
            *p++ = *path;
        } else {
            p += sprintf(p, "%%%02X", (unsigned char) *path);
        }
    }
    *p = '\0';

    return text;
}


/* Puts the URL in the place of the claims; false where that failed. */
static bool
download_sign(const char *secret, json_t *link)
{
    bool         done;
    char        *escaped, signature[DOWNLOAD_SIGNATURE + 2];
    json_t      *url;
    const char  *path = json_string_value(json_object_get(link, "path"));
    const char  *query = json_string_value(json_object_get(link, "query"));
    const char  *claims = json_string_value(json_object_get(link, "claims"));

    query = query != NULL ? query : "";
    if (path == NULL || claims == NULL
        || !download_signature(secret, claims, query, path, signature))
    {
        return false;
    }

    escaped = download_escape(path);
    if (escaped == NULL) {
        return false;
    }

    url = json_sprintf("%s?%s%stg=%s.%s", escaped, query,
                       query[0] != '\0' ? "&" : "", claims, signature);
    done = json_object_set_new(link, "url", url) == 0
           && json_object_del(link, "claims") == 0;
    free(escaped);

    return done;
}


void
api_download(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    char     secret[DOWNLOAD_SECRET_MAX + 4];
    json_t  *link;

    /* Without one there would be a row and no link. */
    if (!download_secret(conf, secret, answer)) {
        return;
    }

    api_ask(pg, "api.download_create", 201, args, answer);

    if (!answer->problem) {
        link = json_loads(answer->body, 0, NULL);
        free(answer->body);
        answer->body = NULL;

        if (download_sign(secret, link)) {
            api_reply(answer, 201, link);
        } else {
            json_decref(link);
            log_error("a download link could not be signed");
            api_problem(answer, 500, "internal_error",
                        "an error of ours; the log has more", NULL);
        }
    }

    OPENSSL_cleanse(secret, sizeof(secret));
}
