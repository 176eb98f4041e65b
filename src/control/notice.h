/* notice.h - what happened in a farm, for whoever follows it: a worker crashed, the limits changed,
 * the connection was lost. The same events go to the log. */
#ifndef WINNOW_NOTICE_H
#define WINNOW_NOTICE_H

#include "envelope.h"
#include "error.h"

#include <stddef.h>

struct json_t;

struct notice {
    char level[8];   /* "error", "warn", "info" or "debug" */
    char event[64];  /* the log event's name, as docs/operations.md lists it */
    char text[1024]; /* its key=value pairs */
};

/* As envelope_write. */
int notice_write(const struct envelope *envelope, const struct notice *notice, char **text,
                 size_t *length);

/* From a message that envelope_read has read. 0, or -ERR_INVALID with the member. */
int notice_read(const struct json_t *message, struct notice *notice, struct why *why);

#endif
