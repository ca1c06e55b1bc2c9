/* rds_route.c: finds the servers of a fleet, and who of them has a slot. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "loop.h"
#include "rds_route.h"


#define ROUTE_NOBODY   (-1)
#define ROUTE_TRY_MS   50     /* the least that one try of several gets */
#define ROUTE_NODES    256    /* kept as places to ask */
#define ROUTE_REST_MS  1000   /* before one that failed is tried again */

struct rds_route_s {
    const struct conf  *conf;
    rds_node_t        **nodes;
    int64_t            *rest_ms;           /* of each of them */
    int                 count;
    int                 start;             /* who is asked first */
    bool                known;
    bool                doubted;
    int16_t             slots[RDS_SLOTS];  /* of nodes */
    char                error[RDS_ERROR_MAX];
};


rds_route_t *
rds_route_new(const struct conf *conf)
{
    rds_route_t  *route = calloc(1, sizeof(*route));

    if (route == NULL) {
        die("out of memory");
    }
    route->conf = conf;
    for (int slot = 0; slot < RDS_SLOTS; slot++) {
        route->slots[slot] = ROUTE_NOBODY;
    }

    return route;
}


static void
route_assign(rds_route_t *route, int from, int to, int index)
{
    for (int slot = from; slot <= to; slot++) {
        route->slots[slot] = (int16_t) index;
    }
}


static void
route_clear(rds_route_t *route)
{
    while (route->count > 0) {
        rds_node_free(route->nodes[--route->count]);
    }
    route_assign(route, 0, RDS_SLOTS - 1, ROUTE_NOBODY);
}


void
rds_route_free(rds_route_t *route)
{
    route_clear(route);
    free(route->nodes);
    free(route->rest_ms);
    free(route);
}


/* Servers that were heard of stay as places to ask. */
void
rds_route_drop(rds_route_t *route)
{
    for (int i = 0; i < route->count; i++) {
        rds_node_drop(route->nodes[i]);
    }
    if (route->count > ROUTE_NODES) {
        route_clear(route);
    }
    route->known = false;
}


/* Tells which of several servers it was. */
static bool
route_note(rds_route_t *route, const char *address, const char *text)
{
    bool  alone = strcmp(address, route->conf->redis_server) == 0;

    snprintf(route->error, sizeof(route->error), "%.200s%s%.300s",
             alone ? "" : address, alone ? "" : ": ", text);

    return false;
}


void
rds_route_doubt(rds_route_t *route)
{
    route->doubted = true;
}


void
rds_route_failed(rds_route_t *route, const rds_node_t *node)
{
    route_note(route, rds_node_address(node), rds_node_error(node));
    route->doubted = true;
}


void
rds_route_rest(rds_route_t *route, rds_node_t *node)
{
    for (int i = 0; i < route->count; i++) {
        if (route->nodes[i] == node) {
            route->rest_ms[i] = loop_now_ms() + ROUTE_REST_MS;
        }
    }
    rds_node_drop(node);
    route->doubted = true;
}


bool
rds_route_known(const rds_route_t *route)
{
    return route->known;
}


const char *
rds_route_error(const rds_route_t *route)
{
    return route->error;
}


/* Its place among the nodes, where it is put if it has none. */
static int
route_index(rds_route_t *route, const char *address)
{
    int  i;

    for (i = 0; i < route->count; i++) {
        if (strcmp(rds_node_address(route->nodes[i]), address) == 0) {
            return i;
        }
    }

    route->nodes = realloc(route->nodes,
                           sizeof(*route->nodes) * (size_t) (i + 1));
    route->rest_ms = realloc(route->rest_ms,
                             sizeof(*route->rest_ms) * (size_t) (i + 1));
    if (route->nodes == NULL || route->rest_ms == NULL) {
        die("out of memory");
    }
    route->rest_ms[i] = 0;
    route->nodes[route->count++] = rds_node_new(route->conf, address, RDS_DATA);

    return i;
}


static bool
route_connect(rds_route_t *route, int index, int64_t end_ms)
{
    rds_node_t  *node = route->nodes[index];

    if (rds_node_connected(node)) {
        return true;
    }

    if (loop_now_ms() >= route->rest_ms[index]) {
        if (rds_node_ready(node, end_ms)) {
            return true;
        }
        if (route->conf->redis_cluster) {
            route->rest_ms[index] = loop_now_ms() + ROUTE_REST_MS;
        }
    }

    return route_note(route, rds_node_address(node), rds_node_error(node));
}


/* --- one server ---------------------------------------------------------- */


