/* leaderless.h - notices a quorum queue without a leader. For a queue whose leader it does not
 * reach, the broker answers with no events and no consumers after a while: such an answer is not
 * believed while workers consume the queue. */
#ifndef WINNOW_LEADERLESS_H
#define WINNOW_LEADERLESS_H

#include "broker/broker.h"

#include <stdbool.h>
#include <stdint.h>

struct leaderless {
    int64_t since_ns; /* the queue has seemed to have no leader since then; 0: it has one */
    bool logged;
};

/* Whether the broker's answer about the quorum queue comes from its leader, as far as can be told.
 * Logs when it has not for some seconds, and when it has again. consumed: workers consume the
 * queue. */
bool leaderless_believes(struct leaderless *leaderless, const char *queue,
                         struct broker_queue_state answer, bool consumed, int64_t now_ns);

#endif
