/* http.h - requests of HTTP and their answers: the only module that knows libmicrohttpd. It runs in
 * its caller's loop, with a thread of its own for nothing.
 *
 * Nobody can hold it up: a request that is not whole after 10 s, an answer that is not taken within
 * 20 s and a connection that is silent for 30 s are broken off; and when connections become few,
 * those that have waited longest for their client go first. */
#ifndef WINNOW_HTTP_H
#define WINNOW_HTTP_H

#include "error.h"
#include "guard.h"
#include "shared_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HTTP_MOST_CONNECTIONS 256
#define HTTP_MOST_STREAMS     64

struct http;
struct http_request;

/* A request's beginning. */
struct http_head {
    const char *method;
    const char *path; /* as it came, percent-encoded, with its query */
    struct guard_request headers;
};

/* Who answers. */
struct http_handler {
    /* The beginning has come. Returns how long the body may be at most, what is longer being
     * dropped; or answers, with http_answer, and returns 0. */
    size_t (*begin)(void *context, struct http_request *request, const struct http_head *head);
    /* All of it has come. To be answered now or later. `whole` is false when the body was longer
     * than that. Everything is borrowed until this returns. */
    void (*handle)(void *context, struct http_request *request, const struct http_head *head,
                   const char *body, size_t length, bool whole);
    /* A request that was handled and not answered yet is gone. */
    void (*forget)(void *context, struct http_request *request);
};

/* Serves on a socket that listens, which it closes with itself. The handler and its context
 * are borrowed. 0 or -ERR_SYSTEM. */
int http_open(int listen_fd, const struct http_handler *handler, void *context, struct http **http,
              struct why *why);
/* Breaks off what is there. Takes NULL. */
void http_close(struct http *http);

/* What to poll for (reading), and when http_step is due. */
int http_fd(const struct http *http);
int64_t http_due_ns(const struct http *http);
void http_step(struct http *http);

struct http_answer {
    unsigned status;
    const char *type;             /* Content-Type; lives as long as the process */
    char allow[ROUTE_ALLOW_SIZE]; /* of 405; else empty */
    struct shared_text *text;     /* the body; the answer holds it. NULL: out of memory */
};

/* Answers a request, once. */
void http_answer(struct http_request *request, const struct http_answer *answer);

/* A body that goes on. */
struct http_stream {
    void *context;
    /* Writes up to `most` bytes; 0: nothing is there until http_wake. */
    size_t (*read)(void *context, char *bytes, size_t most);
    void (*close)(void *context);
};

/* How many there are; more than HTTP_MOST_STREAMS must not be begun. */
size_t http_stream_count(const struct http *http);

/* Answers a request with one. It is closed in any case. */
void http_begin_stream(struct http_request *request, const char *type,
                       const struct http_stream *stream);

/* There is something to read again. May be called at any time while it is not closed. */
void http_wake(struct http_request *request);

struct http *http_of(const struct http_request *request);

#endif
