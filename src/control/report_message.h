/* report_message.h - what a node of a farm over several hosts tells its leader, every second and at
 * each change: who it is, what it was ordered, and how its workers do. docs/protocol.md has its
 * schema.
 *
 * It is absolute: the newest replaces all before it. Times are ages, because the clocks of hosts
 * differ. */
#ifndef WINNOW_REPORT_MESSAGE_H
#define WINNOW_REPORT_MESSAGE_H

#include "envelope.h"
#include "error.h"
#include "event_records.h"
#include "node_name.h"
#include "time_classes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t;

#define REPORT_BOOT_SIZE    33
#define REPORT_MOST_WORKERS 3000
#define REPORT_MOST_RANK    1000000
/* What a leader reckons with stays exact, whatever a report says: no sum is greater, ... */
#define REPORT_MOST_SUM (INT64_C(1) << 53)
/* ... no more workers have started or ended, ... */
#define REPORT_MOST_ENDED (INT64_C(1) << 40)
/* ... and no time is longer. */
#define REPORT_MOST_S 1e9

/* A worker; unknown numbers are NAN. */
struct report_worker {
    int64_t slot, pid;
    char state[16]; /* "starting", "running", "draining", "killed" */
    double since_s; /* its start */
    bool tells;     /* it uses the scoreboard, so that the rest is known */
    bool blocked;   /* the broker takes nothing from it */
    int64_t handled_msgs, busy_ns;
    double in_flight_msgs;
    double working_s; /* on the event that it is handling */
};

/* Numbers and sums as in struct node_report of autoscaler/messages.h. */
struct report_message {
    char node[NODE_NAME_SIZE];
    char boot[REPORT_BOOT_SIZE]; /* another with each start of the node's autoscaler */
    int64_t capacity;            /* workers that it can run, at least 1 */
    int64_t rank;                /* of the highest that lives, the node shall lead */
    bool consuming;              /* it could lead: it waits for the leader's token */
    bool leaving;                /* it has been told to end */
    bool drained;                /* somebody has said that it is to run nothing */
    int64_t epoch, sequence;     /* of the last order that it took; both 0: of none */
    int64_t target;              /* workers, by that order */
    int64_t starting, running, draining;
    int64_t spawned, stopped, crashed, hung;
    int64_t telling, blocked, silent;
    bool unknown, heard;
    double in_flight_msgs, draining_in_flight_msgs, handled_msgs, dead_msgs, given_back_msgs;
    struct time_classes handling;
    double startup_s; /* NAN: none has started yet */
    double simulated_service_s, silent_s, overdue_s;
    struct report_worker *workers;
    size_t worker_count;
    struct event_record *events; /* what is held against events, as counted on this node */
    size_t event_count;
};

/* As envelope_write. Borrows everything. */
int report_message_write(const struct envelope *envelope, const struct report_message *report,
                         char **text, size_t *length);

/* Reads a report from a message that envelope_read has read. 0 (then report_message_clear releases
 * it), -ERR_INVALID with the member and what was expected, or -ERR_MEMORY. */
int report_message_read(const struct json_t *message, struct report_message *report,
                        struct why *why);
void report_message_clear(struct report_message *report);

#endif
