/* steering.h - the limits in force, and what commands change of them. Pure. */
#ifndef WINNOW_STEERING_H
#define WINNOW_STEERING_H

#include "autoscaler/messages.h"
#include "autoscaler/policy/policy_params.h"
#include "control/command.h"
#include "control/status.h"

#include <stdbool.h>
#include <stdint.h>

/* A command is refused when the status that its sender saw is older. */
#define STEERING_SEEN_MS 10000

struct steering {
    struct policy_params params; /* in force */
    char by[ENVELOPE_FROM_SIZE]; /* who changed any of them last, and ... */
    char at[ENVELOPE_TIME_SIZE]; /* ... when; empty: nobody */
    int64_t changed_ms;          /* the same since the leader began */

    /* A status is named by the run of the leader and by the milliseconds since that began, so that
     * its name tells how old it is. */
    int64_t epoch;
    int64_t sequence; /* of the last status */
    int64_t begun_ns; /* when the leader began, by the clock of worker_reading.started_ns */

    /* The worker that was last told to stop; as in struct node_target. */
    uint32_t stop_slot;
    int32_t stop_pid;
    char stop_node[NODE_NAME_SIZE];
};

/* What becomes of a command. */
struct steering_outcome {
    struct command_answer answer;
    bool changed; /* the limits are others, a worker is to stop, or a node is to run nothing */
};

/* The name of a status that is made so long after the leader began: greater than the last one. */
int64_t steering_next_sequence(struct steering *steering, int64_t age_ms);

/* Carries out a command other than COMMAND_STATUS, which was said by somebody at a time, so long
 * after the leader began. */
struct steering_outcome steering_apply(struct steering *steering, const struct command *command,
                                       const struct envelope *envelope, const char *now,
                                       int64_t age_ms, const struct node_report *report);

/* The limits were these under another leader, and go on. */
void steering_inherit(struct steering *steering, const struct status_limits *limits);

/* The parameters of a configuration were these and are those from now on: what is different there
 * is in force, and the rest as it is. */
void steering_reconfigure(struct steering *steering, const struct policy_params *before,
                          const struct policy_params *after, const char *now, int64_t age_ms);

/* So long after the leader began. */
struct status_limits steering_limits(const struct steering *steering, int64_t age_ms);

#endif
