/* rds_script.c: the scripts that the worker calls, and their names by SHA-1. */

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "rds_script.h"
#include "tollgate_scripts.h"


#define SCRIPT_SHA_SIZE  41

static const struct {
    const char  *name;
    const char  *text;
} scripts[] = {
    { "apply",   TG_SCRIPT_APPLY },
    { "close",   TG_SCRIPT_CLOSE },
    { "expire",  TG_SCRIPT_EXPIRE },
    { "lapse",   TG_SCRIPT_LAPSE },
    { "reclaim", TG_SCRIPT_RECLAIM },
    { "replace", TG_SCRIPT_REPLACE },
    { "reseat",  TG_SCRIPT_RESEAT },
    { "store",   TG_SCRIPT_STORE },
    { "trim",    TG_SCRIPT_TRIM },
};

#define SCRIPTS  (sizeof(scripts) / sizeof(scripts[0]))

static char            script_sha[SCRIPTS][SCRIPT_SHA_SIZE];
static pthread_once_t  script_once = PTHREAD_ONCE_INIT;


static void
script_digest(void)
{
    unsigned       len;
    unsigned char  digest[EVP_MAX_MD_SIZE];

    for (size_t i = 0; i < SCRIPTS; i++) {
        if (EVP_Digest(scripts[i].text, strlen(scripts[i].text), digest, &len,
                       EVP_sha1(), NULL) != 1)
        {
            die("SHA-1 is not to be had");
        }
        for (unsigned byte = 0; byte < len; byte++) {
            snprintf(script_sha[i] + 2 * byte, 3, "%02x", digest[byte]);
        }
    }
}


const char *
rds_sha(const char *script)
{
    pthread_once(&script_once, script_digest);

    for (size_t i = 0; i < SCRIPTS; i++) {
        if (strcmp(scripts[i].name, script) == 0) {
            return script_sha[i];
        }
    }

    return "";
}


bool
rds_script_load(rds_node_t *node, int64_t end_ms)
{
    for (size_t i = 0; i < SCRIPTS; i++) {
        const char  *argv[] = { "SCRIPT", "LOAD", scripts[i].text };
        RDS_REPLY reply = rds_node_call(node, 3, argv, end_ms);

        if (reply == NULL) {
            return false;
        }
    }

    return true;
}
