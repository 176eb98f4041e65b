/* answer.h - answers one event: the job's result to where the event asks for it, or the event to FARM.dead
 * with the reason. Each call that succeeds has published exactly one message, mandatory unless it
 * answers to a direct reply-to. */
#ifndef WINNOW_ANSWER_H
#define WINNOW_ANSWER_H

#include "broker/broker.h"
#include "error.h"
#include "event.h"
#include "topology.h"
#include "worker.h"

#include <stdbool.h>
#include <stddef.h>

/* What answering needs; the caller fills it in and keeps it from event to event. */
struct answerer {
    const struct worker_job *job;
    const struct topology *topology;
    const char *worker;             /* "host/pid" */
    void (*sending)(void *context); /* called before the message is sent, which may take long */
    void *context;
    size_t max_body_bytes;
    struct broker *broker;
    struct broker_properties *properties; /* room for those at hand */
    struct event event;                   /* starts from {0}; event_clear at the end */
};

struct answer_event {
    struct broker_bytes raw_properties, body;
    bool redelivered;
    bool poison; /* it goes to FARM.dead unhandled */
};

/* 0; -ERR_MEMORY; or an error of the connection. */
int answer_event(struct answerer *answerer, const struct answer_event *event, struct why *why);

/* A result that came back because no queue takes it: it goes to FARM.dead as it is. The same errors;
 * -ERR_UNAVAILABLE when it is FARM.dead that has no queue: a new connection declares it anew. */
int answer_returned(struct answerer *answerer, const struct broker_event *returned,
                    struct why *why);

#endif
