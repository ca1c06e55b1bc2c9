/* rds_wire.c: sockets to Redis, and TLS on them. */

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "rds_wire.h"


struct rds_wire_s {
    int    fd;
    SSL   *ssl;         /* NULL where it is plain */
    char  *error;
};


static void
wire_note(rds_wire_t *wire, const char *text)
{
    snprintf(wire->error, RDS_ERROR_MAX, "%s", text);
}


/* Waits for the socket; false, and noted, once the end is reached. */
static bool
wire_wait(rds_wire_t *wire, short events, int64_t end_ms)
{
    int64_t  left;

    while ((left = end_ms - loop_now_ms()) > 0) {
        if (loop_wait(wire->fd, events, left)) {
            return true;
        }
    }
    wire_note(wire, "timed out");

    return false;
}


/* --- sockets ------------------------------------------------------------- */


static bool
wire_connect(rds_wire_t *wire, const struct sockaddr *address, socklen_t len,
    int64_t end_ms)
{
    int        on = 1, failure = 0;
    socklen_t  size = sizeof(failure);

    wire->fd = socket(address->sa_family,
                      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (wire->fd == -1) {
        wire_note(wire, strerror(errno));
        return false;
    }

    if (address->sa_family != AF_UNIX) {
        setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        setsockopt(wire->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    }

    if (connect(wire->fd, address, len) == 0) {
        return true;
    }
    failure = errno;
    if (failure == EINPROGRESS) {
        if (!wire_wait(wire, POLLOUT, end_ms)) {
            return false;
        }
        if (getsockopt(wire->fd, SOL_SOCKET, SO_ERROR, &failure, &size) == -1) {
            failure = errno;
        }
    }
    if (failure != 0) {
        wire_note(wire, strerror(failure));
    }

    return failure == 0;
}


static bool
wire_connect_unix(rds_wire_t *wire, const char *path, int64_t end_ms)
{
    struct sockaddr_un  address = { .sun_family = AF_UNIX };

    if ((size_t) snprintf(address.sun_path, sizeof(address.sun_path), "%s",
                          path) >= sizeof(address.sun_path))
    {
        wire_note(wire, "the path is too long");
        return false;
    }

    return wire_connect(wire, (struct sockaddr *) &address, sizeof(address),
                        end_ms);
}


/* A name is looked up by the system's resolver, in the time that it takes. */
static bool
wire_connect_host(rds_wire_t *wire, const char *host, const char *port,
    int64_t end_ms)
{
    int               rc;
    bool              ok = false;
    struct addrinfo  *list, *one;
    struct addrinfo   wanted = { .ai_socktype = SOCK_STREAM,
                                 .ai_flags = AI_NUMERICSERV };

    rc = getaddrinfo(host, port, &wanted, &list);
    if (rc != 0) {
        wire_note(wire, gai_strerror(rc));
        return false;
    }

    for (one = list; one != NULL && !ok; one = one->ai_next) {
        if (wire->fd != -1) {
            close(wire->fd);
            wire->fd = -1;
        }
        ok = wire_connect(wire, one->ai_addr, one->ai_addrlen, end_ms);
    }
    freeaddrinfo(list);

    return ok;
}


/* --- TLS ----------------------------------------------------------------- */


/* Notes what OpenSSL holds against it. */
static bool
wire_tls_failed(rds_wire_t *wire, const char *what)
{
    long         verified = wire->ssl != NULL ? SSL_get_verify_result(wire->ssl)
                                              : X509_V_OK;
    const char  *reason = verified != X509_V_OK
                          ? X509_verify_cert_error_string(verified)
                          : ERR_reason_error_string(ERR_peek_last_error());

    snprintf(wire->error, RDS_ERROR_MAX, "%s: %s", what,
             reason != NULL ? reason : "the server closed the connection");
    ERR_clear_error();

    return false;
}


/*
 * What a call of OpenSSL waits for; false, and noted, where it failed.  The
 * result is of that call.
 */
static bool
wire_tls_wait(rds_wire_t *wire, int result, const char *what, int64_t end_ms)
{
    int  wanted = SSL_get_error(wire->ssl, result);

    if (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE) {
        return wire_tls_failed(wire, what);
    }
    if (!wire_wait(wire, wanted == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT,
                   end_ms))
    {
        snprintf(wire->error, RDS_ERROR_MAX, "%s: timed out", what);
        return false;
    }

    return true;
}


/* Made anew for each connection, so that files may be replaced. */
static SSL_CTX *
wire_tls_context(rds_wire_t *wire, const struct conf *conf)
{
    SSL_CTX  *context = SSL_CTX_new(TLS_client_method());

    if (context == NULL) {
        die("out of memory");
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY
                              | SSL_MODE_ENABLE_PARTIAL_WRITE
                              | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(context, conf->redis_tls_verify ? SSL_VERIFY_PEER
                                                       : SSL_VERIFY_NONE, NULL);

    if (conf->redis_tls_ca[0] != '\0'
        ? SSL_CTX_load_verify_locations(context, conf->redis_tls_ca, NULL) != 1
        : SSL_CTX_set_default_verify_paths(context) != 1)
    {
        wire_tls_failed(wire, "load tls_ca");
        goto failed;
    }

    if (conf->redis_tls_cert[0] != '\0'
        && (SSL_CTX_use_certificate_chain_file(context, conf->redis_tls_cert)
            != 1
            || SSL_CTX_use_PrivateKey_file(context, conf->redis_tls_key,
                                           SSL_FILETYPE_PEM) != 1
            || SSL_CTX_check_private_key(context) != 1))
    {
        wire_tls_failed(wire, "load tls_cert and tls_key");
        goto failed;
    }

    return context;

failed:

    SSL_CTX_free(context);

    return NULL;
}


/* The certificate has to be of this name, or of this address. */
static bool
wire_tls_expect(rds_wire_t *wire, const char *name)
{
    unsigned char  address[sizeof(struct in6_addr)];

    if (inet_pton(AF_INET, name, address) == 1
        || inet_pton(AF_INET6, name, address) == 1)
    {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(wire->ssl), name)
               == 1;
    }

    return SSL_set1_host(wire->ssl, name) == 1
           && SSL_set_tlsext_host_name(wire->ssl, name) == 1;
}


static bool
wire_tls(rds_wire_t *wire, const struct conf *conf, const char *host,
    int64_t end_ms)
{
    int       result;
    SSL_CTX  *context = wire_tls_context(wire, conf);

    if (context == NULL) {
        return false;
    }

    /* The connection keeps the context alive. */
    wire->ssl = SSL_new(context);
    SSL_CTX_free(context);
    if (wire->ssl == NULL || SSL_set_fd(wire->ssl, wire->fd) != 1) {
        die("out of memory");
    }
    if (!wire_tls_expect(wire, conf->redis_tls_name[0] != '\0'
                               ? conf->redis_tls_name : host))
    {
        return wire_tls_failed(wire, "set the name to expect");
    }

    ERR_clear_error();
    while ((result = SSL_connect(wire->ssl)) != 1) {
        if (!wire_tls_wait(wire, result, "TLS handshake", end_ms)) {
            return false;
        }
    }

    return true;
}


/* --- either -------------------------------------------------------------- */


rds_wire_t *
rds_wire_open(const struct conf *conf, const char *address, int64_t end_ms,
    char *error)
{
    bool         ok;
    char         text[CONF_STRING_MAX], *host = text, *colon;
    size_t       n;
    rds_wire_t  *wire = calloc(1, sizeof(*wire));

    if (wire == NULL) {
        die("out of memory");
    }
    wire->fd = -1;
    wire->error = error;

    if (strncmp(address, "unix:", 5) == 0) {
        ok = wire_connect_unix(wire, address + 5, end_ms);

    } else {
        snprintf(text, sizeof(text), "%s", address);
        colon = strrchr(text, ':');
        *colon = '\0';
        n = strlen(host);
        if (host[0] == '[' && host[n - 1] == ']') {
            host[n - 1] = '\0';
            host++;
        }
        ok = wire_connect_host(wire, host, colon + 1, end_ms)
             && (!conf->redis_tls || wire_tls(wire, conf, host, end_ms));
    }

    if (!ok) {
        rds_wire_close(wire);
        return NULL;
    }

    return wire;
}


void
rds_wire_close(rds_wire_t *wire)
{
    if (wire == NULL) {
        return;
    }

    SSL_free(wire->ssl);
    if (wire->fd != -1) {
        close(wire->fd);
    }
    free(wire);
}


bool
rds_wire_write(rds_wire_t *wire, const char *data, size_t len, int64_t end_ms)
{
    ssize_t  n;
    size_t   sent = 0;

    while (len > 0) {
        if (wire->ssl != NULL) {
            ERR_clear_error();
            n = SSL_write_ex(wire->ssl, data, len, &sent);
            if (n != 1) {
                if (!wire_tls_wait(wire, (int) n, "write", end_ms)) {
                    return false;
                }
                continue;
            }

        } else {
            n = send(wire->fd, data, len, MSG_NOSIGNAL);
            if (n == -1) {
                if (errno != EAGAIN && errno != EINTR) {
                    wire_note(wire, strerror(errno));
                    return false;
                }
                if (!wire_wait(wire, POLLOUT, end_ms)) {
                    return false;
                }
                continue;
            }
            sent = (size_t) n;
        }

        data += sent;
        len -= sent;
    }

    return true;
}


bool
rds_wire_ready(const rds_wire_t *wire)
{
    return (wire->ssl != NULL && SSL_pending(wire->ssl) > 0)
           || loop_wait(wire->fd, POLLIN, 0);
}


size_t
rds_wire_read(rds_wire_t *wire, char *data, size_t size, int64_t end_ms)
{
    ssize_t  n;
    size_t   got = 0;

    for ( ;; ) {
        if (wire->ssl != NULL) {
            ERR_clear_error();
            n = SSL_read_ex(wire->ssl, data, size, &got);
            if (n == 1) {
                return got;
            }
            if (!wire_tls_wait(wire, (int) n, "read", end_ms)) {
                return 0;
            }
            continue;
        }

        n = recv(wire->fd, data, size, 0);
        if (n > 0) {
            return (size_t) n;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            wire_note(wire, n == 0 ? "the server closed the connection"
                                   : strerror(errno));
            return 0;
        }
        if (!wire_wait(wire, POLLIN, end_ms)) {
            return 0;
        }
    }
}
