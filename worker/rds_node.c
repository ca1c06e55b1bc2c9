/* rds_node.c: the protocol of one server, with hiredis for its syntax. */

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "rds_node.h"


#define NODE_READ_SIZE  65536

struct rds_node_s {
    const struct conf  *conf;
    enum rds_login      login;
    rds_wire_t         *wire;
    unsigned            age;
    redisReader        *reader;
    rds_reply_t       **ahead;        /* replies that nobody asked for yet */
    size_t              ahead_count;
    size_t              ahead_size;
    char               *out;
    size_t              out_len;
    size_t              out_size;
    char                address[CONF_STRING_MAX];
    char                error[RDS_ERROR_MAX];
};


rds_node_t *
rds_node_new(const struct conf *conf, const char *address,
    enum rds_login login)
{
    rds_node_t  *node = calloc(1, sizeof(*node));

    if (node == NULL) {
        die("out of memory");
    }
    node->conf = conf;
    node->login = login;
    snprintf(node->address, sizeof(node->address), "%s", address);

    return node;
}


void
rds_node_free(rds_node_t *node)
{
    if (node != NULL) {
        rds_node_drop(node);
        free(node->out);
        free(node->ahead);
        free(node);
    }
}


void
rds_node_drop(rds_node_t *node)
{
    rds_wire_close(node->wire);
    node->wire = NULL;
    if (node->reader != NULL) {
        redisReaderFree(node->reader);
        node->reader = NULL;
    }
    while (node->ahead_count > 0) {
        rds_clear(node->ahead[--node->ahead_count]);
    }
    node->out_len = 0;
}


/* Proves who this is, with the words that the kind of server wants. */
static bool
node_authenticate(rds_node_t *node, int64_t end_ms)
{
    int          argc = 1;
    bool         ok, sentinel = node->login == RDS_SENTINEL;
    char         secret[512];
    const char  *user = sentinel ? node->conf->redis_sentinel_user
                                 : node->conf->redis_user;
    const char  *file = sentinel ? node->conf->redis_sentinel_password_file
                                 : node->conf->redis_password_file;
    const char  *argv[3] = { "AUTH" };

    if (file[0] == '\0') {
        return true;
    }
    if (!conf_secret(file, secret, sizeof(secret))) {
        snprintf(node->error, sizeof(node->error), "no password");
        return false;
    }

    if (user[0] != '\0') {
        argv[argc++] = user;
    }
    argv[argc++] = secret;

    RDS_REPLY reply = rds_node_call(node, argc, argv, end_ms);

    ok = reply != NULL;
    explicit_bzero(secret, sizeof(secret));
    explicit_bzero(node->out, node->out_size);

    return ok;
}


static bool
node_select(rds_node_t *node, int64_t end_ms)
{
    char         number[32];
    const char  *argv[] = { "SELECT", number };

    if (node->conf->redis_database == 0 || node->login == RDS_SENTINEL) {
        return true;
    }

    snprintf(number, sizeof(number), "%lld",
             (long long) node->conf->redis_database);
    RDS_REPLY reply = rds_node_call(node, 2, argv, end_ms);

    return reply != NULL;
}


bool
rds_node_ready(rds_node_t *node, int64_t end_ms)
{
    const char  *ping[] = { "PING" };
    RDS_REPLY reply = NULL;

    if (node->wire != NULL) {
        return true;
    }

    node->wire = rds_wire_open(node->conf, node->address, end_ms, node->error);
    if (node->wire == NULL) {
        return false;
    }
    node->age++;
    node->out_len = 0;
    node->reader = rds_reply_reader();
    if (node->reader == NULL) {
        die("out of memory");
    }

    if (node_authenticate(node, end_ms) && node_select(node, end_ms)) {
        /* A server that loads its data or is a stranger says so here. */
        reply = rds_node_call(node, 1, ping, end_ms);
    }
    if (reply == NULL) {
        rds_node_drop(node);
    }

    return reply != NULL;
}


bool
rds_node_connected(const rds_node_t *node)
{
    return node->wire != NULL;
}


unsigned
rds_node_age(const rds_node_t *node)
{
    return node->age;
}


