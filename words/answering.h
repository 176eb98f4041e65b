/* answering.h - publishes what the word service answers: to whoever asked, or to FARM.dead where
 * nobody can be told why a request was not carried out. */
#ifndef WINNOW_ANSWERING_H
#define WINNOW_ANSWERING_H

#include "batch.h"
#include "broker/broker.h"
#include "log_limit.h"
#include "topology.h"
#include "word_answer.h"

#include <stdint.h>

struct answering {
    const struct topology *topology; /* borrowed, as all of these */
    const char *instance;            /* "host/pid" */
    struct broker_properties *properties;
    int64_t broadcast_every_ns;

    struct word_answer text; /* answering_clear frees it */
    struct log_limit dead_log, lost_log;
};

void answering_clear(struct answering *answering);

/* Answers a request that batch_carry_out has dealt with. *sequence is the number under which the
 * broker will confirm it, 0 when nothing had to be published: the request names nobody to be
 * answered. 0, -ERR_MEMORY, or an error of the connection. */
int answering_publish(struct answering *answering, struct broker *broker,
                      const struct batch_item *item, uint64_t *sequence, struct why *why);

/* An answer came back or was refused: nobody waits for it any more, and the request was dealt with.
 * Says so. */
void answering_lost(struct answering *answering, const char *reason, struct broker_bytes queue);

#endif
