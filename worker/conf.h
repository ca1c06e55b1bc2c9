/*
 * conf.h: the configuration of the worker, read once at start.
 */
#ifndef TOLLGATE_CONF_H
#define TOLLGATE_CONF_H

#include <stdbool.h>
#include <stdint.h>

#define CONF_STRING_MAX  512

/* A role is a process of the worker; the bits of conf.roles. */
enum role { ROLE_SETTLE, ROLE_MIRROR, ROLE_JOBS, ROLE_PROOF, ROLE_API,
            ROLE_MAX };

extern const char *const role_names[ROLE_MAX];

struct conf {
    char     postgres_dsn[CONF_STRING_MAX];
    int64_t  postgres_timeout;

    char     redis_server[CONF_STRING_MAX];
    char     redis_user[CONF_STRING_MAX];
    char     redis_password_file[CONF_STRING_MAX];
    int64_t  redis_database;
    int64_t  redis_timeout;
    int64_t  redis_cluster;
    char     redis_sentinel[CONF_STRING_MAX];
    char     redis_sentinel_user[CONF_STRING_MAX];
    char     redis_sentinel_password_file[CONF_STRING_MAX];
    int64_t  redis_tls;
    char     redis_tls_ca[CONF_STRING_MAX];
    char     redis_tls_cert[CONF_STRING_MAX];
    char     redis_tls_key[CONF_STRING_MAX];
    char     redis_tls_name[CONF_STRING_MAX];
    int64_t  redis_tls_verify;

    int64_t  worker_roles;
    int64_t  worker_log_level;
    char     worker_pid_file[CONF_STRING_MAX];

    int64_t  settle_batch;
    int64_t  settle_idle_ms;
    int64_t  settle_keep;
    int64_t  settle_lease_reclaim;
    int64_t  mirror_idle_ms;
    int64_t  jobs_idle_ms;
    int64_t  jobs_timeout;

    int64_t  proof_round;

    char     api_socket[CONF_STRING_MAX];
    char     api_admin_socket[CONF_STRING_MAX];
    int64_t  api_socket_mode;
    char     api_token_file[CONF_STRING_MAX];
    char     api_link_secret_file[CONF_STRING_MAX];
    int64_t  api_threads;

    char     sql_dir[CONF_STRING_MAX];
};

/*
 * Reads the file over the defaults.  On failure logs file, line, key and what
 * was wanted, and returns false.
 */
bool conf_read(struct conf *conf, const char *path)
    __attribute__((warn_unused_result));

/* Whether keys go together; if not, logs what is wanted.  The path is told. */
bool conf_check(const struct conf *conf, const char *path)
    __attribute__((warn_unused_result));

/*
 * Copies the i-th of the servers that redis_server lists, into room for
 * CONF_STRING_MAX bytes; false where there are no more.
 */
bool conf_server(const struct conf *conf, int i, char *server);

/*
 * Reads the first line of a file that holds a secret.  Returns false, with a
 * message logged, where it can't be read, is empty or doesn't fit.
 */
bool conf_secret(const char *path, char *secret, int size)
    __attribute__((warn_unused_result));

#endif
