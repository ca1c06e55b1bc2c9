/* rds.c: commands to whoever has their keys, and their replies in order. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "loop.h"
#include "rds.h"
#include "rds_route.h"
#include "rds_script.h"


#define RDS_PAUSE_MS   20     /* the first one, before a command goes again */
#define RDS_PAUSE_MAX  200

/* What becomes of a command that was refused with such an error. */
enum rds_fate {
    RDS_REFUSED,     /* the caller has to know */
    RDS_ASK,         /* another server takes it, this once */
    RDS_LOAD,        /* the server doesn't know the script */
    RDS_MOVED,       /* another server has the slot */
    RDS_SEEK,        /* it has lost its place: who has it now? */
    RDS_WAIT         /* it can't now */
};

static const struct {
    const char     *error;
    enum rds_fate   fate;
    bool            redirects;
} rds_fates[] = {
    { "ASK ",         RDS_ASK,   true },
    { "BUSY ",        RDS_WAIT,  false },
    { "CLUSTERDOWN ", RDS_SEEK,  false },
    { "LOADING ",     RDS_WAIT,  false },
    { "MASTERDOWN ",  RDS_SEEK,  false },
    { "MOVED ",       RDS_MOVED, true },
    { "NOSCRIPT ",    RDS_LOAD,  false },
    { "READONLY ",    RDS_SEEK,  false },
    { "TRYAGAIN ",    RDS_WAIT,  false },
};

#define RDS_FATES  (sizeof(rds_fates) / sizeof(rds_fates[0]))

/* Where the key stands, if not right behind the command. */
static const struct {
    const char  *command;
    int          key;
} rds_keys[] = {
    { "EVALSHA", 3 },
    { "XREAD",   4 },     /* XREAD COUNT n STREAMS key id */
};

#define RDS_KEYS  (sizeof(rds_keys) / sizeof(rds_keys[0]))

struct rds_queued {
    char        *bytes;
    size_t       len;
    unsigned     slot;
    rds_node_t  *node;       /* where it went, or NULL if it couldn't */
    unsigned     age;        /* by which of its connections */
    rds_node_t  *ask;        /* where it has to go instead, or NULL */
};

struct rds_s {
    const struct conf  *conf;
    rds_route_t        *route;
    struct rds_queued  *queue;
    int                 size;
    int                 count;
    int                 head;        /* whose reply comes next */
    int                 sent;        /* those before it are on their way */
    int                 tries;       /* of the head, that were in vain */
    int64_t             end_ms;
    bool                complained;
    char                error[RDS_ERROR_MAX];
};


rds_t *
rds_new(const struct conf *conf)
{
    rds_t  *rds = calloc(1, sizeof(*rds));

    if (rds == NULL) {
        die("out of memory");
    }
    rds->conf = conf;
    rds->route = rds_route_new(conf);

    return rds;
}


static void
rds_empty(rds_t *rds)
{
    for (int i = 0; i < rds->count; i++) {
        free(rds->queue[i].bytes);
    }
    rds->count = 0;
    rds->head = 0;
    rds->sent = 0;
    rds->tries = 0;
}


void
rds_free(rds_t *rds)
{
    if (rds != NULL) {
        rds_empty(rds);
        rds_route_free(rds->route);
        free(rds->queue);
        free(rds);
    }
}


void
rds_drop(rds_t *rds)
{
    rds_empty(rds);
    rds_route_drop(rds->route);
}


static void
rds_note(rds_t *rds, const char *text)
{
    snprintf(rds->error, sizeof(rds->error), "%s", text);
}


static int64_t
rds_end(const rds_t *rds)
{
    return loop_now_ms() + rds->conf->redis_timeout;
}


bool
rds_ready(rds_t *rds)
{
    bool  ready = rds_route_ready(rds->route, rds_end(rds));

    if (ready && rds->complained) {
        log_info("redis answers again");
    }
    if (!ready) {
        rds_note(rds, rds_route_error(rds->route));
        if (!rds->complained) {
            log_error("connect to redis \"%s\" failed: %s",
                      rds->conf->redis_server, rds->error);
            log_hint("is it running, and is section [redis] right?");
        }
        rds_drop(rds);
    }
    rds->complained = !ready;

    return ready;
}


const char *
rds_error(const rds_t *rds)
{
    return rds->error;
}


bool
rds_connected(const rds_t *rds)
{
    return rds_route_known(rds->route);
}


/* --- sending ------------------------------------------------------------- */


