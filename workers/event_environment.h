/* event_environment.h - what a program finds of its event in its environment, beside what the
 * worker has in its own. */
#ifndef WINNOW_EVENT_ENVIRONMENT_H
#define WINNOW_EVENT_ENVIRONMENT_H

#include "error.h"
#include "job.h"
#include "plain_json.h"

#include <stdbool.h>
#include <stddef.h>

struct event_environment {
    char **entries; /* of the last event; NULL after the last */
    size_t own;     /* so many of them are the worker's, and stay */
    struct plain_json text;
};

/* Borrows the worker's environment, without what is for workers alone or is set for each event, and
 * with AMQP_URL only if that is wanted. 0 or -ERR_MEMORY. */
int event_environment_init(struct event_environment *environment, bool with_url, struct why *why);
void event_environment_clear(struct event_environment *environment);

/* Sets WINNOW_MESSAGE_ID, WINNOW_CORRELATION_ID, WINNOW_CONTENT_TYPE and WINNOW_TYPE, each when the
 * event has it, WINNOW_REDELIVERED (true or false), WINNOW_ATTEMPT (from 1 on) and, with_headers,
 * WINNOW_HEADERS, a JSON object; else WINNOW_HEADERS_DROPPED (true). The entries stay until the
 * next call.
 *
 * 0; -ERR_MEMORY; -ERR_INVALID with the reason, when a property has a NUL, which no variable
 * can. */
int event_environment_set(struct event_environment *environment, const struct job_event *event,
                          bool with_headers, struct why *why);

#endif
