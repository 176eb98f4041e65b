/* route.h - what a request's method and path ask for. Pure. */
#ifndef WINNOW_ROUTE_H
#define WINNOW_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a name in a path, decoded, with its NUL. */
#define ROUTE_NAME_SIZE 256

/* The longest bodies. */
#define ROUTE_COMMAND_MOST ((size_t)8 << 10)
#define ROUTE_EVENT_MOST   ((size_t)1 << 20)

enum route_kind {
    ROUTE_SITE, /* one of the page's own files */
    ROUTE_HEALTHZ,
    ROUTE_READYZ,
    ROUTE_METRICS,
    ROUTE_FARMS,
    ROUTE_STATUS,
    ROUTE_HISTORY,
    ROUTE_STREAM,
    ROUTE_SCALE,
    ROUTE_SET_SCALE,
    ROUTE_EVENTS,
    ROUTE_PAUSE,
    ROUTE_RESUME,
    ROUTE_STOP,
    ROUTE_DRAIN,
    ROUTE_UNDRAIN,
};

/* What it takes to be let in. */
enum route_need { ROUTE_FOR_ALL, ROUTE_TO_READ, ROUTE_TO_CONTROL };

struct route {
    enum route_kind kind;
    enum route_need need;
    size_t most_bytes;                                 /* of the body; 0: there is none to be */
    char farm[ROUTE_NAME_SIZE], node[ROUTE_NAME_SIZE]; /* as far as the route has them; else "" */
    int64_t slot;
};

enum route_found {
    ROUTE_FOUND,
    ROUTE_MISSING,   /* there is no such path */
    ROUTE_METHOD,    /* not with this method, but with `allow` */
    ROUTE_MALFORMED, /* a name or number in the path cannot be */
};

/* The path of a request's target, of which it is a part. An absolute one, "http://HOST/path", is
 * changed for that: `authority` is then what it has for Host, else NULL. */
char *route_split(char *target, const char **authority);

/* method  in capitals; HEAD is as GET
 * path    as it came, percent-encoded, with its query, which counts for nothing
 * allow   ROUTE_METHOD: the methods that there are, "GET, HEAD, PUT" */
#define ROUTE_ALLOW_SIZE 40
enum route_found route_find(const char *method, const char *path, struct route *route,
                            char allow[ROUTE_ALLOW_SIZE]);

#endif
