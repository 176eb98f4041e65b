/* suspects.h - what the loss of a connection says against events.
 *
 * When the broker ends a connection because of something that it was sent, it does not say which
 * message that was, and all that was unconfirmed goes to any worker. So each event whose answer was
 * unconfirmed becomes a suspect on the scoreboard. Whoever gets a suspect answers it alone
 * (handling.h): nothing else is on its way then, and an end of the connection is a failed attempt
 * at it. A confirm clears it.
 *
 * An end without a word counts like an error: a message that brings down its reader in the broker
 * looks so. A broken line does too. That costs its events no more than being answered one by one,
 * once, because the line will not break each time at the same event. Silence, a broker that stops
 * and one that reads nothing (an alarm) are no event's doing. */
#ifndef WINNOW_SUSPECTS_H
#define WINNOW_SUSPECTS_H

#include "broker/broker.h"
#include "error.h"
#include "handling.h"
#include "scoreboard.h"
#include "unacked.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a loss came to. */
struct suspects_verdict {
    size_t suspects;                     /* so many events were unconfirmed */
    struct scoreboard_fingerprint event; /* an attempt at this one has failed; 0,0: at none */
    uint32_t attempts;                   /* with which it has so many */
};

/* To be called when a connection is lost, before what it held is forgotten. why is how it ended,
 * which becomes the reason of an event that fails too often. */
struct suspects_verdict suspects_judge(struct scoreboard *scoreboard, const struct unacked *unacked,
                                       const struct handling *handling, enum broker_end end,
                                       int64_t now_ns, const struct why *why);

#endif
