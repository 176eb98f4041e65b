/* trials.h - suspects (suspects.h) that wait until they are answered alone.
 *
 * A trial may cost the connection, and all that the worker holds then comes back to the queue. So
 * that the others get most of the workers' time however many are guilty, the worker rests from
 * trials after such a loss, the longer the more workers there are: each that reconnects takes the
 * time of the broker too. Suspects wait
 * outside the order of the others meanwhile.
 *
 * An innocent suspect takes one round trip, so those that are likely to be innocent come first: the
 * ones with the fewest failed attempts, and of these such as are to be answered to another queue
 * than the one whose trial failed last. TRIALS_MOST wait whole. Of the most suspicious past that no
 * more than the tags are kept, and they go back to the queue after a while. */
#ifndef WINNOW_TRIALS_H
#define WINNOW_TRIALS_H

#include "delivery.h"
#include "error.h"
#include "inbox.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRIALS_MOST 64

struct session;

struct trials {
    struct inbox waiting, aside; /* whole; tags alone */
    struct trials_queue {
        char name[255]; /* AMQP has no longer ones */
        uint8_t length;
    } tried, failed; /* where the answers went of the latest trial, and of the latest that failed */
    int64_t lost_ns; /* when the latest trial cost the connection; 0: none did */
    int64_t from_ns; /* the next begins no sooner */
};

void trials_init(struct trials *trials);

/* The connection is gone: forgets all events. */
void trials_forget(struct trials *trials);

/* A trial has cost the connection; there is another one, and so many workers run. */
void trials_lost(struct trials *trials, int64_t now_ns);
void trials_reconnected(struct trials *trials, size_t workers, int64_t now_ns);

/* The suspect, which is the trials' now, waits for its trial. */
void trials_put(struct session *session, struct delivery *delivery, int64_t now_ns);

/* When the next trial may begin; CLOCK_NEVER when nothing waits for one. */
int64_t trials_due_ns(const struct trials *trials);

/* Takes out the suspect that is to be tried next, which must be there. It is the caller's. */
struct delivery *trials_take(struct session *session);

/* Gives back those that were set aside long enough; all that wait when the worker drains or is on
 * an event that takes long. *until_ns is made sooner if the next is due before. */
int trials_step(struct session *session, int64_t now_ns, int64_t *until_ns, struct why *why);

#endif
