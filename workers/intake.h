/* intake.h - what comes in to a worker: the broker's events, and signals. */
#ifndef WINNOW_INTAKE_H
#define WINNOW_INTAKE_H

#include "error.h"

struct session;

/* Takes everything off the socket, so that what is in flight is what this worker really holds, and
 * begins the drain when a signal asks for it. Returns 0, -ERR_MEMORY, or the error that ended the
 * connection. */
int intake_receive(struct session *session, struct why *why);

#endif
