/*
 * main.c: the master.  It migrates, forks a process per role, starts again
 * one that dies, and stops them in order.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backup.h"
#include "behind.h"
#include "conf.h"
#include "log.h"
#include "loop.h"
#include "migrate.h"
#include "notify.h"
#include "role.h"
#include "version.h"


#define MAIN_CONF          "/etc/tollgate/worker.ini"
#define MAIN_STOP_MS       8000     /* then a role is killed */
#define MAIN_STEADY_MS     60000    /* a life this long starts backoff anew */
#define MAIN_BACKOFF_MS    10000
#define MAIN_INTERRUPTED   130      /* exit status, as of a shell */

struct main_options {
    const char  *conf_path;
    bool         test;
    bool         migrate;
    bool       (*tool)(const struct conf *conf, const char *file);
    const char  *file;
};

struct main_child {
    pid_t    pid;
    int64_t  started_ms;
    int64_t  start_at_ms;
    int      backoff_ms;
};

static const struct {
    enum role    role;
    void       (*run)(const struct conf *conf);
} main_roles[] = {     /* in the order of starting; stopped the other way */
    { ROLE_SETTLE, settle_run },
    { ROLE_MIRROR, mirror_run },
    { ROLE_JOBS,   jobs_run },
    { ROLE_PROOF,  proof_run },
    { ROLE_API,    api_run },
};

struct role_state        *role_states;
static struct main_child  main_children[ROLE_MAX];


static void
main_usage(FILE *to)
{
    fputs("usage: tollgate-worker [-c FILE] [-t] [--migrate] [-V]\n"
          "  -c, --conf FILE  configuration (" MAIN_CONF ")\n"
          "  -t, --test       check the configuration and exit\n"
          "      --migrate    bring the database up to date and exit\n"
          "      --backup FILE, --restore FILE, --verify FILE\n"
          "                   see tollgate help backup and restore\n"
          "  -V, --version    print the version and exit\n", to);
}


