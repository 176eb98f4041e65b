/* redis_link.h - a connection to a Redis that keeps what it answers and knows our script: made when
 * it is needed, and anew after it was lost. Nothing waits longer than STORE_PATIENCE_NS for an
 * answer, or three times as long where much is asked for. */
#ifndef WINNOW_REDIS_LINK_H
#define WINNOW_REDIS_LINK_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

struct redisContext;
struct redisReply;

#define REDIS_LINK_SCRIPT_BYTES 40

struct redis_link {
    char *name; /* the URL */
    char host[256];
    int port, database;
    bool relaxed; /* a Redis that may lose what it answered will do */
    int patience_s;
    struct redisContext *context; /* NULL: not connected */
    /* What the script is called there; no text, but the bytes of one. Written by the first
     * connection, and the same in all. */
    char script[REDIS_LINK_SCRIPT_BYTES];
};

/* Reads redis://HOST:PORT/DB; port and database may be missing. Connects to nothing. 0,
 * -ERR_INVALID with what was expected, or -ERR_MEMORY; to be closed after them too. */
int redis_link_init(struct redis_link *link, const char *url, bool relaxed, struct why *why);
void redis_link_close(struct redis_link *link);

/* Connects if it is not connected. 0, -ERR_UNAVAILABLE, -ERR_CONFIG where Redis does not keep what
 * it answers, or the errors of redis_link_take. */
int redis_link_connect(struct redis_link *link, struct why *why);

/* How long each answer is waited for from now on. It is connected. */
void redis_link_be_patient(struct redis_link *link, bool is_large);

/* Sends a command; redis_link_take takes the answers, in order. -ERR_MEMORY. */
struct redis_text {
    const char *bytes;
    size_t length;
};
int redis_link_send(struct redis_link *link, const struct redis_text *words, size_t count,
                    struct why *why);

/* Takes the next answer: 0 and *reply, to be freed with redis_link_free. -ERR_UNAVAILABLE: the
 * connection is lost, and with it all answers; so it is when somebody made Redis forget the script,
 * which the next connection teaches it again. -ERR_LOCKED: no answer in time, and the connection is
 * given up; or Redis is loading its data, or a script runs. Then, and after -ERR_CONFIG (a script
 * of ours says "WINNOW" and why) and -ERR_SYSTEM, the connection is as good as before. */
int redis_link_take(struct redis_link *link, struct redisReply **reply, struct why *why);
void redis_link_free(struct redisReply *reply);

#endif
