/* control_desk.h - where a leader is asked and told: it carries out the commands that come over its
 * farm's control plane, and tells whoever listens how the farm is and what happens in it. Nothing
 * here waits, and nothing that fails here touches what the leader does.
 *
 *     farm runs ----------> listening ----------> draining ----------> gone
 *                 open     commands are   ending  they are    leave, close
 *                          carried out            refused
 *
 * A status costs something only while somebody listens: whoever wants it asks for one, and is sent
 * all that follow until the broker finds nobody who is bound to them. */
#ifndef WINNOW_CONTROL_DESK_H
#define WINNOW_CONTROL_DESK_H

#include "autoscaler/messages.h"
#include "control/status.h"
#include "control_link.h"
#include "notices.h"
#include "promises.h"
#include "snapshot.h"
#include "steering.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Everything is borrowed. */
struct control_desk_settings {
    const struct broker_options *broker; /* their name begins with the farm's */
    const struct topology *topology;
    struct steering *steering;
    /* Fills in of a status what the leader alone knows: the decision, the counters, the broker. */
    void (*describe)(const void *leader, const struct node_report *report, int64_t now_ns,
                     struct status *status);
    /* The node is to run nothing, or its share again; NULL where there are no nodes. */
    void (*drain)(void *nodes, const char *node, bool drained);
    void *nodes; /* not NULL: each tells what is logged by itself, whether it leads or not */
    struct promises *promises; /* what is done is answered when it may be; NULL: at once */
    const void *leader;
};

struct control_desk {
    struct control_desk_settings settings;
    struct control_link link;
    struct notices notices;
    struct snapshot snapshot;
    char from[ENVELOPE_FROM_SIZE];
    bool open;
    bool ending;                 /* the workers drain */
    int64_t begun_ns;            /* when the leader began to run the farm */
    bool hears;                  /* log events are for others, too */
    bool misused;                /* somebody wanted an answer where events are; said once */
    bool goes_on;                /* not all was taken that has come */
    bool outdated;               /* the last status is */
    bool unpublished;            /* there is news since what was published last */
    char *text;                  /* the last status, as a message of ... */
    size_t length;               /* ... so many bytes */
    int64_t made_ns;             /* when that was made; 0: never */
    struct worker_counts counts; /* as of then */
};

/* A desk starts zeroed. Connects to nothing yet. 0 or the errors of control_link_open. */
int control_desk_open(struct control_desk *desk, const struct control_desk_settings *settings,
                      int64_t now_ns, struct why *why);
/* Says goodbye. Harmless when it was not opened. */
void control_desk_close(struct control_desk *desk);
/* Another leader is asked from now on: tells why, and listens no more. */
void control_desk_leave(struct control_desk *desk);

/* Does what is due. True when the limits have changed, so that a decision is due. ending: the
 * workers drain. */
bool control_desk_step(struct control_desk *desk, int64_t now_ns, bool ending,
                       const struct node_report *report);

/* The limits are others by the configuration; as leader_limit. */
void control_desk_limit(struct control_desk *desk, const struct policy_params *before,
                        const struct policy_params *after, int64_t now_ns);

/* A decision was made and carried out. */
void control_desk_decided(struct control_desk *desk);

/* Tells what was logged, and answers what may be. */
void control_desk_tell(struct control_desk *desk);

/* When to call control_desk_step next; CLOCK_NEVER before it is open. */
int64_t control_desk_due_ns(const struct control_desk *desk, int64_t now_ns);
size_t control_desk_poll(const struct control_desk *desk, struct pollfd *fds);

#endif