const char *
rds_node_address(const rds_node_t *node)
{
    return node->address;
}


const char *
rds_node_error(const rds_node_t *node)
{
    return node->error;
}


char *
rds_node_format(int argc, const char *const argv[], size_t *len)
{
    int    n;
    char  *bytes;

    n = redisFormatCommandArgv(&bytes, argc, (const char **) argv, NULL);
    if (n < 0) {
        die("out of memory");
    }
    *len = (size_t) n;

    return bytes;
}


void
rds_node_send(rds_node_t *node, const char *bytes, size_t len)
{
    size_t  size = node->out_size ? node->out_size : NODE_READ_SIZE;

    while (node->out_len + len > size) {
        size *= 2;
    }
    if (size != node->out_size) {
        node->out = realloc(node->out, size);
        if (node->out == NULL) {
            die("out of memory");
        }
        node->out_size = size;
    }

    memcpy(node->out + node->out_len, bytes, len);
    node->out_len += len;
}


bool
rds_node_flush(rds_node_t *node, int64_t end_ms)
{
    bool  ok = node->wire != NULL
               && rds_wire_write(node->wire, node->out, node->out_len, end_ms);

    node->out_len = 0;
    if (!ok) {
        rds_node_drop(node);
    }

    return ok;
}


/* Reads some bytes; false if the connection failed, which is dropped. */
static bool
node_feed(rds_node_t *node, int64_t end_ms)
{
    char    data[NODE_READ_SIZE];
    size_t  n = rds_wire_read(node->wire, data, sizeof(data), end_ms);

    if (n == 0) {
        rds_node_drop(node);
        return false;
    }
    if (redisReaderFeed(node->reader, data, n) != REDIS_OK) {
        die("out of memory");
    }

    return true;
}


/* A reply of what was read, or NULL; false if it is none of Redis. */
static bool
node_parse(rds_node_t *node, rds_reply_t **reply)
{
    void  *whole = NULL;

    if (redisReaderGetReply(node->reader, &whole) != REDIS_OK) {
        snprintf(node->error, sizeof(node->error), "%s", node->reader->errstr);
        rds_node_drop(node);
        return false;
    }
    *reply = whole;

    return true;
}


bool
rds_node_ahead(rds_node_t *node, int64_t end_ms)
{
    rds_reply_t  *reply;

    if (node->wire == NULL || !rds_wire_ready(node->wire)
        || !node_feed(node, end_ms))
    {
        return false;
    }

    while (node_parse(node, &reply) && reply != NULL) {
        if (node->ahead_count == node->ahead_size) {
            node->ahead_size = 2 * node->ahead_size + 8;
            node->ahead = realloc(node->ahead, node->ahead_size
                                               * sizeof(*node->ahead));
            if (node->ahead == NULL) {
                die("out of memory");
            }
        }
        node->ahead[node->ahead_count++] = reply;
    }

    return node->wire != NULL;
}


rds_reply_t *
rds_node_read(rds_node_t *node, int64_t end_ms)
{
    rds_reply_t  *reply;

    if (node->wire == NULL
        || (node->out_len > 0 && !rds_node_flush(node, end_ms)))
    {
        return NULL;
    }

    if (node->ahead_count > 0) {
        reply = node->ahead[0];
        memmove(node->ahead, node->ahead + 1,
                --node->ahead_count * sizeof(*node->ahead));
        return reply;
    }

    while (node_parse(node, &reply)) {
        if (reply != NULL || !node_feed(node, end_ms)) {
            return reply;
        }
    }

    return NULL;
}


rds_reply_t *
rds_node_call(rds_node_t *node, int argc, const char *const argv[],
    int64_t end_ms)
{
    char         *bytes;
    size_t        len;
    rds_reply_t  *reply;

    bytes = rds_node_format(argc, argv, &len);
    rds_node_send(node, bytes, len);
    explicit_bzero(bytes, len);
    free(bytes);

    reply = rds_node_read(node, end_ms);
    if (rds_refusal(reply) != NULL) {
        snprintf(node->error, sizeof(node->error), "%s", rds_refusal(reply));
        rds_clear(reply);
        return NULL;
    }

    return reply;
}
