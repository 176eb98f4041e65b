/* envelope.h - what every message of a farm's control plane begins with:
 *
 *     {"v":1,"farm":"shop","from":"winnow-autoscaler/host/123","clock":17,
 *      "time":"2026-01-31T12:00:00.123Z", ...}
 *
 * The members behind these are the message's own. Members that a reader does not know are ignored,
 * so that newer programs may say more; a message of another version is refused. */
#ifndef WINNOW_ENVELOPE_H
#define WINNOW_ENVELOPE_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

#define ENVELOPE_VERSION   1
#define ENVELOPE_FARM_SIZE 128
#define ENVELOPE_FROM_SIZE 400
#define ENVELOPE_TIME_SIZE 32

/* Longer messages are not read. */
#define ENVELOPE_MOST_BYTES ((size_t)1 << 20)

/* Nobody wants to read later what a message says: its expiration, in milliseconds. */
#define ENVELOPE_EXPIRATION "10000"

struct json_t;

struct envelope {
    char farm[ENVELOPE_FARM_SIZE];
    char from[ENVELOPE_FROM_SIZE]; /* "PROGRAM/HOST/PID" */
    char
        time[ENVELOPE_TIME_SIZE]; /* the sender's wall clock, to be shown and never reckoned with */
    int64_t clock;                /* of lamport.h, 0..LAMPORT_MAX */
};

/* Puts the envelope before the members of an object that is given away, also on failure, and writes
 * the message as text: *text (release with free) of *length bytes. members may be NULL after an
 * allocation failed. 0 or -ERR_MEMORY. */
int envelope_write(const struct envelope *envelope, struct json_t *members, char **text,
                   size_t *length);
/* The same of a message that has no members of its own. */
int envelope_write_bare(const struct envelope *envelope, char **text, size_t *length);

/* Reads a message. 0 and *message, an object (release with members_release); -ERR_INVALID with what
 * was expected; -ERR_MEMORY. */
int envelope_read(const char *bytes, size_t length, struct envelope *envelope,
                  struct json_t **message, struct why *why);

#endif
