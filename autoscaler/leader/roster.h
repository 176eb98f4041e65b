/* roster.h - the nodes of a farm over several hosts as their leader knows them, and how it divides
 * the farm's workers among them. Pure: the time, and whatever comes in, are arguments.
 *
 *                report                    it leaves, or is drained
 *    unknown ------------> up --------------------------------------> gets nothing
 *                         ^  |                                             |
 *      report by a start  |  | a target was returned, or 10 s of silence   |
 *      of its, old or new |  v                                             |
 *                        lost <--------------------------------------------'
 *
 * A node knows by itself what it was ordered, and says so. So a new leader begins with what runs:
 * until the roster has settled it leaves each node what that says, and from then on it divides.
 *
 * There are never more workers than the farm's most: a node that shall have more gets it only as
 * others are known to have less. What a node has at most is what it was ordered, what it says that
 * starts or runs, and what it was ordered before, until it says that it has taken the new order. */
#ifndef WINNOW_ROSTER_H
#define WINNOW_ROSTER_H

#include "autoscaler/messages.h"
#include "control/report_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROSTER_MOST_NODES 256

/* A node is lost after so long a silence, or so long after its orders have begun to come back: its
 * connection was lost, and it may make another at once. It is kept in mind, to be shown, for so
 * long. */
#define ROSTER_LOST_NS   INT64_C(10000000000)
#define ROSTER_GONE_NS   INT64_C(400000000)
#define ROSTER_FORGET_NS INT64_C(600000000000)
/* What its workers hold is unknown when its report is older than that. */
#define ROSTER_FRESH_NS INT64_C(2000000000)
/* By then every node that is connected has reported to a new leader, also one that did not hear
 * that it asks. */
#define ROSTER_SETTLE_NS INT64_C(1200000000)
/* When its workers have crashed for so long and none has run, others get its share; and so much
 * later it is tried again with one. */
#define ROSTER_FAILING_NS INT64_C(5000000000)
#define ROSTER_RETRY_NS   INT64_C(30000000000)

/* Why a node counts as lost. */
enum roster_loss {
    ROSTER_SILENT,   /* it has not reported for ROSTER_LOST_NS */
    ROSTER_GONE,     /* its orders came back */
    ROSTER_SUCCEEDED /* it led before, and has not reported to this leader */
};

struct roster_node {
    struct report_message report; /* its last */
    int64_t heard_ns;             /* when that came, or since when silence counts */
    int64_t returned_ns;          /* since when its orders come back; 0: they do not */
    bool lost;
    enum roster_loss loss; /* why, once it is */
    bool drained;          /* somebody has said that it is to run nothing */
    uint32_t share, order; /* of the workers: what it shall have, and has to be told to have now */
    uint32_t most;         /* that it may have by earlier orders */
    struct order_stamp told; /* of the first order with that number; epoch 0: none was sent yet */

    int64_t failing_ns; /* since then its workers crash and none runs; 0: not so */
    int64_t retry_ns;   /* when one is tried again; 0: it is not as bad as that */
    bool trying;
};

/* What all nodes have done since this leader first heard of each, those that are gone too. */
struct roster_done {
    double handled_msgs, dead_msgs, given_back_msgs;
    int64_t spawned, stopped, crashed, hung;
    struct time_classes handling;
};

/* Who led before, and is lost unless it reports to this leader: by when the others have. */
struct roster_missed {
    char name[NODE_NAME_SIZE]; /* empty: nobody is missed */
    int64_t capacity, rank;
    bool may_return; /* it may still be connecting, and is one of those that are expected */
};

/* Starts zeroed. */
struct roster {
    struct roster_done done;
    struct roster_node *nodes[ROSTER_MOST_NODES]; /* in the order of their names */
    size_t count;
    int64_t begun_ns;  /* when its leader began to hear */
    uint32_t expected; /* nodes that it should hear of */
    struct roster_missed missed;
    struct worker_reading *readings;
    const char *names[ROSTER_MOST_NODES];
    size_t reading_room;
    uint32_t workers;     /* that the shares are of */
    bool outdated;        /* who may have how many is different since */
    bool events_outdated; /* what is held against events is different since */
};

void roster_clear(struct roster *roster);

/* A leader begins, and can hear reports from now on: silence counts anew, and each node goes on
 * with what it has until it is told otherwise. expected: how many nodes there should be. */
void roster_begin(struct roster *roster, int64_t now_ns, uint32_t expected);
/* Somebody else led until then. */
void roster_miss(struct roster *roster, const struct roster_missed *missed);
/* From then on each node has had the time to report, if no other reports before. When as many have
 * as should be there, that is the time in which a node connects anew that has lost its connection.
 * While fewer are known, they may still be connecting, and what they run is unknown: then it is
 * when a node counts as lost. */
int64_t roster_settles_ns(const struct roster *roster);
/* How many nodes live, as far as is known. */
uint32_t roster_living(const struct roster *roster);

/* What happened, for people to be told. */
enum roster_news {
    ROSTER_NO_NEWS,
    ROSTER_JOINED,
    ROSTER_RESTARTED, /* the autoscaler of that node is another process */
    ROSTER_BACK,      /* it was lost, and goes on */
    ROSTER_LEAVES,
    ROSTER_LOST,
    ROSTER_UNABLE, /* its workers cannot start */
    ROSTER_TRIES,  /* one of them is tried again */
    ROSTER_ABLE,
};

/* A report has come. Takes what it has, also on failure. *node is borrowed until the next call.
 * -ERR_MEMORY, or -ERR_INVALID when too many nodes are there; then *node is not written. */
int roster_hear(struct roster *roster, struct report_message *report, int64_t now_ns,
                enum roster_news *news, const struct roster_node **node);

/* A target for that node was returned: nobody has its queue. It is lost soon, unless it reports.
 * Whether this is the first of it: the exchange may have lost its bindings, to the leader too. */
bool roster_returned(struct roster *roster, const char *name, int64_t now_ns);

/* What has become of nodes by the passing of time, one at a time; to be called until there are no
 * news, and when due. */
enum roster_news roster_step(struct roster *roster, int64_t now_ns,
                             const struct roster_node **node);
int64_t roster_due_ns(const struct roster *roster);

/* Divides so many workers by capacity, and sets the orders, with never more than max in all. To be
 * called when any of these is different, and after news and reports. */
void roster_divide(struct roster *roster, uint32_t workers, uint32_t max);

/* How many workers the nodes were ordered to have, by their own word: with what a new leader
 * begins. */
uint32_t roster_ordered(const struct roster *roster);

/* The order of a node was sent under that stamp. */
void roster_sent(struct roster *roster, size_t index, struct order_stamp stamp);

/* A person's word: the node is to run nothing, or its share again. False: there is no such node. */
bool roster_drain(struct roster *roster, const char *name, bool drained);

#endif
