/* store_fixture.h - for the tests of stores: opening one, adding to it, and a Redis of our own.
 * Without redis-server the tests of that are skipped. */
#ifndef WINNOW_STORE_FIXTURE_H
#define WINNOW_STORE_FIXTURE_H

#include "clock.h"
#include "words/store.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- stores ---- */

/* Tries until it opens or the deadline has passed. */
static inline struct store *open_store(const char *where, const char *farm, int *error,
                                       struct why *why)
{
    const struct store_settings settings = {.where = where, .farm = farm};
    int64_t deadline_ns = clock_now_ns() + 20 * CLOCK_NS_PER_S;
    struct store *store = NULL;

    while ((*error = store_open(&settings, &store, why)) == -ERR_UNAVAILABLE ||
           *error == -ERR_LOCKED) {
        if (clock_now_ns() > deadline_ns)
            break;
        usleep(10000);
    }
    return store;
}

static inline struct store *opened(const char *where)
{
    struct why why = {0};
    int error;
    struct store *store = open_store(where, "farm", &error, &why);

    if (error)
        print_message("%s\n", why.text);
    assert_int_equal(error, 0);
    return store;
}

static inline void add(struct store *store, const char *text, int expected, struct why *why)
{
    struct store_operation operation = {.verb = STORE_ADD}, *pointer = &operation;
    struct lines_fault fault;
    size_t repeated;

    assert_int_equal(lines_read(&operation.entries, text, strlen(text), &repeated, &fault), 0);
    assert_int_equal(store_apply(store, &pointer, 1, why), expected);
    store_clear_operation(&operation);
}

/* ---- a Redis of our own ---- */

struct redis_server {
    pid_t pid;
    int port;
    char url[64];
};
static struct redis_server server;

/* None of those that the kernel or tools/private-broker gives to somebody, and another in each
 * process. */
static inline int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int port = 10000 + (int)(getpid() % 10000);

    for (int tries = 0; tries < 100; tries++) {
        address.sin_port = htons((uint16_t)port);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0)
            break;
        port++;
    }
    close(fd);
    return port;
}

static inline void start_redis(const char *folder, const char *appendonly)
{
    char port[16];

    snprintf(port, sizeof port, "%d", server.port);
    mkdir(folder, 0700);
    server.pid = fork();
    if (server.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen("/dev/null", "w", stdout))
            _exit(1);
        execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir",
               folder, "--appendonly", appendonly, "--appendfsync", "always", "--save", "",
               (char *)NULL);
        _exit(127);
    }
}

static inline void stop_redis(void)
{
    kill(server.pid, SIGKILL);
    waitpid(server.pid, NULL, 0);
}

static inline bool has_redis(void)
{
    static int known = -1;

    if (known < 0)
        known = system("redis-server --version >/dev/null 2>&1") == 0;
    return known;
}

static inline int begin_redis(void **state)
{
    (void)state;
    if (has_redis()) {
        server.port = free_port();
        snprintf(server.url, sizeof server.url, "redis://127.0.0.1:%d/3", server.port);
        start_redis("redis", "yes");
    }
    return 0;
}

static inline int end_redis(void **state)
{
    (void)state;
    if (has_redis())
        stop_redis();
    return 0;
}

static inline void require_redis(void)
{
    if (!has_redis()) {
        print_message("redis-server is not installed\n");
        skip();
    }
}

#endif
