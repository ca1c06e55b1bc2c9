/* conf_check.c: what holds between keys, and the servers that one lists. */

#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"


static bool
conf_is_server(const char *server)
{
    char        *end;
    long         port;
    const char  *colon = strrchr(server, ':');

    if (strncmp(server, "unix:", 5) == 0) {
        return server[5] == '/';
    }
    if (colon == NULL || colon == server) {
        return false;
    }

    port = strtol(colon + 1, &end, 10);

    return colon[1] >= '0' && colon[1] <= '9' && *end == '\0' && port > 0
           && port < 65536;
}


/* Every server is an address; how many there are, or -1. */
static int
conf_servers(const struct conf *conf, const char *path)
{
    int   count;
    char  server[CONF_STRING_MAX];

    for (count = 0; conf_server(conf, count, server); count++) {
        if (!conf_is_server(server)) {
            log_error("%s: \"server\" of section [redis] must be unix:/path or "
                      "host:port, not \"%s\"", path, server);
            return -1;
        }
    }

    if (count == 0) {
        log_error("%s: \"server\" of section [redis] must name a server",
                  path);
        return -1;
    }

    return count;
}


bool
conf_check(const struct conf *conf, const char *path)
{
    int   servers = conf_servers(conf, path);
    bool  sentinel = conf->redis_sentinel[0] != '\0';
    bool  by_path = strstr(conf->redis_server, "unix:") != NULL;

    const struct {
        bool         broken;
        const char  *message;
    } rules[] = {
        { conf->redis_cluster && sentinel,
          "\"cluster\" and \"sentinel\" of section [redis] exclude each "
          "other" },
        { conf->redis_cluster && conf->redis_database != 0,
          "\"database\" of section [redis] must be 0 with \"cluster = on\"" },
        { servers > 1 && !conf->redis_cluster && !sentinel,
          "several servers of section [redis] want \"cluster = on\", or "
          "\"sentinel\" with the name of their master" },
        { by_path && (servers > 1 || conf->redis_cluster || conf->redis_tls),
          "unix:/path of section [redis] is for one server without TLS" },
        { conf->redis_user[0] && !conf->redis_password_file[0],
          "\"user\" of section [redis] wants \"password_file\"" },
        { conf->redis_sentinel_password_file[0] && !sentinel,
          "\"sentinel_password_file\" of section [redis] wants \"sentinel\"" },
        { conf->redis_sentinel_user[0]
          && !conf->redis_sentinel_password_file[0],
          "\"sentinel_user\" of section [redis] wants "
          "\"sentinel_password_file\"" },
        { !conf->redis_tls
          && (conf->redis_tls_ca[0] || conf->redis_tls_cert[0]
              || conf->redis_tls_key[0] || conf->redis_tls_name[0]
              || !conf->redis_tls_verify),
          "the keys \"tls_...\" of section [redis] want \"tls = on\"" },
        { !conf->redis_tls_cert[0] != !conf->redis_tls_key[0],
          "\"tls_cert\" and \"tls_key\" of section [redis] want each other" },
        { strcmp(conf->api_socket, conf->api_admin_socket) == 0,
          "\"socket\" and \"admin_socket\" of section [api] must differ" },
    };

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (servers > 0 && rules[i].broken) {
            log_error("%s: %s", path, rules[i].message);
            return false;
        }
    }

    return servers > 0;
}


bool
conf_server(const struct conf *conf, int i, char *server)
{
    size_t       n;
    const char  *list = conf->redis_server;

    for ( ;; ) {
        list += strspn(list, " \t,");
        n = strcspn(list, " \t,");
        if (n == 0) {
            return false;
        }
        if (i-- == 0) {
            memcpy(server, list, n);
            server[n] = '\0';
            return true;
        }
        list += n;
    }
}