static bool
route_seek_single(rds_route_t *route, const char *server, int64_t end_ms)
{
    int  index = route_index(route, server);

    route_assign(route, 0, RDS_SLOTS - 1, index);

    return route_connect(route, index, end_ms);
}


/* --- sentinels ----------------------------------------------------------- */


/* The address of the master as the sentinel names it. */
static bool
route_ask_sentinel(rds_route_t *route, const char *server, char *address,
    size_t size, int64_t end_ms)
{
    bool         ok = false;
    const char  *argv[] = { "SENTINEL", "get-master-addr-by-name",
                            route->conf->redis_sentinel };
    rds_node_t  *node = rds_node_new(route->conf, server, RDS_SENTINEL);
    RDS_REPLY reply = rds_node_ready(node, end_ms)
                      ? rds_node_call(node, 3, argv, end_ms) : NULL;

    if (reply == NULL) {
        route_note(route, server, rds_node_error(node));

    } else if (rds_text(rds_at(reply, 0)) == NULL
               || rds_text(rds_at(reply, 1)) == NULL)
    {
        route_note(route, server, "the sentinel knows no such master");

    } else {
        snprintf(address, size, "%s:%s", rds_text(rds_at(reply, 0)),
                 rds_text(rds_at(reply, 1)));
        ok = true;
    }
    rds_node_free(node);

    return ok;
}


/* A master that was just replaced is still named by some: it says itself. */
static bool
route_is_master(rds_route_t *route, int index, int64_t end_ms)
{
    const char  *role, *argv[] = { "ROLE" };
    rds_node_t  *node = route->nodes[index];
    RDS_REPLY reply = rds_node_call(node, 1, argv, end_ms);

    if (reply == NULL) {
        return route_note(route, rds_node_address(node), rds_node_error(node));
    }

    role = rds_text(rds_at(reply, 0));
    if (role == NULL || strcmp(role, "master") != 0) {
        return route_note(route, rds_node_address(node),
                          "the sentinels name it, but it is no master");
    }

    return true;
}


static bool
route_seek_sentinel(rds_route_t *route, const char *server, int64_t end_ms)
{
    int   index;
    char  address[CONF_STRING_MAX];

    if (!route_ask_sentinel(route, server, address, sizeof(address), end_ms)) {
        return false;
    }

    index = route_index(route, address);
    route_assign(route, 0, RDS_SLOTS - 1, index);

    return route_connect(route, index, end_ms)
           && route_is_master(route, index, end_ms);
}


/* --- a cluster ----------------------------------------------------------- */


/* A server that doesn't know its own address is where it was asked. */
static void
route_address(const char *host, size_t host_len, const char *port,
    const rds_node_t *said, char *address, size_t size)
{
    if (host_len == 0 || (host_len == 1 && host[0] == '?')) {
        host = rds_node_address(said);
        host_len = (size_t) (strrchr(host, ':') - host);
    }
    snprintf(address, size, "%.*s:%s", (int) host_len, host, port);
}


/* The server that a row of CLUSTER SLOTS names, or -1. */
static int
route_take_node(rds_route_t *route, const rds_reply_t *named,
    const rds_node_t *said)
{
    char         address[CONF_STRING_MAX], port[24];
    int64_t      number = rds_int(rds_at(named, 1));
    const char  *host = rds_text(rds_at(named, 0));

    if (number < 0) {
        return ROUTE_NOBODY;
    }
    snprintf(port, sizeof(port), "%lld", (long long) number);
    route_address(host, host != NULL ? strlen(host) : 0, port, said, address,
                  sizeof(address));

    return route_index(route, address);
}


/* Takes one row: first slot, last slot, the master, its replicas. */
static bool
route_take_slots(rds_route_t *route, const rds_reply_t *row,
    const rds_node_t *said)
{
    int      master = route_take_node(route, rds_at(row, 2), said);
    int64_t  from = rds_int(rds_at(row, 0));
    int64_t  to = rds_int(rds_at(row, 1));

    if (from < 0 || to < from || to >= RDS_SLOTS || master == ROUTE_NOBODY) {
        return false;
    }

    route_assign(route, (int) from, (int) to, master);
    for (size_t i = 3; i < rds_len(row); i++) {
        route_take_node(route, rds_at(row, i), said);
    }

    return true;
}


