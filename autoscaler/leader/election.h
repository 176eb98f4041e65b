/* election.h - which of a farm's candidates leads, and since when it no longer does. Pure: the
 * time, and whatever comes in, are arguments; what is to be done is returned.
 *
 * The candidates share one durable quorum queue with a single active consumer: the broker hands its
 * messages to one of them, and to another when that one is gone. What is in it are tokens. A token
 * names its owner, the process that published it, and an epoch, which no other token has.
 *
 *                 entered            something was delivered        own token was delivered
 *      OUTSIDE ------------> WAITING ------------------------> ACTIVE ------------------> LEADING
 *         ^   knocks           |      claims: publishes a token  |  ^                       |   |
 *         |                    |                                 |  '-----------------------'   |
 *         |                    |                                 |   the lease is over, or a    |
 *         |                    |                                 |   greater epoch was heard of |
 *         '--------------------+---------------------------------+------------------------------'
 *                              left: the connection or the consumer has ended
 *
 * The rules, and what each is for:
 *
 * - A candidate leads from the delivery of its own token, never from having published it. Everybody
 *   can publish, whereas the broker delivers to one alone. So a leader that was stopped, succeeded
 *   and woken cannot go on.
 * - Such a delivery counts once, and only on the connection on which the token was published: what
 *   is delivered again has been out of the broker's hands meanwhile, and others may have led.
 * - It counts for ELECTION_LEASE_NS from when the token was published, by the owner's own monotonic
 *   clock. From the delivery it would be longer for each moment that the delivery was late. A
 *   leader renews by publishing the next token every ELECTION_RENEW_NS.
 * - A new token's epoch is greater than each that its owner has heard of or published. So that
 *   epochs rise even when the queue was deleted, with all memory of them, it is at least the time.
 *   The last three digits are the owner's own, so that two who have heard the same differ.
 * - The newest token that was delivered stays unacknowledged, whoever its owner is; all else is
 *   acknowledged. So the broker hands it to the successor, who thereby knows which epoch to surpass
 *   before any token that was published later reaches him.
 * - A token leads only if its epoch is greater than those of others' tokens that were delivered to
 *   its owner: one that was published before a successor's may be delivered after it.
 * - A leader that hears of a greater epoch, wherever, leads no more; it may claim again.
 * - The queue may be empty, because it was purged or made anew, and then nobody would ever be
 *   handed anything. So a candidate knocks when it enters, and every ELECTION_SILENCE_NS for as
 *   long as it hears no orders: whoever is active gets the knock, and claims.
 * - An active candidate that does not lead makes way for one of higher rank. It leaves with all
 *   that it holds, or the other would not be handed the token; and not twice within
 *   ELECTION_YIELD_NS, or nobody would lead if the other is not handed anything. A leader that
 *   works is never unseated.
 * - Whoever was handed nothing for ELECTION_LEASE_NS, or since he heard an order of another, takes
 *   it that he is not active: the broker tells nobody that it holds him for dead, and each of his
 *   claims would cost the other the leadership for a moment. When he has heard no orders either,
 *   for ELECTION_FORGOTTEN_NS, he enters anew: the broker may have lost its consumer. */
#ifndef WINNOW_ELECTION_H
#define WINNOW_ELECTION_H

#include "autoscaler/messages.h"
#include "control/token_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELECTION_LEASE_NS     INT64_C(6000000000)
#define ELECTION_RENEW_NS     INT64_C(2000000000)
#define ELECTION_SILENCE_NS   INT64_C(2000000000)
#define ELECTION_YIELD_NS     INT64_C(10000000000)
#define ELECTION_FORGOTTEN_NS INT64_C(20000000000)
/* A report of another candidate tells how it is for so long. */
#define ELECTION_REPORT_NS INT64_C(3000000000)

/* Own tokens that may still be on their way. */
#define ELECTION_TOKENS 8

