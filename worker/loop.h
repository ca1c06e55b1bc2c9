/*
 * loop.h: waiting, with the request to stop as one more thing to wait for.
 *
 * Signals are blocked and read from a descriptor, so nothing is interrupted
 * and no handler has restrictions.  Threads may share a loop.
 */
#ifndef TOLLGATE_LOOP_H
#define TOLLGATE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* Takes over SIGTERM of this process; a fork calls it again. */
void loop_init(void);

/* Whether the process was asked to stop.  Stays true. */
bool loop_stopping(void);

/*
 * Waits until fd (or -1) is ready for the poll events, the process is asked
 * to stop, or ms passed.  Returns true if fd is ready.  Once stopping it
 * waits for fd alone.
 */
bool loop_wait(int fd, short events, int64_t ms);

/*
 * What a process of one thread does, in slices, while it waits for a
 * descriptor: returns the milliseconds until it can go on, or LOOP_NO_WORK.
 */
#define LOOP_NO_WORK  (-1)

void loop_meanwhile(int64_t (*work)(void *data), void *data);

/* A clock that nobody sets, in milliseconds. */
int64_t loop_now_ms(void);

/*
 * A pause that doubles from 100 ms to the limit with each call and starts over
 * at 0; waits for it and returns false if the process was asked to stop.
 */
bool loop_backoff(int *ms, int limit_ms);

#endif
