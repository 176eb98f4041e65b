/* turn.h - whose turn it is to broadcast, among instances that know each other only by what stands
 * in the store. Pure.
 *
 * Broadcasts are due at the points of a grid, one every so many seconds. Before an instance sends,
 * it claims that one: it writes itself into the store as the holder, if nobody else was faster.
 * Once the broker has confirmed what was sent, it writes down when the next is due. The holder may
 * claim the next as soon as it is due, all others only TURN_GRACE_NS later: so one instance goes on
 * sending, another soon takes over when it dies, and no two send the same.
 *
 *     due            due + grace                  next due
 *      |  holder's    |  anybody's                 |
 *      '--------------'----------------------------'------
 */
#ifndef WINNOW_TURN_H
#define WINNOW_TURN_H

#include "store.h"

#include <stdbool.h>
#include <stdint.h>

#define TURN_GRACE_NS INT64_C(450000000)

/* Whether this instance is to claim the turn now: true, and *claim is to be put in place of
 * state->turn. Else *wait_ns says how long nothing changes by itself.
 *
 * A broadcast that is late by less than a third of the time between two is on the old grid, and the
 * next comes the sooner for it. One that is later begins a new grid. What cannot be, because the
 * clock was stepped back or the host was started anew, is as good as due. */
bool turn_claim(const struct store_state *state, const char *self, int64_t every_ns,
                struct store_turn *claim, int64_t *wait_ns);

/* What was claimed was sent. */
struct store_turn turn_sent(const struct store_turn *claim, int64_t every_ns);

bool turn_is_of(const struct store_turn *turn, const char *self);

/* The holder goes: the next instance that looks may take its place. */
struct store_turn turn_give_up(const struct store_turn *turn);

#endif
