/* loop.c: waiting for descriptors, time and the request to stop. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"


static int          loop_fd = -1;
static atomic_bool  loop_stop;


void
loop_init(void)
{
    sigset_t  set;

    if (loop_fd != -1) {
        close(loop_fd);
    }

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    loop_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (loop_fd == -1) {
        die("signalfd() failed: %m");
    }

    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    loop_stop = false;
}


/* The signal stays unread, so that it wakes every thread that waits. */
bool
loop_stopping(void)
{
    struct pollfd  pfd = { .fd = loop_fd, .events = POLLIN };

    if (!loop_stop && poll(&pfd, 1, 0) == 1) {
        loop_stop = true;
    }

    return loop_stop;
}


bool
loop_wait(int fd, short events, int64_t ms)
{
    int            rc;
    int64_t        end, left;
    struct pollfd  pfd[2] = {
        { .fd = fd, .events = events },
        { .fd = loop_stopping() ? -1 : loop_fd, .events = POLLIN },
    };

    end = loop_now_ms() + ms;

    do {
        left = end - loop_now_ms();
        rc = poll(pfd, 2, left > 0 ? (int) left : 0);
    } while (rc == -1 && errno == EINTR);

    if (rc > 0 && pfd[1].revents != 0) {
        loop_stop = true;
    }

    return rc > 0 && pfd[0].revents != 0;
}


int64_t
loop_now_ms(void)
{
    struct timespec  now;

    clock_gettime(CLOCK_MONOTONIC, &now);

    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}


bool
loop_backoff(int *ms, int limit_ms)
{
    *ms = *ms == 0 ? 100 : *ms * 2;
    if (*ms > limit_ms) {
        *ms = limit_ms;
    }

    loop_wait(-1, 0, *ms);

    return !loop_stopping();
}