/* Who stands for election. The texts are borrowed for as long as the election is. */
struct election_self {
    const char *owner; /* differs from that of every other process that ever was; not empty and
                          shorter than TOKEN_OWNER_SIZE */
    const char *name;  /* the node's; of two candidates of one rank, the greater name is higher */
    int64_t rank;
};

/* The fields are the module's own. Times are monotonic, -1 is never. */
struct election {
    struct election_self self;
    int64_t digits;         /* the last three of each of its epochs */
    int64_t heard_epoch;    /* the greatest, from anywhere */
    int64_t others_epoch;   /* the greatest in a token of somebody else that was delivered here */
    int64_t newest_epoch;   /* of those that it has published; 0: none */
    int64_t ordered_ns;     /* when it last heard an order of whoever leads */
    int64_t knocked_ns;     /* when it last knocked, on this connection */
    int64_t yielded_ns;     /* when it last made way */
    int64_t higher_seen_ns; /* when a candidate of higher rank last said that it is there */
    int64_t sequence;       /* of its last order */

    bool entered; /* the rest is of this connection, and forgotten with it */
    int64_t entered_ns;
    int64_t delivered_ns;
    uint64_t held_tag; /* of the newest token that was delivered; 0: none was */
    int64_t held_epoch;
    int64_t led_epoch; /* of the newest own token that counts; 0: none */
    int64_t led_until_ns;
    struct election_token {
        int64_t epoch, published_ns;
    } tokens[ELECTION_TOKENS]; /* those that it published last, the newest first */
};

/* Outside, with nothing heard of. */
void election_init(struct election *election, const struct election_self *self);

/* ---- the queue ---- */

/* It consumes, on a connection of its own that is new. */
void election_enter(struct election *election, int64_t now_ns);

/* The connection, the channel or the consumer has ended, or is as good as that. It leads no more.
 * Harmless outside. */
void election_leave(struct election *election);

/* A message was delivered. Returns the delivery tag of the message that has to be acknowledged for
 * it, which may be another; 0: none has to be.
 *
 * message  NULL: it cannot be read, or says nothing to this program
 * tag      not 0 */
uint64_t election_deliver(struct election *election, const struct token_message *message,
                          uint64_t tag, bool redelivered, int64_t now_ns);

/* What has to be done now, one thing at a time. To be called after each of the other calls, and
 * when due, until there is nothing. */
enum election_action {
    ELECTION_NOTHING,
    ELECTION_PUBLISH, /* *message, to the queue; that it was sent is taken for granted */
    ELECTION_YIELD,   /* close the connection, with all that is unacknowledged, and enter again;
                         it has left */
    ELECTION_ANEW,    /* the same, because the broker seems to have forgotten it */
};
enum election_action election_step(struct election *election, int64_t now_ns, int64_t wall_ms,
                                   struct token_message *message);

/* When election_step may have something to do by the passing of time; INT64_MAX: never. */
int64_t election_due_ns(const struct election *election, int64_t now_ns);

/* ---- leading ---- */

/* Whether it leads now, and under which epoch (epoch may be NULL; written only if it does). The
 * answer is good for this moment: it is asked again before every order. */
bool election_leads(const struct election *election, int64_t now_ns, int64_t *epoch);

/* Why it does not lead, or no longer does: for people. */
const char *election_why_not(const struct election *election);

/* The stamp of the next order. False if it does not lead: then there is no order. */
bool election_stamp(struct election *election, int64_t now_ns, struct order_stamp *stamp);

/* ---- what is heard beside the queue ---- */

/* An epoch that somebody knows: a node in its report, say. 0..TOKEN_EPOCH_MAX. */
void election_hear(struct election *election, int64_t epoch);

/* An order, to this node or another: somebody leads. One of its own counts as well. */
void election_hear_order(struct election *election, int64_t epoch, int64_t now_ns);

/* A node has refused an order of this candidate, and the last that it took is this one's. */
void election_hear_refusal(struct election *election, struct order_stamp last);

/* Another candidate consumes; called for each of its reports that says so. */
void election_hear_candidate(struct election *election, const char *name, int64_t rank,
                             int64_t now_ns);

#endif
