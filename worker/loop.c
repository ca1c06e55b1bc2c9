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
static int64_t    (*loop_work)(void *data);
static void        *loop_data;


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


static bool
loop_poll(int fd, short events, int64_t ms)
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


void
loop_meanwhile(int64_t (*work)(void *data), void *data)
{
    loop_work = work;
    loop_data = data;
}


/* The work may wait itself, and then has none beside it. */
static int64_t
loop_slice(void)
{
    int64_t  pause;
    int64_t  (*work)(void *data) = loop_work;

    loop_work = NULL;
    pause = work(loop_data);
    loop_work = work;

    return pause;
}


bool
loop_wait(int fd, short events, int64_t ms)
{
    bool     stopping = loop_stopping();
    int64_t  pause, left, end = loop_now_ms() + ms;

    while (loop_work != NULL && fd != -1 && !loop_stopping()) {
        if (loop_poll(fd, events, 0)) {
            return true;
        }
        left = end - loop_now_ms();
        pause = left > 0 ? loop_slice() : LOOP_NO_WORK;
        if (pause == LOOP_NO_WORK) {
            break;
        }
        if (pause > 0
            && loop_poll(fd, events, pause < left ? pause : left))
        {
            return true;
        }
    }

    return stopping == loop_stopping()
           && loop_poll(fd, events, end - loop_now_ms());
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
