/* worker.h - the loop that all workers run: consume, let the job handle the event, publish the
 * result, have it confirmed, acknowledge. What the work is stands in job.h. */
#ifndef WINNOW_WORKER_H
#define WINNOW_WORKER_H

#include "error.h"
#include "job.h"
#include "options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker_settings {
    struct options *options;      /* its parsers set what they say of a queue that is there */
    uint16_t prefetch;            /* most events held at once */
    size_t max_body_bytes;        /* larger ones go to FARM.dead */
    int64_t simulated_service_ns; /* added to each event; 0: none */
    int64_t drain_timeout_ns;     /* longest from SIGTERM to the end */
    int heartbeat_s;              /* of the connection; 0: BROKER_HEARTBEAT_S */
    bool takes_hangup;            /* the program takes SIGHUP, so the autoscaler may pass it on */
};

/* Runs until SIGTERM or SIGINT, then drains: no new events, what is held is finished, confirmed and
 * acknowledged; what would pass the drain time-out is given back to the queue. Once connected it
 * survives the loss of its connection.
 *
 * Returns 0 (drained), -ERR_TIMEOUT (the drain ended with results unconfirmed), or the error of
 * broker.h that ended it, with the explanation in *why. When a job that takes long is still on an
 * event then, which was given back, it does not return: nothing but the end of the process ends a
 * thread, so the process ends there, with the message and the exit code that options_fail has for
 * the error. */
int worker_run(const struct worker_settings *settings, const struct job *job, struct why *why);

#endif
