/* messages.h - what the two halves of an autoscaler say to each other. What decides (leader/) and
 * what runs workers (node/) know each other through this header alone: a report goes up, a target
 * comes down.
 *
 *     node/supervisor --- struct node_report ---> leader/leader
 *                     <--- struct node_target ---
 *
 * Both are whole and absolute: the newest replaces all before it, and one that is missing does no
 * harm. */
#ifndef WINNOW_MESSAGES_H
#define WINNOW_MESSAGES_H

#include "time_classes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Workers by what they do, and how many starts and ends there were since the node began. */
struct worker_counts {
    uint32_t starting, running, draining; /* draining: those that are being killed, too */
    uint64_t spawned, stopped, crashed;
    uint64_t hung; /* killed because they made no progress; each counts as crashed when it ends */
};

/* A worker from its start until its end is known; node/pool.h draws how one leads to the next. */
enum worker_state { WORKER_NONE, WORKER_STARTING, WORKER_RUNNING, WORKER_DRAINING, WORKER_KILLED };
#define WORKER_STATES 5

/* One worker. All is 0 in a slot that has none. */
struct worker_reading {
    enum worker_state state;
    int32_t pid;        /* its process; tells one worker of a slot from the next */
    uint32_t node;      /* whose it is, in a report of several nodes */
    uint32_t slot;      /* that it has there */
    int64_t started_ns; /* monotonic */

    /* What it has said of its work since it started; all 0 of one that says nothing. */
    bool tells;
    bool blocked; /* the broker takes nothing from it */
    double in_flight_msgs;
    uint64_t handled_msgs;
    int64_t busy_ns;  /* spent on events that are finished */
    double working_s; /* on the event that it is handling; 0 when it handles none */
};

struct node_report {
    struct worker_counts counts;
    double in_flight_msgs;          /* what the workers that tell hold */
    double draining_in_flight_msgs; /* of it, what draining ones hold */
    /* By all workers that tell, since the node began; none of these ever falls, whoever ends.
     * Handled, of it dead, given back in a drain; how long each took, as of 100 ms ago or later. */
    double handled_msgs, dead_msgs, given_back_msgs;
    struct time_classes handling;
    double startup_s;           /* a worker takes to start, as lately; NAN: none has yet */
    double simulated_service_s; /* what they say they add to each event; 0: nothing */
    uint32_t telling;           /* running workers that use the scoreboard; of these, ... */
    uint32_t blocked;           /* ... those from which the broker takes nothing */
    /* Workers that start or run and tell nothing, and of which nobody knows that they will. */
    uint32_t silent;
    /* Some worker says nothing, so that the sums are of the others. */
    bool unknown;
    /* Some worker has ever said something; if none has, so long the first of those that run has
     * been sure to say nothing. */
    bool heard;
    double silent_s;
    /* So long the longest drain has lasted that goes on past its time-out, so that no event is
     * taken from one worker after the other; 0: none does. */
    double overdue_s;
    /* By slot, as far as slots were ever used; of several nodes one after the other. Borrowed until
     * the next report. */
    const struct worker_reading *readings;
    size_t reading_count;
    /* Of several nodes; NULL: it is of this host's alone. */
    const char *const *node_names;
    size_t node_count;
    double age_s; /* of the oldest report of a node */
};

/* Which of two orders is newer: the one with the greater epoch, then the greater sequence. Only one
 * leader ever leads under an epoch, and its sequence grows with each order. */
struct order_stamp {
    int64_t epoch, sequence; /* from 1; all 0: no order */
};

struct node_target {
    uint32_t workers;     /* that shall be starting or running */
    uint32_t max_workers; /* never more than so many are; 1 .. POOL_MAX_WORKERS */
    bool ending;          /* none will be wanted any more; then the rest is of no account */
    int64_t consuming; /* of the node's workers, by the queue's consumers; < 0: nobody can tell */
    /* This worker drains, whatever the number, which stays: another takes its place. Whoever is in
     * that slot by another pid is left alone, so that saying it twice is harmless. */
    struct {
        uint32_t slot;
        int32_t pid;      /* 0: nobody */
        const char *node; /* where it is; empty: the farm is on one host */
    } stop;
};

#endif
