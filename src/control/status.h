/* status.h - a farm as its leader sees it: a whole snapshot, published after every decision and
 * change. docs/protocol.md has its schema. */
#ifndef WINNOW_STATUS_H
#define WINNOW_STATUS_H

#include "csv/history_format.h"
#include "envelope.h"
#include "error.h"
#include "node_name.h"
#include "time_classes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t;

struct status_limits {
    int64_t min_workers, max_workers;
    bool paused;
    double replicas;             /* N is fixed at this; NAN: it is not */
    char by[ENVELOPE_FROM_SIZE]; /* who changed any of these last; empty: nobody */
    char at[ENVELOPE_TIME_SIZE]; /* when, by the leader's wall clock */
    double changed_s;            /* since then; NAN: nobody has */
};

/* The limits as the member of a message: a new object, NULL when out of memory; and from one, 0 or
 * -ERR_INVALID with the member. */
struct json_t *status_limits_write(const struct status_limits *limits);
int status_limits_read(const struct json_t *object, struct status_limits *limits, struct why *why);
/* And nobody has set them meanwhile. */
bool status_limits_are_same(const struct status_limits *a, const struct status_limits *b);

/* Since the autoscaler began to run the farm. */
struct status_counters {
    int64_t arrived_msgs, handled_msgs;
    int64_t spawned, stopped, crashed;
    int64_t decisions;
    int64_t untold_msgs; /* statuses, answers and notices that nobody was told, for want of room */
    /* NAN: unknown, because an older autoscaler does not tell. */
    double dead_msgs, given_back_msgs, hung;
};

/* A host of a farm over several. */
#define STATUS_MOST_NODES 256
struct status_node {
    char name[NODE_NAME_SIZE];
    char state[16]; /* "up", "leaving", "drained", "unable", "lost" */
    int64_t capacity, rank;
    int64_t target; /* workers that it is ordered to run */
    int64_t starting, running, draining;
    double age_s; /* of its last report; of one that is lost, since then */
};

struct status_worker {
    char node[NODE_NAME_SIZE]; /* empty: the farm is on one host */
    int64_t slot, pid;         /* the slot is the node's */
    char state[16];            /* "starting", "running", "draining", "killed" */
    double since_s;            /* its start */
    bool tells;                /* it uses the scoreboard, so that the rest is known */
    bool blocked;              /* the broker takes nothing from it */
    int64_t handled_msgs;
    double in_flight_msgs;
    double busy_share; /* 0..1 of the time since the last snapshot */
};

struct status {
    int64_t epoch, sequence; /* of this snapshot; a command names the one that its sender saw */
    char state[16];          /* "running", "draining", "standby" */
    double age_s;            /* since the autoscaler began to run the farm */
    double broker_away_s;    /* since the connection was lost; NAN: it is there */
    int64_t starting, running, draining; /* workers now */
    struct status_limits limits;
    struct status_counters counters;
    struct time_classes handling; /* how long the events took that were handled */
    /* How old the older of the broker's answers was by which each decision was made. Those without
     * an answer are not in it. */
    struct time_classes measured;
    double decided_s; /* since the last decision was made; NAN: none was */
    /* The last decision, as the history has it, under the same names. Texts are borrowed: those of
     * a status that was read from itself. */
    struct history_row decision;
    struct status_worker *workers;
    size_t worker_count;
    char leader[NODE_NAME_SIZE]; /* the node whose status this is; empty: the farm is on one host */
    struct status_node *nodes;
    size_t node_count; /* 0: the farm is on one host */

    struct json_t *message; /* of a status that was read: holds its texts */
};

/* As envelope_write. Borrows everything. */
int status_write(const struct envelope *envelope, const struct status *status, char **text,
                 size_t *length);

/* Reads a status from a message that envelope_read has read, and keeps that as long as it needs it.
 * Columns that it lacks are unknown. 0 (then status_clear releases it), -ERR_INVALID with the
 * member, or -ERR_MEMORY. */
int status_read(struct json_t *message, struct status *status, struct why *why);
void status_clear(struct status *status);

#endif
