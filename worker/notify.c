/* notify.c: the notification protocol of systemd, without its library. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "notify.h"


void
notify_send(const char *line)
{
    int                  fd;
    size_t               n;
    const char          *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un   to = { .sun_family = AF_UNIX };

    if (path == NULL || (path[0] != '/' && path[0] != '@')
        || (n = strlen(path)) >= sizeof(to.sun_path))
    {
        return;
    }

    memcpy(to.sun_path, path, n);
    if (path[0] == '@') {
        to.sun_path[0] = '\0';
    }

    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1
        || sendto(fd, line, strlen(line), MSG_NOSIGNAL,
                  (struct sockaddr *) &to,
                  (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n))
           == -1)
    {
        log_warn("notify the service manager failed: %m");
    }

    if (fd != -1) {
        close(fd);
    }
}
