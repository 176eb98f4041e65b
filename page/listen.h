/* listen.h - the socket on which the page is served. */
#ifndef WINNOW_LISTEN_H
#define WINNOW_LISTEN_H

#include "error.h"

#include <stdbool.h>

#define LISTEN_DEFAULT "127.0.0.1:8672"
#define LISTEN_FORM    "HOST:PORT, [ADDRESS]:PORT for IPv6, or unix:/PATH"

struct listen_place {
    const char *path; /* of a Unix socket; NULL: the two below hold */
    char host[256], port[6];
};

/* 0 or -ERR_INVALID. A path is borrowed from the text. */
int listen_parse(const char *text, struct listen_place *place);

/* Opens the socket, without waiting for connections yet. A Unix socket whose server is gone is
 * replaced.
 *
 * fd     not blocking
 * local  whether only this host reaches it
 * port   the one taken, where the place has 0
 *
 * 0; -ERR_CONFIG when the place is taken, or cannot be. */
int listen_open(const struct listen_place *place, int *fd, bool *local, unsigned *port,
                struct why *why);

/* Removes the Unix socket, if it is one. */
void listen_leave(const struct listen_place *place);

/* Breaks a connection off, whoever is reading from it or writing to it. */
void listen_break(int fd);

#endif
