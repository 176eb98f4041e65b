#include "route.h"

#include "site_file.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FARM "/api/v1/farms/*"

/* Beside the page's own files. A star stands for a name: of the farm, the node, the slot. */
static const struct row {
    const char *method, *path;
    enum route_kind kind;
    enum route_need need;
    size_t most_bytes;
} rows[] = {
    {"GET", "/healthz", ROUTE_HEALTHZ, ROUTE_FOR_ALL, 0},
    {"GET", "/readyz", ROUTE_READYZ, ROUTE_FOR_ALL, 0},
    {"GET", "/metrics", ROUTE_METRICS, ROUTE_TO_READ, 0},
    {"GET", "/api/v1/farms", ROUTE_FARMS, ROUTE_TO_READ, 0},
    {"GET", FARM "/status", ROUTE_STATUS, ROUTE_TO_READ, 0},
    {"GET", FARM "/history", ROUTE_HISTORY, ROUTE_TO_READ, 0},
    {"GET", FARM "/stream", ROUTE_STREAM, ROUTE_TO_READ, 0},
    {"GET", FARM "/scale", ROUTE_SCALE, ROUTE_TO_READ, 0},
    {"PUT", FARM "/scale", ROUTE_SET_SCALE, ROUTE_TO_CONTROL, ROUTE_COMMAND_MOST},
    {"POST", FARM "/events", ROUTE_EVENTS, ROUTE_TO_CONTROL, ROUTE_EVENT_MOST},
    {"POST", FARM "/pause", ROUTE_PAUSE, ROUTE_TO_CONTROL, ROUTE_COMMAND_MOST},
    {"POST", FARM "/resume", ROUTE_RESUME, ROUTE_TO_CONTROL, ROUTE_COMMAND_MOST},
    {"POST", FARM "/workers/*/*/stop", ROUTE_STOP, ROUTE_TO_CONTROL, ROUTE_COMMAND_MOST},
    {"POST", FARM "/nodes/*/drain", ROUTE_DRAIN, ROUTE_TO_CONTROL, ROUTE_COMMAND_MOST},
    {"POST", FARM "/nodes/*/undrain", ROUTE_UNDRAIN, ROUTE_TO_CONTROL, ROUTE_COMMAND_MOST},
};
#define ROWS (sizeof rows / sizeof rows[0])

/* The two slashes before the authority make room for its NUL, and for the slash of a path that is
 * left out. */
char *route_split(char *target, const char **authority)
{
    size_t scheme = strncasecmp(target, "http://", 7) == 0    ? 7
                    : strncasecmp(target, "https://", 8) == 0 ? 8
                                                              : 0;
    size_t length = strcspn(target + scheme, "/?#");
    char *path = target + scheme + length;

    *authority = NULL;
    if (!scheme)
        return target;
    *authority = memmove(target + scheme - 2, target + scheme, length);
    path[-2] = '\0';
    if (*path != '/')
        *--path = '/';
    return path;
}

#define MOST_NAMES 3

/* Where the names of a path stand in it, still encoded. */
struct names {
    const char *begin[MOST_NAMES];
    size_t length[MOST_NAMES];
    size_t count;
};

/* Up to the query. */
static bool matches(const char *pattern, const char *path, size_t length, struct names *names)
{
    const char *end = path + length;

    names->count = 0;
    for (; *pattern; pattern++) {
        if (*pattern != '*') {
            if (path == end || *path++ != *pattern)
                return false;
            continue;
        }
        const char *begin = path;
        while (path < end && *path != '/')
            path++;
        names->begin[names->count] = begin;
        names->length[names->count++] = (size_t)(path - begin);
    }
    return path == end;
}

/* 0 to 15, or -1. */
static int read_digit(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = strchr(digits, digit >= 'A' && digit <= 'F' ? digit - 'A' + 'a' : digit);

    return digit && found ? (int)(found - digits) : -1;
}

/* The byte that %XX at the beginning of that many bytes stands for; -1: none. */
static int decode_byte(const char *from, size_t length)
{
    int high = length > 2 ? read_digit(from[1]) : -1;
    int low = length > 2 ? read_digit(from[2]) : -1;

    return high < 0 || low < 0 ? -1 : 16 * high + low;
}

/* False for what is empty, too long, wrongly encoded, or has a NUL. */
static bool decode(const char *from, size_t length, char name[ROUTE_NAME_SIZE])
{
    size_t decoded = 0;

    while (length) {
        bool encoded = *from == '%';
        int byte = encoded ? decode_byte(from, length) : (unsigned char)*from;
        if (byte <= 0 || decoded + 1 == ROUTE_NAME_SIZE)
            return false;
        name[decoded++] = (char)byte;
        from += encoded ? 3 : 1;
        length -= encoded ? 3 : 1;
    }
    name[decoded] = '\0';
    return decoded > 0;
}

/* Digits alone, as a slot's number may have them. */
static bool read_slot(const char *text, int64_t *slot)
{
    if (!*text || strlen(text) > 9 || text[strspn(text, "0123456789")])
        return false;
    *slot = strtol(text, NULL, 10);
    return true;
}

static enum route_found read_names(const struct names *names, struct route *route)
{
    char slot[ROUTE_NAME_SIZE];
    char *const to[MOST_NAMES] = {route->farm, route->node, slot};

    for (size_t i = 0; i < names->count && i < MOST_NAMES; i++)
        if (!decode(names->begin[i], names->length[i], to[i]))
            return ROUTE_MALFORMED;
    return names->count < MOST_NAMES || read_slot(slot, &route->slot) ? ROUTE_FOUND
                                                                      : ROUTE_MALFORMED;
}

/* Appends a method to a list of them. */
static void add_method(char allow[ROUTE_ALLOW_SIZE], const char *method)
{
    const char *name = strcmp(method, "GET") == 0 ? "GET, HEAD" : method;

    size_t length = strlen(allow), more = strlen(name);

    if (length + more + 3 > ROUTE_ALLOW_SIZE)
        return;
    if (length) {
        memcpy(allow + length, ", ", 2);
        length += 2;
    }
    memcpy(allow + length, name, more + 1);
}

static enum route_found find_site(const char *method, struct route *route,
                                  char allow[ROUTE_ALLOW_SIZE])
{
    *route = (struct route){.kind = ROUTE_SITE, .need = ROUTE_FOR_ALL};
    add_method(allow, "GET");
    return strcmp(method, "GET") == 0 ? ROUTE_FOUND : ROUTE_METHOD;
}

enum route_found route_find(const char *method, const char *path, struct route *route,
                            char allow[ROUTE_ALLOW_SIZE])
{
    size_t length = strcspn(path, "?");
    struct site_file file;
    struct names names = {{0}, {0}, 0};

    *allow = '\0';
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    if (site_file_find(path, &file))
        return find_site(method, route, allow);
    for (const struct row *row = rows; row < rows + ROWS; row++) {
        if (!matches(row->path, path, length, &names))
            continue;
        add_method(allow, row->method);
        if (strcmp(row->method, method) != 0)
            continue;
        *route =
            (struct route){.kind = row->kind, .need = row->need, .most_bytes = row->most_bytes};
        return read_names(&names, route);
    }
    return *allow ? ROUTE_METHOD : ROUTE_MISSING;
}
