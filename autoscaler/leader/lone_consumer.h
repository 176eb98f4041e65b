/* lone_consumer.h - notices that of several workers one alone gets events, as of a queue with a
 * single active consumer. Of what kind a queue is the broker does not say; this shows it. Pure.
 *
 * Where events wait, every worker that consumes has one in hand, but for a moment now and then. */
#ifndef WINNOW_LONE_CONSUMER_H
#define WINNOW_LONE_CONSUMER_H

#include "autoscaler/messages.h"

#include <stdbool.h>

/* Starts zeroed. */
struct lone_consumer {
    int looks;      /* on end that showed it */
    double since_s; /* the first of them */
    bool is_alone;  /* as said last, and not disproved since */
};

/* So many looks on end, over so long, are no chance. */
#define LONE_CONSUMER_LOOKS 5
#define LONE_CONSUMER_S     2.0

/* Takes a look, at that time of the run, when so many events were ready. True when it has become
 * sure that one worker alone gets events; once until two have some at the same time. Workers that
 * tell nothing show nothing. */
bool lone_consumer_look(struct lone_consumer *lone, const struct node_report *report,
                        double ready_msgs, double time_s);

#endif
