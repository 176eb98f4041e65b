/* leader.h - what decides for a farm: it samples, decides at each tick and between them, writes the
 * decisions down, and is told other limits. It knows the node that runs the workers only by its
 * reports. Nothing here waits. */
#ifndef WINNOW_LEADER_H
#define WINNOW_LEADER_H

#include "arrival_counter.h"
#include "autoscaler/messages.h"
#include "autoscaler/policy/policy.h"
#include "control/status.h"
#include "decider.h"
#include "error.h"
#include "options.h"
#include "promises.h"
#include "sampler.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leader_settings {
    const char *program; /* in the name of its connections */
    int64_t interval_ns; /* between decisions */
    int64_t react_ns;    /* between looks for a rise in between; 0: none */
    const struct policy *policy;
    struct policy_params params;
    enum arrival_counting counting;
    bool standby; /* wait for the lock instead of failing when another autoscaler has it */
    bool quiet;   /* print no decisions */
    const char *history_path;   /* NULL: no history */
    const char *worker;         /* the workers' program, as people are told of it */
    bool one_of_several;        /* the table's rows begin with the farm's name */
    struct decider_total total; /* what the farms of a process share */
    /* Of a farm over several hosts: fills in a status's nodes. NULL: the farm is on one host. */
    void (*describe_nodes)(void *nodes, int64_t now_ns, struct status *status);
    void (*drain_node)(void *nodes, const char *node, bool drained);
    void *nodes;
    struct promises *promises; /* as the control desk has them */
};

struct leader;

/* Checks that the history can be written, and connects to nothing yet. slots: the most workers that
 * the node's reports tell of. Borrows the settings and the options. Returns 0; the errors of
 * history_writer_check and sampler_open. */
int leader_open(const struct leader_settings *settings, const struct options *options, size_t slots,
                struct leader **leader, struct why *why);
/* Takes NULL. */
void leader_close(struct leader *leader);

/* Says goodbye to the broker, without waiting for it; from now on nothing may be called but
 * leader_has_left, which tells when that has been done, and leader_close. */
void leader_leave(struct leader *leader);
bool leader_has_left(const struct leader *leader);

/* Before it is ready: connects, declares the farm and takes its lock. Returns when to call it next,
 * if none of its descriptors becomes readable before. */
int64_t leader_connect(struct leader *leader, int64_t now_ns);
bool leader_is_ready(const struct leader *leader);

/* Once it is ready: opens the history, begins to measure and sets the first target. 0 or the errors
 * of history_writer_open. */
int leader_start(struct leader *leader, int64_t now_ns, struct node_target *target,
                 struct why *why);

/* What another leader leaves behind; to be called after leader_start. */
struct leader_heritage {
    int64_t epoch;                      /* under which this one leads */
    bool goes_on;                       /* somebody led before, and the farm was to have ... */
    uint32_t workers;                   /* ... so many workers */
    const struct status_limits *limits; /* as commands had set them; NULL: nobody led before */
};
void leader_inherit(struct leader *leader, const struct leader_heritage *heritage,
                    struct node_target *target);

/* The limits in force, and who set them. */
struct status_limits leader_limits(const struct leader *leader, int64_t now_ns);

/* From then on: samples, and decides when it is time to. *decided says whether there is a new
 * target; leader_record is to follow when the node has been told. Returns when to call it next, as
 * leader_connect. */
int64_t leader_step(struct leader *leader, int64_t now_ns, const struct node_report *report,
                    struct node_target *target, bool *decided);
/* Writes down the last decision with what the node reports after it. */
void leader_record(struct leader *leader, const struct node_report *report);

/* Other limits are in force from now on, by the configuration; what it does not change is left as
 * commands have set it. A decision follows at the next step. */
void leader_limit(struct leader *leader, const struct policy_params *before,
                  const struct policy_params *after, int64_t now_ns);
/* What the farms share was divided anew: a decision follows at the next step. */
void leader_decide_soon(struct leader *leader);

/* In place of leader_step while the workers drain: keeps the farm's lock as long as the connection
 * lives, decides nothing, and refuses what it is told. */
int64_t leader_hold(struct leader *leader, int64_t now_ns, const struct node_report *report);

/* At the end of each step: tells whoever listens what was logged in it. */
void leader_tell(struct leader *leader);

/* Adds its descriptors to fds, at most LEADER_FDS; returns how many were added. */
#define LEADER_FDS (SAMPLER_FDS + 1)
size_t leader_poll(const struct leader *leader, struct pollfd fds[LEADER_FDS]);

/* Why it cannot go on: 0; the errors of sampler_fault; -ERR_CONFIG when it is to learn from workers
 * that tell nothing. */
int leader_fault(const struct leader *leader, struct why *why);

#endif