/* CRC16 of the key, or of what it has in braces. */
static unsigned
rds_key_slot(const char *key)
{
    unsigned     crc = 0;
    const char  *open = strchr(key, '{');
    const char  *end = open != NULL ? strchr(open, '}') : NULL;

    if (end == NULL || end == open + 1) {
        open = key - 1;
        end = key + strlen(key);
    }

    for (const char *p = open + 1; p < end; p++) {
        crc ^= (unsigned) (unsigned char) *p << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1) & 0xffff;
        }
    }

    return crc % RDS_SLOTS;
}


static unsigned
rds_slot(int argc, const char *const argv[])
{
    int  key = 1;

    for (size_t i = 0; i < RDS_KEYS; i++) {
        if (strcmp(rds_keys[i].command, argv[0]) == 0) {
            key = rds_keys[i].key;
        }
    }

    return key < argc ? rds_key_slot(argv[key]) : 0;
}


bool
rds_append(rds_t *rds, int argc, const char *const argv[])
{
    struct rds_queued  *queued;

    if (!rds_connected(rds)) {
        rds_note(rds, "not connected to redis");
        return false;
    }

    if (rds->count == rds->size) {
        rds->size = rds->size ? rds->size * 2 : 64;
        rds->queue = realloc(rds->queue,
                             sizeof(*rds->queue) * (size_t) rds->size);
        if (rds->queue == NULL) {
            die("out of memory");
        }
    }

    queued = &rds->queue[rds->count++];
    *queued = (struct rds_queued) { .slot = rds_slot(argc, argv) };
    queued->bytes = rds_node_format(argc, argv, &queued->len);

    return true;
}


/*
 * Sends what isn't on its way, each to its server, all servers at once.  False
 * where nobody knows the servers.
 */
static bool
rds_send(rds_t *rds)
{
    static const char   asking[] = "*1\r\n$6\r\nASKING\r\n";
    struct rds_queued  *queued;
    rds_node_t         *node;

    if (rds->sent == rds->head && !rds_route_ready(rds->route, rds->end_ms)) {
        rds_note(rds, rds_route_error(rds->route));
        return false;
    }

    for ( ; rds->sent < rds->count; rds->sent++) {
        queued = &rds->queue[rds->sent];
        queued->node = queued->ask;

        if (queued->ask == NULL) {
            queued->node = rds_route_find(rds->route, queued->slot,
                                          rds->end_ms);
        } else if (rds_node_ready(queued->ask, rds->end_ms)) {
            rds_node_send(queued->ask, asking, sizeof(asking) - 1);
        } else {
            queued->node = NULL;
        }

        if (queued->node != NULL) {
            queued->age = rds_node_age(queued->node);
            rds_node_send(queued->node, queued->bytes, queued->len);
        }
    }

    /* One that fails here fails again when it is read. */
    for (int i = 0; (node = rds_route_node(rds->route, i)) != NULL; i++) {
        if (rds_node_connected(node) && !rds_node_flush(node, rds->end_ms)) {
            rds_route_doubt(rds->route);
        }
    }

    return true;
}


/* --- receiving ----------------------------------------------------------- */


/* NULL if it couldn't be sent, or its connection failed. */
static rds_reply_t *
rds_read(rds_t *rds, const struct rds_queued *queued)
{
    rds_reply_t  *reply = NULL;

    if (queued->node == NULL) {
        rds_note(rds, queued->ask != NULL ? rds_node_error(queued->ask)
                                          : rds_route_error(rds->route));
        return NULL;
    }

    if (queued->age == rds_node_age(queued->node)) {
        reply = rds_node_read(queued->node, rds->end_ms);

        if (queued->ask != NULL && reply != NULL) {
            rds_clear(reply);
            reply = rds_node_read(queued->node, rds->end_ms);
        }
    }
    if (reply == NULL) {
        rds_route_failed(rds->route, queued->node);
        rds_note(rds, rds_route_error(rds->route));
    }

    return reply;
}


/*
 * Takes back what was sent after the head: those of its slot have met the
 * same refusal, or would now overtake it.
 */
static void
rds_rewind(rds_t *rds)
{
    for (int i = rds->head + 1; i < rds->sent; i++) {
        RDS_REPLY unread = rds_read(rds, &rds->queue[i]);

        (void) unread;
        rds->queue[i].ask = NULL;
    }
    rds->queue[rds->head].ask = NULL;
    rds->sent = rds->head;
}


/* Where there is no cluster, a redirection is a mistake of worker.ini. */
static enum rds_fate
rds_judge(const rds_t *rds, const char *error)
{
    for (size_t i = 0; i < RDS_FATES; i++) {
        if (strncmp(error, rds_fates[i].error, strlen(rds_fates[i].error))
            == 0
            && (rds->conf->redis_cluster || !rds_fates[i].redirects))
        {
            return rds_fates[i].fate;
        }
    }

    return RDS_REFUSED;
}


