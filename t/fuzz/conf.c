/*
 * conf.c: fuzzes worker.ini, and files that hold a secret: what is accepted is
 * in its range, and what is refused says where.
 */
#include "worker_shim.h"

#include "../../worker/conf.c"


static void
conf_check_row(const struct conf *conf, const struct conf_row *row)
{
    const char  *field = (const char *) conf + row->offset;
    int64_t      number;

    if (row->type == CONF_STRING) {
        CHECK(memchr(field, '\0', CONF_STRING_MAX) != NULL);
        return;
    }

    memcpy(&number, field, sizeof(number));
    if (row->max != 0) {
        CHECK(number >= row->min && number <= row->max);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         secret[64], where[80];
    size_t       n;
    struct conf  conf;
    const char  *path = shim_file(data, size);

    shim_logged[0] = '\0';

    if (conf_read(&conf, path)) {
        for (size_t i = 0; i < CONF_ROWS; i++) {
            conf_check_row(&conf, &conf_rows[i]);
        }
        CHECK(conf.worker_roles > 0 && conf.worker_roles < 1 << ROLE_MAX);
        CHECK(conf.worker_log_level >= LOG_LEVEL_ERROR
              && conf.worker_log_level <= LOG_LEVEL_DEBUG);
        CHECK(strcmp(conf.api_socket, conf.api_admin_socket) != 0);
    } else {
        snprintf(where, sizeof(where), "%s:", path);
        CHECK(strncmp(shim_logged, where, strlen(where)) == 0);
    }

    if (conf_secret(path, secret, sizeof(secret))) {
        n = strlen(secret);
        CHECK(n > 0 && n < sizeof(secret) - 1);
        CHECK(strpbrk(secret, "\r\n") == NULL);
        CHECK(n <= size && memcmp(secret, data, n) == 0);
    }

    shim_close();

    return 0;
}
