/* scoreboard.h - shared memory in which each worker tells what it is doing.
 *
 * The autoscaler creates it and hands the descriptor down; slot n belongs to the worker that was started with
 * WINNOW_SLOT=n. A worker writes only its own slot, with atomic stores; the autoscaler reads all, and
 * clears a slot before a worker is started in it and after it has ended. */
#ifndef WINNOW_SCOREBOARD_H
#define WINNOW_SCOREBOARD_H

#include "error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCOREBOARD_FD_VARIABLE   "WINNOW_SCOREBOARD_FD"
#define SCOREBOARD_SLOT_VARIABLE "WINNOW_SLOT"
/* Beside them, the descriptor on which a worker writes one byte when it consumes. */
#define SCOREBOARD_READY_VARIABLE "WINNOW_READY_FD"

enum scoreboard_state {
    SCOREBOARD_EMPTY,    /* nobody writes here: no worker, or one that knows no scoreboard */
    SCOREBOARD_WORKING,  /* consuming */
    SCOREBOARD_SENDING,  /* done with an event and handing its result to the broker */
    SCOREBOARD_BLOCKED,  /* the broker takes nothing from it, or its connection is away */
    SCOREBOARD_DRAINING, /* finishing what it holds */
};

/* Tells one event from all others: 0,0 means none. */
struct scoreboard_fingerprint {
    uint64_t high, low;
};

/* One worker's slot, on cache lines of its own. Times are of the monotonic clock. */
struct scoreboard_slot {
    _Alignas(128) _Atomic int32_t state;
    _Atomic int32_t pid;
    _Atomic uint64_t handled_msgs;   /* events answered since the worker started */
    _Atomic uint64_t in_flight_msgs; /* events taken off the socket and not yet acknowledged */
    _Atomic uint64_t
        given_back_msgs;         /* events returned to the queue when a drain ran out of time */
    _Atomic int64_t busy_ns;     /* time spent on events */
    _Atomic int64_t progress_ns; /* when it last took up or finished an event, or looked for one */
    _Atomic int64_t simulated_service_ns; /* --service-time; 0: none */
    _Atomic int32_t takes_hangup; /* 1: SIGHUP renews what it works with; others die of it */
    /* The event being handled, so that it can be counted against it when the worker dies of it. */
    _Atomic uint64_t fingerprint_high, fingerprint_low;
};

struct scoreboard;

/* For the autoscaler: shared memory with so many empty slots. An event that killed or hung its worker
 * max_attempts times is poison to all workers; a worker that is on an event for hang_timeout_ns will be killed.
 * 0, -ERR_SYSTEM or -ERR_MEMORY. */
int scoreboard_create(size_t slots, uint32_t max_attempts, int64_t hang_timeout_ns,
                      struct scoreboard **scoreboard, struct why *why);

/* For a worker: attaches to the scoreboard the environment names. 0 with *slot; *slot is NULL when the
 * environment names none (the worker was started by hand); -ERR_INVALID when what it names is no scoreboard. */
int scoreboard_attach(struct scoreboard **scoreboard, struct scoreboard_slot **slot,
                      struct why *why);

/* For a worker that consumes: says so to the autoscaler, once, on the descriptor the environment names. */
void scoreboard_tell_ready(void);

void scoreboard_close(struct scoreboard *scoreboard);

int scoreboard_fd(const struct scoreboard *scoreboard);
size_t scoreboard_slots(const struct scoreboard *scoreboard);
struct scoreboard_slot *scoreboard_slot(struct scoreboard *scoreboard, size_t index);

/* Of an event: its message_id when that is not empty, else its properties and body. Never 0,0. */
struct scoreboard_fingerprint scoreboard_fingerprint(const void *message_id, size_t id_length,
                                                     const void *properties,
                                                     size_t properties_length, const void *body,
                                                     size_t body_length);

/* What the slot's worker is handling. */
void scoreboard_set_handling(struct scoreboard_slot *slot, struct scoreboard_fingerprint event);
struct scoreboard_fingerprint scoreboard_handling(const struct scoreboard_slot *slot);

/* For the autoscaler, before it clears a dead worker's slot: one more attempt at this event has failed. Returns
 * how many that makes. Of several thousand events the one counted longest ago may be forgotten. */
uint32_t scoreboard_count_attempt(struct scoreboard *scoreboard,
                                  struct scoreboard_fingerprint event);

/* For a worker, before it handles a redelivered event: whether it failed max_attempts times, ... */
bool scoreboard_is_poison(const struct scoreboard *scoreboard, struct scoreboard_fingerprint event);
/* ... and whether another slot says that it has been on it since since_ns: that worker has lost its connection, or is
 * dead and not counted yet. One that took it up later has another event that looks the same. */
bool scoreboard_handled_elsewhere(const struct scoreboard *scoreboard,
                                  const struct scoreboard_slot *own,
                                  struct scoreboard_fingerprint event, int64_t since_ns);
/* How long a worker may be on an event before it is killed. */
int64_t scoreboard_hang_timeout_ns(const struct scoreboard *scoreboard);

/* Sets every field to 0, SCOREBOARD_EMPTY. */
void scoreboard_clear(struct scoreboard_slot *slot);

#endif
