/* backup_tool.c: runs the programs of Postgres, and sums what they wrote. */

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backup.h"
#include "log.h"


#define TOOL_MISSING  127
#define TOOL_BLOCK    65536


static const int              tool_signals[] = { SIGHUP, SIGINT, SIGTERM };
static volatile sig_atomic_t  tool_asked;    /* to stop */
static volatile sig_atomic_t  tool_pid;      /* of the program that runs */

#define TOOL_SIGNALS  (sizeof(tool_signals) / sizeof(tool_signals[0]))


/* Ends the program, and with it this one, which cleans up. */
static void
tool_stop(int number)
{
    (void) number;
    tool_asked = 1;
    if (tool_pid != 0) {
        kill(tool_pid, SIGTERM);
    }
}


/* The first signal is taken, a second one of the same kind kills. */
bool
backup_begin(const struct conf *conf)
{
    struct sigaction  action = { .sa_handler = tool_stop,
                                 .sa_flags = (int) SA_RESETHAND };

    for (size_t i = 0; i < TOOL_SIGNALS; i++) {
        sigaction(tool_signals[i], &action, NULL);
    }

    if (!pg_environment(conf->postgres_dsn)) {
        log_error("[postgres] dsn can't be read");
        log_hint("it is a list as \"host=/run/postgresql dbname=tollgate\", "
                 "or a URI");
        return false;
    }

    return true;
}


bool
backup_asked(void)
{
    return tool_asked;
}


/* Where the server is, and who asks, is in the environment. */
static void
tool_exec(const char *const argv[], int fd)
{
    if (fd == -1) {
        fd = open("/dev/null", O_WRONLY);
    }
    if (fd != -1 && dup2(fd, STDOUT_FILENO) != -1) {
        execvp(argv[0], (char *const *) argv);
    }
    _exit(TOOL_MISSING);
}


/* A signal comes before there is a program, or finds it. */
static pid_t
tool_start(const char *const argv[], int fd)
{
    pid_t     pid;
    sigset_t  set, before;

    sigemptyset(&set);
    for (size_t i = 0; i < TOOL_SIGNALS; i++) {
        sigaddset(&set, tool_signals[i]);
    }
    sigprocmask(SIG_BLOCK, &set, &before);

    pid = fork();
    if (pid == 0) {
        for (size_t i = 0; i < TOOL_SIGNALS; i++) {
            signal(tool_signals[i], SIG_DFL);
        }
    } else if (pid != -1) {
        tool_pid = pid;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid == 0) {
        tool_exec(argv, fd);
    }

    return pid;
}


bool
backup_tool(const char *const argv[], int fd)
{
    int    status;
    bool   asked = tool_asked;
    pid_t  pid = tool_start(argv, fd);

    if (pid == -1) {
        log_error("fork() failed: %m");
        return false;
    }

    while (waitpid(pid, &status, 0) == -1) {
        if (errno != EINTR) {
            log_error("waitpid() failed: %m");
            return false;
        }
    }
    tool_pid = 0;

    if (tool_asked && !asked) {
        log_error("stopped by a signal while %s ran", argv[0]);
        return false;
    }

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return true;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == TOOL_MISSING) {
        log_error("%s can't be run", argv[0]);
        log_hint("it is in the package postgresql-client");
    } else {
        log_error("%s failed with %s %d", argv[0],
                  WIFSIGNALED(status) ? "signal" : "status",
                  WIFSIGNALED(status) ? WTERMSIG(status)
                                      : WEXITSTATUS(status));
    }

    return false;
}


bool
backup_fill(const char *database, const char *file)
{
    const char  *argv[] = { "pg_restore", "--no-password", "--no-owner",
                            "--exit-on-error", "--single-transaction",
                            "--dbname", database, "--", file, NULL };

    return backup_tool(argv, -1);
}


bool
backup_sha256(const char *file, char hex[BACKUP_SHA_SIZE])
{
    bool            ok;
    FILE           *in = fopen(file, "re");
    size_t          n;
    unsigned        len = 0;
    unsigned char   block[TOOL_BLOCK], digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX     *context = EVP_MD_CTX_new();

    ok = in != NULL && context != NULL
         && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;

    while (ok && (n = fread(block, 1, sizeof(block), in)) > 0) {
        ok = EVP_DigestUpdate(context, block, n) == 1;
    }
    ok = ok && !ferror(in) && EVP_DigestFinal_ex(context, digest, &len) == 1;

    if (!ok) {
        log_error("read \"%s\" failed: %m", file);
    }
    for (unsigned i = 0; ok && i < len; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }

    EVP_MD_CTX_free(context);
    if (in != NULL) {
        fclose(in);
    }

    return ok;
}


bool
backup_totals(pg_t *pg)
{
    bool     ok;
    size_t   i;
    json_t  *totals, *asset;
    PG_RESULT result = pg_call(pg, "ledger.verify_totals", 0, NULL);

    if (result == NULL || pg_value(result, 0, 0) == NULL) {
        log_error("verify_totals failed: %s", pg_error(pg)->message);
        return false;
    }

    totals = json_loads(pg_value(result, 0, 0), 0, NULL);
    ok = json_is_true(json_object_get(totals, "ok"));
    json_array_foreach(json_object_get(totals, "assets"), i, asset) {
        printf("sum of all entries in %s: %s\n",
               json_string_value(json_object_get(asset, "asset")),
               json_string_value(json_object_get(asset, "sum")));
    }
    puts(ok ? "the ledger adds up" : "the ledger does not add up");
    json_decref(totals);

    return ok;
}
