/* target_message.h - what the leader of a farm over several hosts orders one of its nodes, every
 * 0.3 s and at each change. docs/protocol.md has its schema.
 *
 * It is absolute, and fenced: a node takes it only if (epoch, sequence) is greater than that of the
 * last that it took. */
#ifndef WINNOW_TARGET_MESSAGE_H
#define WINNOW_TARGET_MESSAGE_H

#include "envelope.h"
#include "error.h"
#include "event_records.h"
#include "node_name.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t;

#define TARGET_MOST_WORKERS 1000

struct target_message {
    char node[NODE_NAME_SIZE];   /* to which it is said */
    int64_t epoch, sequence;     /* both at least 1 */
    int64_t workers;             /* that shall be starting or running */
    double farm_workers;         /* on all nodes, with which a successor begins; NAN: unknown */
    double farm_nodes;           /* that live, for which a successor waits; NAN: unknown */
    bool drained;                /* somebody has said that the node is to run nothing */
    int64_t stop_slot, stop_pid; /* as in struct node_target; pid 0: nobody is to stop */
    /* The farm's limits as commands have set them, so that they outlive the leader. */
    struct status_limits limits;
    /* Who orders, of which a successor says that it is lost unless it hears of it. */
    char leader[NODE_NAME_SIZE];
    int64_t leader_capacity, leader_rank;
    /* Who of the others should lead after this one; the name is empty when nobody could. */
    char successor[NODE_NAME_SIZE];
    int64_t successor_rank;
    /* What the other nodes have told against events; NULL: that is not known. */
    struct event_record *events;
    size_t event_count;
};

/* As envelope_write. */
int target_message_write(const struct envelope *envelope, const struct target_message *target,
                         char **text, size_t *length);

/* Reads a target from a message that envelope_read has read. 0 (then target_message_clear releases
 * it), -ERR_INVALID with the member and what was expected, or -ERR_MEMORY. */
int target_message_read(const struct json_t *message, struct target_message *target,
                        struct why *why);
void target_message_clear(struct target_message *target);

#endif
