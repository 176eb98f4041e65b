/* worker.h - the loop that all workers run: consume, let the job handle the text, publish the result,
 * have it confirmed, acknowledge. */
#ifndef WINNOW_WORKER_H
#define WINNOW_WORKER_H

#include "error.h"
#include "options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKER_DRAIN_TIMEOUT_VARIABLE "WINNOW_DRAIN_TIMEOUT"

/* What a job made of a text. */
struct worker_output {
    const char *text; /* valid UTF-8; borrowed by the loop until the next call */
    size_t length;
    int64_t matches; /* places changed; 0: the text is as it was */
};

/* The work itself. handle gets the text of one event (valid UTF-8, NUL possible) and fills in *output.
 * It returns 0, or an error with the reason for which this event goes to FARM.dead; -ERR_MEMORY
 * ends the worker instead, so that the event comes back. */
struct worker_job {
    int (*handle)(void *context, const char *text, size_t length, struct worker_output *output,
                  struct why *why);
    void *context;
};

struct worker_settings {
    const struct options *options;
    uint16_t prefetch;            /* most events held at once */
    size_t max_body_bytes;        /* larger ones go to FARM.dead */
    int64_t simulated_service_ns; /* added to each event; 0: none */
    int64_t drain_timeout_ns;     /* longest from SIGTERM to the end */
    bool takes_hangup;            /* the program takes SIGHUP, so the autoscaler may pass it on */
};

#define WORKER_DEFAULT_PREFETCH         250
#define WORKER_DEFAULT_MAX_BODY_BYTES   ((size_t)1 << 20)
#define WORKER_DEFAULT_DRAIN_TIMEOUT_NS INT64_C(30000000000)

/* Runs until SIGTERM or SIGINT, then drains: no new events, what is held is finished, confirmed and
 * acknowledged; what would pass the drain time-out is given back to the queue. Once connected it
 * survives the loss of its connection.
 *
 * Returns 0 (drained), -ERR_TIMEOUT (the drain ended with results unconfirmed), or the error of
 * broker.h that ended it, with the explanation in *why. */
int worker_run(const struct worker_settings *settings, const struct worker_job *job,
               struct why *why);

#endif
