/* term.h - what one of a farm's several hosts does while it leads: it hears the reports of all
 * nodes, lets the leader decide for them as for one, and sends each node its order. Nothing here
 * waits.
 *
 *     begin ------------> HEARING ------------> LEADING ------------> end
 *            nodes report, the        orders follow
 *            farm's lock is taken     the decisions
 *
 * While it hears, it orders each node what that already has, so that all know who leads. */
#ifndef WINNOW_TERM_H
#define WINNOW_TERM_H

#include "control/target_message.h"
#include "error.h"
#include "leader.h"
#include "options.h"
#include "post.h"
#include "promises.h"
#include "roster.h"
#include "token.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* By that key a leader that begins asks every node to report at once. */
#define TERM_HELLO_KEY "hello"

/* Every node is sent its order so often: it knows that somebody leads, and an order that comes back
 * tells that the node is gone. */
#define TERM_SEND_NS INT64_C(300000000)

/* Everything is borrowed. */
struct term_settings {
    const struct leader_settings *leader;
    const struct options *options;
    const struct broker_options *broker; /* with the name of the node's connections */
    const char *node;                    /* who leads ... */
    uint32_t capacity;                   /* ... and how many workers it can run itself */
    struct token *token;
    size_t slots; /* as leader_open has it */
};

struct term {
    struct term_settings settings;
    struct leader_settings leader_settings; /* the leader's own copy */
    struct roster roster;                   /* outlasts terms */
    struct status_node described[ROSTER_MOST_NODES];
    struct post post;
    struct promises promises;    /* to whoever told the leader something */
    struct leader *leader;       /* NULL: it does not lead */
    bool started;                /* the leader decides */
    bool outdated;               /* orders are, or may be, different from those that were sent */
    int64_t send_ns;             /* when every node is sent its order again */
    int64_t sent_ns;             /* when it was last */
    int64_t read_ns;             /* reports are not waited for before */
    bool rests;                  /* they are not, until then */
    bool refuses;                /* it has said that there are too many nodes */
    double expected;             /* nodes that should report before it decides; NAN: unknown */
    struct roster_missed before; /* who led before */
    struct node_target target;   /* of the farm, as decided last */
    struct status_limits limits;
    bool has_limits; /* they are of a leader before, and go on */
    double workers;  /* that the farm had by that leader's last order; NAN: unknown */
    int fault;
    struct why why;
};

/* Before its first term; zeroes it but for the settings. */
void term_init(struct term *term, const struct term_settings *settings);
void term_clear(struct term *term);

/* The node leads from now on. last: the last order to this node; NULL: there was none. Whether it
 * is_after_cut: none has come since this node connected anew, so that its sender may live as well.
 * 0 or the errors of leader_open and post_open. */
int term_begin(struct term *term, int64_t now_ns, const struct target_message *last,
               bool is_after_cut, struct why *why);
/* It does not any more. Harmless between terms. */
void term_end(struct term *term);
bool term_is_on(const struct term *term);

/* Does what is due; returns when to call it next, if none of its descriptors becomes readable
 * before. Between terms nothing is due. */
int64_t term_step(struct term *term, int64_t now_ns);
/* At the end of each step, as leader_tell. */
void term_tell(struct term *term);

#define TERM_FDS (LEADER_FDS + 1)
size_t term_poll(const struct term *term, struct pollfd fds[TERM_FDS]);

/* Whether another node lives, as far as is known. */
bool term_has_others(const struct term *term);

/* Why the node cannot lead: the errors of leader_fault and leader_start. -ERR_UNAVAILABLE and
 * -ERR_LOCKED pass. */
int term_fault(const struct term *term, struct why *why);

#endif
