/* refusal_log.h - says which queue refuses, and how much, in few lines. */
#ifndef WINNOW_REFUSAL_LOG_H
#define WINNOW_REFUSAL_LOG_H

#include "broker/properties.h"

#include <stddef.h>
#include <stdint.h>

struct refusal_log {
    const char *event; /* of the line; borrowed */
    int64_t pause_ns;  /* between two lines at the least */

    /* Since the last line. */
    int64_t next_ns; /* when another may be written */
    char queue[256]; /* the first that refused */
    size_t refused;  /* by it */
    size_t given_up; /* of those */
    size_t others;   /* refused by other queues */
};

/* A queue has refused a message; one that it has refused is given up. */
void refusal_log_add(struct refusal_log *log, struct broker_bytes queue);
void refusal_log_given_up(struct refusal_log *log, struct broker_bytes queue);

/* Writes the line that is due, if any. *until_ns is made sooner if one is due before. */
void refusal_log_step(struct refusal_log *log, int64_t now_ns, int64_t *until_ns);

#endif
