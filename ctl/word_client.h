/* word_client.h - requests to a farm's word service, one after the other, and their answers. */
#ifndef WINNOW_WORD_CLIENT_H
#define WINNOW_WORD_CLIENT_H

#include "broker/properties.h"
#include "error.h"
#include "options.h"

#include <stddef.h>
#include <stdint.h>

struct word_client;
struct json_t;

/* The most that a service takes as one request. */
#define WORD_CLIENT_MOST_BYTES ((size_t)1 << 20)

/* An answer, borrowed until the next request. */
struct word_client_answer {
    const char *text; /* as it came */
    size_t length;
    const struct json_t *json;
    int64_t error_line;  /* 0: the error is about no line, or there is none */
    const char *refused; /* the reason; NULL: it was carried out */
};

/* Connects. wait_ns is the patience with each request. 0 and *client (release with
 * word_client_close), or an error of connection_wait. options must live as long as the process. */
int word_client_open(const struct options *options, int64_t wait_ns, struct word_client **client,
                     struct why *why);
void word_client_close(struct word_client *client);

/* Sends a request of a type (docs/words.md), which is gone when nobody took it within the patience,
 * and waits for its answer.
 *
 * Returns 0; -ERR_TIMEOUT, when no service answered; -ERR_UNAVAILABLE, when the connection was
 * lost; -ERR_CONFIG for an answer that cannot be read; or what the broker says against it. */
int word_client_ask(struct word_client *client, const char *type, struct broker_bytes body,
                    struct word_client_answer *answer, struct why *why);

#endif
