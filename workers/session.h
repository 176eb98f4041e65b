/* session.h - a worker's work while it has a connection: takes events in, has them handled one
 * after the other, and acknowledges or gives back each. What intake.h and give_back.h do for it
 * stands in files of their own. */
#ifndef WINNOW_SESSION_H
#define WINNOW_SESSION_H

#include "answer.h"
#include "broker/broker.h"
#include "consumer.h"
#include "error.h"
#include "handling.h"
#include "inbox.h"
#include "job.h"
#include "refusals.h"
#include "scoreboard.h"
#include "topology.h"
#include "trials.h"
#include "unacked.h"
#include "worker.h"

#include <stdbool.h>
#include <stdint.h>

struct session {
    const struct worker_settings *settings;
    const struct topology *topology;
    int signal_fd;

    struct scoreboard *scoreboard;
    struct scoreboard_slot *slot; /* of it */

    struct broker *broker; /* of the connection; NULL: there is none */
    bool may_publish;      /* the broker would take another message */
    bool confirmed;        /* it has taken at least one over this connection */

    struct consumer consumer;
    struct inbox inbox;       /* events to be taken to hand */
    struct handling handling; /* the event at hand */
    bool takes_long;          /* for longer than the worker would hold work */
    struct inbox aside;       /* events that their job wants later */
    struct refusals refusals; /* events whose answers were refused */
    struct trials trials;     /* suspects that wait for their turn */
    struct unacked unacked;   /* all of them, and those whose answers are on their way */
    struct answerer answerer;

    int64_t received_ns; /* when everything was last taken off the socket */
    bool queue_deleted;  /* under it, and with it the events that were there */
    bool draining;
    int64_t drain_by_ns;
};

/* Attaches to the scoreboard. name is that of the worker's connection and consumer. Borrows
 * everything to session_clear. 0, -ERR_INVALID (what the environment names is no scoreboard) or
 * -ERR_MEMORY. */
int session_init(struct session *session, const struct worker_settings *settings,
                 const struct job *job, const char *name, int signal_fd, struct why *why);

/* Nothing may be on the job's thread. Also after session_init has failed. */
void session_clear(struct session *session);

/* Works over a new connection, to which `published` messages were sent that answer no event.
 * Returns 0 when the worker was told to drain and has; -ERR_TIMEOUT when it has not in time; or the
 * error that ended the connection or the worker. */
int session_run(struct session *session, struct broker *broker, size_t published, struct why *why);

/* The connection is gone: everything unacknowledged comes back to its queue, for whoever takes
 * it. */
void session_lose_connection(struct session *session);

#endif
