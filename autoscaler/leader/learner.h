/* learner.h - learns from the nodes' reports how long an event takes, and when more workers stop
 * helping. */
#ifndef WINNOW_LEARNER_H
#define WINNOW_LEARNER_H

#include "autoscaler/messages.h"
#include "autoscaler/policy/capacity.h"
#include "autoscaler/policy/saturation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct learner {
    bool learns; /* false: C was given, and nothing is learnt */
    double horizon_s;
    int64_t due_ns;
    struct capacity capacity;
    struct saturation saturation;
};

/* For workers in so many slots. 0 or -ERR_MEMORY. */
int learner_init(struct learner *learner, bool learns, size_t slots, double horizon_s);
void learner_clear(struct learner *learner);

/* Learns from the report when it is time to, several times a second; time_s as in the policy's
 * sample, pressed when events wait that no worker has taken. Returns when to call it next. */
int64_t learner_step(struct learner *learner, int64_t now_ns, double time_s,
                     const struct node_report *report, bool pressed);

/* It is to learn, and workers have consumed for some time without saying anything. */
bool learner_is_stuck(const struct learner *learner, const struct node_report *report);

#endif
