/* promises.h - answers to commands that are carried out, and wait until what they say outlives the
 * leader: until the broker has taken the orders that tell all nodes of it. */
#ifndef WINNOW_PROMISES_H
#define WINNOW_PROMISES_H

#include "control_link.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROMISES_MOST 64

/* Starts zeroed. */
struct promises {
    struct promise {
        struct control_name reply_to, correlation_id; /* of the command */
        uint64_t sequence; /* of the last order that tells of it; 0: none was sent */
    } waiting[PROMISES_MOST];
    size_t first, count;
    uint64_t arrived; /* the broker has all orders up to this one */
};

/* No other command may be carried out. */
bool promises_are_full(const struct promises *promises);
/* The message's command is carried out; there is room for it. */
void promises_add(struct promises *promises, const struct control_message *message);

/* Orders are to be sent that tell of what was added. */
bool promises_are_unsaid(const struct promises *promises);
/* They were, to all nodes; the last of them was this one. */
void promises_said(struct promises *promises, uint64_t sequence);
/* The broker has all orders up to this one. */
void promises_arrived(struct promises *promises, uint64_t sequence);
/* The connection is another: all that waits is to be said once more. */
void promises_reconnected(struct promises *promises);

/* Takes out the oldest that may be answered. False: there is none. */
bool promises_keep(struct promises *promises, struct control_message *message);

#endif
