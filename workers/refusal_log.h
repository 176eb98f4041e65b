/* refusal_log.h - counts what queues refuse, so that few lines of a log say it. Pure. */
#ifndef WINNOW_REFUSAL_LOG_H
#define WINNOW_REFUSAL_LOG_H

#include "broker/properties.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct refusal_log {
    int64_t pause_ns; /* between two lines at the least */
    int64_t next_ns;  /* when the next may be written */

    /* Since the last line. */
    char queue[256]; /* the first that refused */
    size_t refused;  /* by it */
    size_t given_up; /* of those */
    size_t others;   /* refused by other queues */
};

/* A queue has refused a message; one that it has refused is given up. */
void refusal_log_add(struct refusal_log *log, struct broker_bytes queue);
void refusal_log_given_up(struct refusal_log *log, struct broker_bytes queue);

/* Whether a line is due. If one is due later, *until_ns is made sooner. */
bool refusal_log_is_due(const struct refusal_log *log, int64_t now_ns, int64_t *until_ns);

/* The line was written. */
void refusal_log_written(struct refusal_log *log, int64_t now_ns);

#endif