/* Makes ready for the head to be sent again; false where that won't do. */
static bool
rds_again(rds_t *rds, enum rds_fate fate, const char *error)
{
    int                 pause = RDS_PAUSE_MS << (rds->tries < 4 ? rds->tries
                                                                : 4);
    const char         *where = strchr(error, ' ') + 1;
    rds_node_t         *other;
    struct rds_queued  *head = &rds->queue[rds->head];

    rds_rewind(rds);

    switch (fate) {
    case RDS_ASK:
    case RDS_MOVED:
        other = rds_route_at(rds->route, head->node, where);
        if (other == NULL) {
            return false;
        }
        if (fate == RDS_ASK) {
            head->ask = other;
        } else {
            rds_route_moved(rds->route, where, other);
        }
        break;

    case RDS_LOAD:
        if (!rds_script_load(head->node, rds->end_ms)) {
            return false;
        }
        break;

    case RDS_SEEK:
        rds_route_doubt(rds->route);
        break;

    default:
        break;
    }

    /* What has a remedy is tried at once, but not for ever. */
    if (rds->tries++ > 0 || fate == RDS_SEEK || fate == RDS_WAIT) {
        loop_wait(-1, 0, pause < RDS_PAUSE_MAX ? pause : RDS_PAUSE_MAX);
    }

    return loop_now_ms() < rds->end_ms;
}


static void
rds_passed(rds_t *rds)
{
    rds->tries = 0;
    if (++rds->head == rds->count) {
        rds_empty(rds);
    } else if (rds->sent < rds->head) {
        rds->sent = rds->head;
    }
}


void
rds_start(rds_t *rds)
{
    rds->end_ms = rds_end(rds);
    (void) (rds->sent == rds->count || rds_send(rds));
}


bool
rds_ahead(rds_t *rds)
{
    bool         came = false;
    rds_node_t  *node;

    for (int i = 0; (node = rds_route_node(rds->route, i)) != NULL; i++) {
        came = rds_node_ahead(node, rds_end(rds)) || came;
    }

    return came;
}


rds_reply_t *
rds_next(rds_t *rds)
{
    bool           alone = !rds->conf->redis_cluster;
    enum rds_fate  fate;
    rds_reply_t   *reply;

    if (rds->head == rds->count) {
        return NULL;
    }
    rds->end_ms = rds_end(rds);

    while (rds->sent == rds->count || rds_send(rds)) {
        reply = rds_read(rds, &rds->queue[rds->head]);
        if (reply == NULL && alone) {
            break;
        }
        if (rds_refusal(reply) == NULL) {
            rds_passed(rds);
            return reply;
        }

        fate = rds_judge(rds, rds_refusal(reply));
        if (fate != RDS_REFUSED && rds_again(rds, fate, rds_refusal(reply))) {
            rds_clear(reply);
            continue;
        }

        rds_note(rds, rds_refusal(reply));
        rds_clear(reply);
        if (fate != RDS_REFUSED) {
            if (alone) {
                break;
            }
            rds_route_rest(rds->route, rds->queue[rds->head].node);
        }
        rds_passed(rds);
        return NULL;
    }

    rds_drop(rds);

    return NULL;
}


rds_reply_t *
rds_command(rds_t *rds, int argc, const char *const argv[])
{
    return rds_append(rds, argc, argv) ? rds_next(rds) : NULL;
}


/* --- servers, whatever keys they have ------------------------------------ */


const char *
rds_topology(const rds_t *rds)
{
    return rds->conf->redis_cluster ? "cluster"
           : rds->conf->redis_sentinel[0] != '\0' ? "sentinel" : "single";
}


int
rds_slots_missing(const rds_t *rds)
{
    return RDS_SLOTS - rds_route_slots(rds->route);
}


const char *
rds_master(const rds_t *rds, int i)
{
    rds_node_t  *node = rds_route_master(rds->route, i);

    return node != NULL ? rds_node_address(node) : NULL;
}


rds_reply_t *
rds_ask(rds_t *rds, int i, int argc, const char *const argv[])
{
    rds_node_t   *node = rds_route_master(rds->route, i);
    rds_reply_t  *reply = NULL;
    int64_t       end_ms = rds_end(rds);

    if (node == NULL || rds->count > 0) {
        rds_note(rds, "not connected to redis");
        return NULL;
    }

    if (rds_node_ready(node, end_ms)) {
        reply = rds_node_call(node, argc, argv, end_ms);
    }
    if (reply == NULL) {
        rds_note(rds, rds_node_error(node));
    }

    return reply;
}
