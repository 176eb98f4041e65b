#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIX "unix:"

#define BACKLOG 128

/* Who has not acknowledged anything for so long is gone. */
#define GONE_MS 30000

static bool is_port(const char *text)
{
    size_t length = strlen(text);

    return length && length <= 5 && strspn(text, "0123456789") == length &&
           strtol(text, NULL, 10) <= 65535;
}

int listen_parse(const char *text, struct listen_place *place)
{
    struct sockaddr_un address;
    const char *colon = strrchr(text, ':');

    *place = (struct listen_place){0};
    if (strncmp(text, UNIX, strlen(UNIX)) == 0) {
        place->path = text + strlen(UNIX);
        return *place->path && strlen(place->path) < sizeof address.sun_path ? 0 : -ERR_INVALID;
    }
    if (!colon || !is_port(colon + 1))
        return -ERR_INVALID;
    size_t length = (size_t)(colon - text);
    if (*text == '[' && length && colon[-1] == ']') {
        text++;
        length -= 2;
    } else if (memchr(text, ':', length)) {
        return -ERR_INVALID;
    }
    if (!length || length >= sizeof place->host)
        return -ERR_INVALID;
    memcpy(place->host, text, length);
    snprintf(place->port, sizeof place->port, "%s", colon + 1);
    return 0;
}

static int fail(int fd, const char *what, struct why *why)
{
    int error = error_set(why, ERR_CONFIG, "cannot listen at %s: %s", what, strerror(errno));

    if (fd >= 0)
        close(fd);
    return error;
}

static int open_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Whether a socket file is there that nobody serves any more. To connect to any other file is
 * refused just the same, and that one is somebody's. */
static bool is_left_over(const struct sockaddr_un *address)
{
    struct stat file;

    if (lstat(address->sun_path, &file) || !S_ISSOCK(file.st_mode))
        return false;
    int fd = open_socket(AF_UNIX);
    bool left = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) &&
                errno == ECONNREFUSED;

    if (fd >= 0)
        close(fd);
    return left;
}

static int open_unix(const char *path, int *fd, struct why *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, path, strlen(path));
    if (is_left_over(&address))
        unlink(path);
    *fd = open_socket(AF_UNIX);
    mode_t mask = umask(0117); /* its owner and group may connect */
    bool failed =
        *fd < 0 || bind(*fd, (struct sockaddr *)&address, sizeof address) || listen(*fd, BACKLOG);
    umask(mask);
    return failed ? fail(*fd, path, why) : 0;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static unsigned port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } address = {.in6 = {0}};
    socklen_t length = sizeof address;

    (void)getsockname(fd, &address.any, &length);
    return ntohs(address.any.sa_family == AF_INET6 ? address.in6.sin6_port : address.in.sin_port);
}

/* Connections have the same options. */
static void set_options(int fd)
{
    const int on = 1;
    const unsigned gone_ms = GONE_MS;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &gone_ms, sizeof gone_ms);
}

static int open_inet(const struct listen_place *place, int *fd, bool *local, struct why *why)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    char what[sizeof place->host + sizeof place->port];
    int failed = getaddrinfo(place->host, place->port, &hints, &found);

    snprintf(what, sizeof what, "%s:%s", place->host, place->port);
    if (failed)
        return error_set(why, ERR_CONFIG, "cannot listen at %s: %s", what, gai_strerror(failed));
    *local = is_loopback(found->ai_addr);
    *fd = open_socket(found->ai_family);
    if (*fd >= 0)
        set_options(*fd);
    int error = *fd < 0 || bind(*fd, found->ai_addr, found->ai_addrlen) || listen(*fd, BACKLOG)
                    ? fail(*fd, what, why)
                    : 0;
    freeaddrinfo(found);
    return error;
}

int listen_open(const struct listen_place *place, int *fd, bool *local, unsigned *port,
                struct why *why)
{
    *local = true;
    *port = 0;
    if (place->path)
        return open_unix(place->path, fd, why);
    int error = open_inet(place, fd, local, why);
    if (!error)
        *port = port_of(*fd);
    return error;
}

void listen_leave(const struct listen_place *place)
{
    if (place->path)
        unlink(place->path);
}

void listen_break(int fd)
{
    shutdown(fd, SHUT_RDWR);
}
