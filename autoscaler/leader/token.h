/* token.h - a candidate's connection to FARM.leader: carries out what the election says, and says
 * in the log when the candidate is elected and when it no longer leads. It is a connection of
 * its own, so that whatever becomes of the queue touches nothing else. Nothing here waits.
 *
 * Whoever uses it hears of epochs and of other candidates elsewhere, and tells token->election by
 * its election_hear_... calls; token_step does what follows from that. */
#ifndef WINNOW_TOKEN_H
#define WINNOW_TOKEN_H

#include "autoscaler/messages.h"
#include "broker/broker.h"
#include "control/envelope.h"
#include "election.h"
#include "error.h"
#include "link.h"
#include "refusal.h"
#include "topology.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct token {
    struct election election;
    struct link link;
    struct token_set_up {
        struct topology topology;
        char tag[BROKER_NAME_SIZE]; /* the consumer's */
    } set_up;
    char from[ENVELOPE_FROM_SIZE]; /* as the envelopes of its messages say */
    struct broker_properties *properties;
    bool unreadable; /* what is no token was told of, on this connection */

    struct refusal refusal; /* the broker lets nobody stand */

    bool more;             /* of what has come in some was not looked at yet */
    uint64_t published;    /* on this connection: the last message */
    int64_t unanswered_ns; /* since when the broker has not answered for one; CLOCK_NEVER: it has */
    bool silent;           /* the log says that it answers nothing */
    int64_t leading;       /* the epoch under which it leads, as far as the log has it; 0: none */
};

/* Stands for election from the first token_step on; connects to nothing yet. The options are
 * copied, their name is that of the connection; the texts of self are borrowed for as long as the
 * token is open. 0, -ERR_MEMORY or the errors of link_open. */
int token_open(struct token *token, const struct broker_options *options,
               const struct topology *topology, const struct election_self *self, struct why *why);
/* Says goodbye, so that another leads at once. Harmless when it was not opened. */
void token_close(struct token *token);
/* Stands no more, and leads no more, from this moment on. */
void token_leave(struct token *token);

/* Does what is due. To be called when it is due, when its descriptor is ready, and after
 * token->election was told something. */
void token_step(struct token *token, int64_t now_ns);
int64_t token_due_ns(const struct token *token, int64_t now_ns);
/* Adds its descriptor to fds if it has one to wait for; returns how many were added. */
size_t token_poll(const struct token *token, struct pollfd *fds);

/* Whether it consumes, so that it may be handed the token: what its reports say to others. */
bool token_stands(const struct token *token);

/* As election_leads and election_stamp, by the clock as it is now: however long the caller may have
 * been stopped before, what they say was true when they were called. */
bool token_leads(const struct token *token, int64_t *epoch);
bool token_stamp(struct token *token, struct order_stamp *stamp);

#endif
