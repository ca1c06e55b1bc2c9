/*
 * notify.h: tells the service manager how the worker is.
 */
#ifndef TOLLGATE_NOTIFY_H
#define TOLLGATE_NOTIFY_H

/* Sends a line like "READY=1"; does nothing outside of systemd. */
void notify_send(const char *line);

#endif