static bool
route_seek_cluster(rds_route_t *route, const char *server, int64_t end_ms)
{
    int          index = route_index(route, server);
    const char  *argv[] = { "CLUSTER", "SLOTS" };
    rds_node_t  *node = route->nodes[index];

    if (!route_connect(route, index, end_ms)) {
        return false;
    }

    RDS_REPLY reply = rds_node_call(node, 2, argv, end_ms);

    if (reply == NULL) {
        return route_note(route, server, rds_node_error(node));
    }
    if (rds_len(reply) == 0) {
        return route_note(route, server, "no slot of the cluster is served");
    }

    route_assign(route, 0, RDS_SLOTS - 1, ROUTE_NOBODY);
    for (size_t i = 0; i < rds_len(reply); i++) {
        if (!route_take_slots(route, rds_at(reply, i), node)) {
            return route_note(route, server, "CLUSTER SLOTS is nonsense");
        }
    }

    return true;
}


/* --- any of them --------------------------------------------------------- */


/*
 * The i-th server to ask: of the configuration, and in a cluster also any
 * that was heard of.
 */
static bool
route_candidate(const rds_route_t *route, int i, char *server)
{
    int  listed;

    for (listed = 0; conf_server(route->conf, listed, server); listed++) {
        if (listed == i) {
            return true;
        }
    }

    i -= listed;
    if (!route->conf->redis_cluster || i >= route->count) {
        return false;
    }
    snprintf(server, CONF_STRING_MAX, "%s", rds_node_address(route->nodes[i]));

    return true;
}


/* Asks one after the other; one that hangs leaves time for the next. */
static bool
route_seek(rds_route_t *route, int64_t end_ms)
{
    int      candidates = 0;
    bool     found = false;
    char     server[CONF_STRING_MAX];
    int64_t  left;

    while (route_candidate(route, candidates, server)) {
        candidates++;
    }

    for (int i = 0; i < candidates && !found; i++) {
        left = end_ms - loop_now_ms();
        if (i < candidates - 1) {
            left = left / 2 > ROUTE_TRY_MS ? left / 2 : ROUTE_TRY_MS;
        }
        if (!route_candidate(route, route->start % candidates, server)) {
            break;
        }

        found = route->conf->redis_cluster
                ? route_seek_cluster(route, server, loop_now_ms() + left)
                : route->conf->redis_sentinel[0] != '\0'
                ? route_seek_sentinel(route, server, loop_now_ms() + left)
                : route_seek_single(route, server, loop_now_ms() + left);
        if (!found) {
            route->start = (route->start + 1) % candidates;
        }
    }

    return found;
}


bool
rds_route_ready(rds_route_t *route, int64_t end_ms)
{
    if (!route->known || route->doubted) {
        route->known = route_seek(route, end_ms);
        route->doubted = false;
    }

    return route->known;
}


rds_node_t *
rds_route_find(rds_route_t *route, unsigned slot, int64_t end_ms)
{
    int64_t  left = end_ms - loop_now_ms();

    if (route->slots[slot] == ROUTE_NOBODY) {
        snprintf(route->error, sizeof(route->error),
                 "nobody in the cluster serves slot %u", slot);
        route->doubted = true;
        return NULL;
    }

    /* One that hangs leaves time for the others. */
    if (!route_connect(route, route->slots[slot],
                       end_ms - (route->conf->redis_cluster ? left / 2 : 0)))
    {
        route->doubted = true;
        return NULL;
    }

    return route->nodes[route->slots[slot]];
}


rds_node_t *
rds_route_at(rds_route_t *route, const rds_node_t *said,
    const char *redirection)
{
    char         address[CONF_STRING_MAX];
    const char  *host = strchr(redirection, ' ');
    const char  *colon = strrchr(redirection, ':');

    if (host == NULL || colon == NULL || colon < host) {
        return NULL;
    }
    host++;
    route_address(host, (size_t) (colon - host), colon + 1, said, address,
                  sizeof(address));

    return route->nodes[route_index(route, address)];
}


void
rds_route_moved(rds_route_t *route, const char *redirection,
    const rds_node_t *node)
{
    long  slot = strtol(redirection, NULL, 10);

    if (slot >= 0 && slot < RDS_SLOTS) {
        route->slots[slot] = (int16_t) route_index(route,
                                                   rds_node_address(node));
    }
}


rds_node_t *
rds_route_node(rds_route_t *route, int i)
{
    return i < route->count ? route->nodes[i] : NULL;
}


rds_node_t *
rds_route_master(rds_route_t *route, int i)
{
    for (int index = 0; index < route->count; index++) {
        for (int slot = 0; slot < RDS_SLOTS; slot++) {
            if (route->slots[slot] == index) {
                if (i-- == 0) {
                    return route->nodes[index];
                }
                break;
            }
        }
    }

    return NULL;
}


int
rds_route_slots(const rds_route_t *route)
{
    int  served = 0;

    for (int slot = 0; slot < RDS_SLOTS; slot++) {
        served += route->slots[slot] != ROUTE_NOBODY;
    }

    return served;
}