static struct main_options
main_parse(int argc, char **argv)
{
    static const struct option  options[] = {
        { "conf",    required_argument, NULL, 'c' },
        { "test",    no_argument,       NULL, 't' },
        { "migrate", no_argument,       NULL, 'm' },
        { "backup",  required_argument, NULL, 'b' },
        { "restore", required_argument, NULL, 'r' },
        { "verify",  required_argument, NULL, 'v' },
        { "version", no_argument,       NULL, 'V' },
        { "help",    no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int                  c;
    struct main_options  parsed = { .conf_path = MAIN_CONF };

    while ((c = getopt_long(argc, argv, "c:tVh", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            parsed.conf_path = optarg;
            break;
        case 't':
            parsed.test = true;
            break;
        case 'm':
            parsed.migrate = true;
            break;
        case 'b':
        case 'r':
        case 'v':
            parsed.tool = c == 'b' ? backup_make : c == 'r' ? backup_restore
                                                            : backup_verify;
            parsed.file = optarg;
            break;
        case 'V':
            puts("tollgate-worker " TOLLGATE_VERSION);
            exit(EXIT_SUCCESS);
        case 'h':
            main_usage(stdout);
            exit(EXIT_SUCCESS);
        default:
            main_usage(stderr);
            exit(2);
        }
    }

    if (optind != argc) {
        main_usage(stderr);
        exit(2);
    }

    return parsed;
}


/* Holds the file locked, so that a second worker with it refuses to start. */
static int
main_pid_file(const struct conf *conf)
{
    int  fd;

    if (conf->worker_pid_file[0] == '\0') {
        return -1;
    }

    fd = open(conf->worker_pid_file, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd == -1) {
        die("open \"%s\" failed: %m", conf->worker_pid_file);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
        die("\"%s\" is held by a worker that runs", conf->worker_pid_file);
    }
    if (ftruncate(fd, 0) == -1 || dprintf(fd, "%ld\n", (long) getpid()) < 0) {
        die("write \"%s\" failed: %m", conf->worker_pid_file);
    }

    return fd;
}


/* Returns false if the process was asked to stop before it was done. */
static bool
main_migrate(const struct conf *conf, bool once)
{
    int                   backoff = 0;
    enum migrate_outcome  outcome;

    for ( ;; ) {
        outcome = migrate_run(conf);
        if (outcome == MIGRATE_DONE) {
            return true;
        }
        if (outcome == MIGRATE_REFUSED || once) {
            die("the database could not be brought up to date");
        }
        if (!loop_backoff(&backoff, ROLE_BACKOFF_MS)) {
            return false;
        }
    }
}


/*
 * Commands that a restored Postgres forgot have to be known before somebody
 * gives new ones their numbers; where Redis is down they can't be carried.
 */
static void
main_look(const struct conf *conf)
{
    pg_t   *pg = pg_new(conf->postgres_dsn, "master", ROLE_POSTGRES,
                        conf->postgres_timeout);
    rds_t  *rds = rds_new(conf);

    if (!pg_ready(pg) || !rds_ready(rds) || !behind_look(pg, rds)) {
        log_warn("can't compare postgres with redis yet");
    }

    pg_free(pg);
    rds_free(rds);
}


void
role_beat(enum role role)
{
    role_states[role].beat_ms = loop_now_ms();
}


static bool
main_start(const struct conf *conf, size_t i)
{
    pid_t               pid, master = getpid();
    enum role           role = main_roles[i].role;
    struct main_child  *child = &main_children[role];

    pid = fork();
    if (pid == -1) {
        log_error("fork() failed: %m");
        return false;
    }

    if (pid == 0) {
        /* Work is transactional: a role may die at any point. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != master) {
            _exit(EXIT_FAILURE);
        }
        prctl(PR_SET_NAME, role_names[role]);
        log_init(role_names[role], (enum log_level) conf->worker_log_level);
        loop_init();
        role_beat(role);
        main_roles[i].run(conf);
        exit(EXIT_SUCCESS);
    }

    child->pid = pid;
    child->started_ms = loop_now_ms();
    child->start_at_ms = INT64_MAX;
    role_states[role].pid = pid;
    log_debug("role %s is process %ld", role_names[role], (long) pid);

    return true;
}


/* Notes which roles ended; returns how many still run. */
static int
main_reap(bool stopping)
{
    int    status, live = 0;
    pid_t  pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (int role = 0; role < ROLE_MAX; role++) {
            struct main_child  *child = &main_children[role];
            int64_t             now = loop_now_ms();

            if (child->pid != pid) {
                continue;
            }

            child->pid = 0;
            role_states[role].pid = 0;
            if (stopping) {
                continue;
            }

            if (now - child->started_ms > MAIN_STEADY_MS) {
                child->backoff_ms = 0;
            }
            child->backoff_ms = child->backoff_ms == 0
                                ? 100 : child->backoff_ms * 2;
            if (child->backoff_ms > MAIN_BACKOFF_MS) {
                child->backoff_ms = MAIN_BACKOFF_MS;
            }
            child->start_at_ms = now + child->backoff_ms;
            role_states[role].restarts++;
            log_error("role %s ended with %s %d, starts again in %d ms",
                      role_names[role],
                      WIFSIGNALED(status) ? "signal" : "status",
                      WIFSIGNALED(status) ? WTERMSIG(status)
                                          : WEXITSTATUS(status),
                      child->backoff_ms);
        }
    }

    for (int role = 0; role < ROLE_MAX; role++) {
        live += main_children[role].pid != 0;
    }

    return live;
}


/* The next thing that the clock brings, as a wait in milliseconds. */
static int64_t
main_start_due(const struct conf *conf)
{
    int64_t  now = loop_now_ms(), wait = 60000;

    for (size_t i = 0; i < ROLE_MAX; i++) {
        struct main_child  *child = &main_children[main_roles[i].role];

        if (!(conf->worker_roles & 1 << main_roles[i].role)
            || child->pid != 0)
        {
            continue;
        }
        if (child->start_at_ms <= now && !main_start(conf, i)) {
            child->start_at_ms = now + MAIN_BACKOFF_MS;
        }
        if (child->pid == 0 && child->start_at_ms - now < wait) {
            wait = child->start_at_ms - now;
        }
    }

    return wait;
}


static void
main_stop(int signals)
{
    int64_t                  end;
    struct signalfd_siginfo  info;

    notify_send("STOPPING=1");
    log_info("stopping");

    for (size_t i = ROLE_MAX; i-- > 0; ) {
        struct main_child  *child = &main_children[main_roles[i].role];

        if (child->pid == 0) {
            continue;
        }
        kill(child->pid, SIGTERM);
        end = loop_now_ms() + MAIN_STOP_MS;

        while (main_reap(true), child->pid != 0) {
            if (loop_now_ms() >= end) {
                log_warn("role %s did not stop in time and is killed",
                         role_names[main_roles[i].role]);
                kill(child->pid, SIGKILL);
                end = INT64_MAX;
            }
            loop_wait(signals, POLLIN, 100);
            while (read(signals, &info, sizeof(info)) > 0) {
                continue;    /* only the waking matters */
            }
        }
    }
}


static void
main_loop(const struct conf *conf)
{
    int                      signals;
    bool                     stopping = false;
    sigset_t                 set;
    struct signalfd_siginfo  info;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals == -1) {
        die("signalfd() failed: %m");
    }

    main_start_due(conf);
    notify_send("READY=1");
    log_info("started");

    while (!stopping && !loop_stopping()) {
        loop_wait(signals, POLLIN, main_start_due(conf));

        while (read(signals, &info, sizeof(info)) == sizeof(info)) {
            if (info.ssi_signo == SIGHUP) {
                log_warn("the configuration is read at start only");
            }
            stopping = stopping || info.ssi_signo == SIGINT;
        }
        main_reap(false);
    }

    main_stop(signals);
    close(signals);
}


int
main(int argc, char **argv)
{
    int                  pid_fd;
    struct conf          conf;
    struct main_options  options = main_parse(argc, argv);

    log_init("tollgate-worker", LOG_LEVEL_INFO);
    if (!conf_read(&conf, options.conf_path)) {
        if (options.test) {
            log_error("configuration file %s test failed", options.conf_path);
        }
        return EXIT_FAILURE;
    }
    if (options.test) {
        log_info("configuration file %s test is successful",
                 options.conf_path);
        return EXIT_SUCCESS;
    }

    umask(0077);
    if (options.tool != NULL) {
        log_init("tollgate", (enum log_level) conf.worker_log_level);
        return options.tool(&conf, options.file) ? EXIT_SUCCESS
               : backup_asked() ? MAIN_INTERRUPTED : EXIT_FAILURE;
    }

    log_init("master", (enum log_level) conf.worker_log_level);
    loop_init();
    pid_fd = options.migrate ? -1 : main_pid_file(&conf);

    role_states = mmap(NULL, sizeof(*role_states) * ROLE_MAX,
                       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                       -1, 0);
    if (role_states == MAP_FAILED) {
        die("mmap() failed: %m");
    }

    if (main_migrate(&conf, options.migrate) && !options.migrate) {
        main_look(&conf);
        main_loop(&conf);
    }

    if (pid_fd != -1) {
        unlink(conf.worker_pid_file);
    }

    return EXIT_SUCCESS;
}
