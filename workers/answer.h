/* answer.h - answers one event: the job's result to where the event asks for it, or the event to
 * FARM.dead with the reason. A call that succeeds has put the event down on the scoreboard and then
 * published exactly one message, mandatory unless it answers to a direct reply-to: while the socket
 * takes the message neither worker nor event can be blamed, because the broker may have stopped
 * reading. What was published is kept with the delivery. On a queue that is somebody else's nothing
 * may be there to be published; the caller is then told what to do with the event instead. */
#ifndef WINNOW_ANSWER_H
#define WINNOW_ANSWER_H

#include "broker/broker.h"
#include "delivery.h"
#include "error.h"
#include "job.h"
#include "log_limit.h"
#include "scoreboard.h"
#include "topology.h"

#include <stdbool.h>
#include <stddef.h>

/* What answering needs; the caller fills it in and keeps it from event to event. All pointers are
 * borrowed. */
struct answerer {
    const struct topology *topology;
    const char *worker; /* "host/pid" */
    size_t max_body_bytes;
    struct scoreboard_slot *slot;
    struct broker *broker;                     /* of the moment */
    bool has_dead;                             /* FARM.dead was declared over its connection */
    struct broker_properties *back_properties; /* for what answer_again decodes */
    struct log_limit dead_log;
};

/* Why no worker handles such an event, from its size and its reply_to: 0, or -ERR_INVALID. */
int answer_check(const struct answerer *answerer, const struct delivery *delivery,
                 const struct broker_properties *properties, struct why *why);

/* What a call that succeeded has done, or leaves to do. */
enum answer {
    ANSWER_PUBLISHED, /* the event is to be acknowledged when the broker has confirmed it */
    ANSWER_NOWHERE,   /* nobody asks for the result: the event is to be acknowledged */
    ANSWER_REJECT,    /* the event is dead, and to be rejected: the queue's dead-lettering has it */
};

/* Each turns properties, which are those of the delivery, into those of the message.
 *
 * An enum answer; -ERR_MEMORY; an error of the connection; of a result also -ERR_INVALID when it
 * cannot be sent as it is: then nothing was published, and the properties are neither the event's
 * nor the result's. */
int answer_result(struct answerer *answerer, struct delivery *delivery,
                  struct broker_properties *properties, const struct job_result *result,
                  struct why *why);
int answer_dead(struct answerer *answerer, struct delivery *delivery,
                struct broker_properties *properties, const char *reason, struct why *why);

/* The queue to which the result of an event with these properties goes; empty: nowhere. */
struct broker_bytes answer_queue(const struct answerer *answerer,
                                 const struct broker_properties *properties);

/* Publishes once more what was published for the event. The same errors but -ERR_INVALID. */
int answer_again(struct answerer *answerer, struct delivery *delivery, struct why *why);

/* Its queue refuses the result for good: the event goes to FARM.dead as it came. The same. */
int answer_refused(struct answerer *answerer, struct delivery *delivery, struct why *why);

/* Whether a message that came back because no queue takes it, with these properties, is the event's
 * result. Events for which that cannot be told apart have the same names, bodies and results, so
 * that it does not matter which is taken. */
bool answer_is(const struct delivery *delivery, const struct broker_event *returned,
               const struct broker_properties *properties);

/* The event's result has come back: it goes to FARM.dead, as it is. The errors of answer_again. */
int answer_returned(struct answerer *answerer, struct delivery *delivery,
                    const struct broker_event *returned, struct why *why);

#endif
