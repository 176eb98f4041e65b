/* scoreboard.h - shared memory in which each worker tells what it does, and all of them tell which
 * events kill workers or cost them their connections.
 *
 * The autoscaler creates it and hands its descriptor down; a worker that was started by hand makes
 * one for itself. Slot n belongs to the worker that was started with WINNOW_SLOT=n. A worker writes
 * its own slot and the table of attempts, which everybody writes; it reads the others' slots. The
 * autoscaler reads every slot, and clears one before it starts a worker there and after that worker
 * has ended. It believes nothing that a slot says to be impossible.
 *
 * All numbers are in the machine's byte order. Every field of a slot is loaded and stored
 * atomically; each is aligned to its size, so on 64-bit machines a plain aligned store does it.
 * Times are nanoseconds of CLOCK_MONOTONIC. "Relaxed", "release" and "acquire" are the memory
 * orders of C11. */
#ifndef WINNOW_SCOREBOARD_H
#define WINNOW_SCOREBOARD_H

#include "error.h"
#include "time_classes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a worker finds in its environment: a descriptor that is open for reading and writing and can
 * be mapped, the number of its slot, and a descriptor on which it writes one byte as soon as it
 * consumes, and then closes. */
#define SCOREBOARD_FD_VARIABLE    "WINNOW_SCOREBOARD_FD"
#define SCOREBOARD_SLOT_VARIABLE  "WINNOW_SLOT"
#define SCOREBOARD_READY_VARIABLE "WINNOW_READY_FD"

/* The first eight bytes, "WINNOW8" and a NUL: they change whenever anything of the layout does. */
#define SCOREBOARD_MAGIC UINT64_C(0x38574f4e4e4957)

enum scoreboard_state {
    SCOREBOARD_EMPTY,    /* nobody writes here: no worker, or one that knows no scoreboard */
    SCOREBOARD_WORKING,  /* consuming, or about to */
    SCOREBOARD_SENDING,  /* done with an event and handing its result to the broker */
    SCOREBOARD_BLOCKED,  /* the broker takes nothing from it, or its connection is away */
    SCOREBOARD_DRAINING, /* finishing what it holds */
};

/* Tells one event from all others: 0,0 means none. */
struct scoreboard_fingerprint {
    uint64_t high, low;
};

/* One worker's slot, on cache lines of its own. Written by its worker alone while that lives; all
 * zero when it is started. Where no order is named, stores are relaxed. */
struct scoreboard_slot {
    /* An enum scoreboard_state. Stored with release, after progress_ns when the worker was blocked
     * or sending before: who sees it working (acquire) must not see how long ago it last was. */
    _Alignas(128) _Atomic int32_t state;
    /* The worker's process. Stored once, as the worker starts, with release and after
     * simulated_service_ns and takes_hangup: who sees it (acquire) sees those too. 0: the worker
     * uses no scoreboard, or not yet. */
    _Atomic int32_t pid;
    /* Events answered since the worker started: a result or FARM.dead was sent for each. Stored
     * after busy_ns and handled_within. */
    _Atomic uint64_t handled_msgs;
    /* Events delivered to the worker and neither acknowledged nor given back. Stored whenever it
     * changes. */
    _Atomic uint64_t in_flight_msgs;
    /* Events given back to the queue because a drain ran out of time. */
    _Atomic uint64_t given_back_msgs;
    /* Time from taking up to answering, summed over the events in handled_msgs. */
    _Atomic int64_t busy_ns;
    /* The last sign of life: an event was taken up, answered or put aside, the job reported
     * progress, or, while no event is at hand, the worker went round its loop, which it does at
     * least every heartbeat. */
    _Atomic int64_t progress_ns;
    /* --service-time, which is part of busy_ns; 0: none. Stored once, before pid. */
    _Atomic int64_t simulated_service_ns;
    /* 1: SIGHUP renews what the worker works with, so the autoscaler passes it on. 0: it would end
     * the worker. Stored once, before pid. */
    _Atomic int32_t takes_hangup;
    /* The fingerprint of the event at hand. When the worker dies meanwhile, that is counted against
     * the event. Stored as an event is taken up, after progress_ns, started_ns and due_ns, high
     * first and low with release; read low first, with acquire. Both are 0 again before the result
     * is sent: then the broker may be what takes long. */
    _Atomic uint64_t fingerprint_high, fingerprint_low;
    /* When the event at hand was taken up. */
    _Atomic int64_t started_ns;
    /* The event at hand may show no progress until then, because its job has said so. 0: it has
     * said nothing. */
    _Atomic int64_t due_ns;
    /* Events that went to FARM.dead, or were rejected to where the queue has what is dead. */
    _Atomic uint64_t dead_msgs;
    /* The events in handled_msgs by the time from taking up to answering: how many are in each of
     * the classes of time_classes.h. */
    _Alignas(128) _Atomic uint64_t handled_within[TIME_CLASSES];
};

/* Events that failed, or may be about to: a hash table. The entries of an event are the
 * SCOREBOARD_PROBES from fingerprint high modulo SCOREBOARD_ATTEMPTS on, round the end.
 *
 * The autoscaler and all workers write it, with sequential consistency and without locks, and any
 * of them may die at any moment. So all that counts of an entry is one word, which is changed by
 * compare-and-swap: it is whole whoever dies. Whoever reads it compares the tag and believes no
 * more than that: the worst that a wrong word does is to have an event tried alone, or called
 * poison. When all entries of an event are taken, it takes that of a suspect without an attempt,
 * else that counted longest ago, which is then forgotten. */
#define SCOREBOARD_ATTEMPTS    8192
#define SCOREBOARD_PROBES      16
#define SCOREBOARD_COUNT_BITS  12
#define SCOREBOARD_SUSPECT     (UINT64_C(1) << SCOREBOARD_COUNT_BITS)
#define SCOREBOARD_PROBE_SHIFT (SCOREBOARD_COUNT_BITS + 1)
#define SCOREBOARD_TAG_SHIFT   (SCOREBOARD_PROBE_SHIFT + 4)
struct scoreboard_attempt {
    /* From the lowest bit on: how many attempts have failed; whether it is a suspect; how many
     * entries behind the first of its event's it is; the bits of fingerprint low from
     * SCOREBOARD_TAG_SHIFT on. 0: the entry is free. */
    _Atomic uint64_t word;
    /* When an attempt was last counted; whoever counts one sets it first, by compare-and-swap. */
    _Atomic int64_t counted_ns;
};

/* Why events failed, in the broker's words: that of an event is number fingerprint high modulo
 * SCOREBOARD_REASONS. Two may write one at the same time, so that the check tells whether the text
 * is whole and the event's: XXH3 of all its bytes, seeded with fingerprint low. */
#define SCOREBOARD_REASONS     64
#define SCOREBOARD_REASON_SIZE 376
struct scoreboard_reason {
    _Atomic uint64_t check;
    _Atomic uint64_t text[SCOREBOARD_REASON_SIZE / 8]; /* ends with a NUL, filled up with them */
};

/* The memory from its beginning. What stands before the attempts never changes once a worker was
 * started, but for attempts_used. */
struct scoreboard_layout {
    uint64_t magic;
    uint64_t slots;
    int64_t
        hang_timeout_ns;   /* how long an event may show no progress before its worker is killed */
    uint32_t max_attempts; /* an event is poison when its count has reached this */
    _Atomic uint32_t attempts_used; /* 0: nothing was ever written to the attempts */
    struct scoreboard_attempt attempts[SCOREBOARD_ATTEMPTS];
    struct scoreboard_reason reasons[SCOREBOARD_REASONS];
    uint64_t unused[9];
    /* A redelivered event is taken up no sooner than so long after its delivery: by then other
     * hosts have told what they hold against it. 0: there are no others. */
    int64_t settle_ns;
    /* No slot from this one on was ever a worker's: whoever looks through the slots need not touch
     * their memory. 0: that is not known. */
    _Atomic uint64_t used;
    /* What the log clocks (log.h) of all who have the scoreboard open keep to so that their lines
     * have one order. It is only ever raised. */
    _Atomic int64_t clock;
    struct scoreboard_slot slot[];
};

struct scoreboard;

/* ---- for the autoscaler ---- */

/* Shared memory with so many empty slots, whose size nobody can change any more; the rest as in
 * struct scoreboard_layout. 0, -ERR_SYSTEM or -ERR_MEMORY. */
int scoreboard_create(size_t slots, uint32_t max_attempts, int64_t hang_timeout_ns,
                      struct scoreboard **scoreboard, struct why *why);
void scoreboard_close(struct scoreboard *scoreboard);

/* Other hosts work on the queue too: settle_ns, for workers that are started from now on. */
void scoreboard_settle(struct scoreboard *scoreboard, int64_t settle_ns);

/* Makes ready for a worker that is about to be started in that slot: clears it, and writes what
 * stands before the attempts again, because another worker may have overwritten it. */
void scoreboard_prepare(struct scoreboard *scoreboard, size_t index);

int scoreboard_fd(const struct scoreboard *scoreboard);
size_t scoreboard_slots(const struct scoreboard *scoreboard);
struct scoreboard_slot *scoreboard_slot(struct scoreboard *scoreboard, size_t index);

/* Sets every field to 0, SCOREBOARD_EMPTY. */
void scoreboard_clear(struct scoreboard_slot *slot);

/* The event that the slot's worker has at hand. */
struct scoreboard_fingerprint scoreboard_handling(const struct scoreboard_slot *slot);

/* The name of a field that says what cannot be, so that nothing of the slot is to be believed; NULL
 * when there is none. Pure. */
const char *scoreboard_impossible(const struct scoreboard_slot *slot, int64_t now_ns);

/* When the slot's worker is to be called hung if it goes on as it does now; INT64_MAX for an empty
 * slot. Pure.
 *
 * judge_from_ns    what came before this time counts for nothing
 * hang_timeout_ns  longest without progress on an event
 * idle_limit_ns    longest without a sign of life between events, when that is more
 *
 * One that is blocked or sending waits for the broker; whether that is to be held against it is the
 * caller's to say. */
int64_t scoreboard_hung_at_ns(const struct scoreboard_slot *slot, int64_t judge_from_ns,
                              int64_t hang_timeout_ns, int64_t idle_limit_ns);

/* The same where it is no excuse that the event at hand may take long: earlier, or equal. */
int64_t scoreboard_silent_at_ns(const struct scoreboard_slot *slot, int64_t judge_from_ns,
                                int64_t hang_timeout_ns, int64_t idle_limit_ns);

/* ---- for a worker ---- */

/* Attaches to the scoreboard that the environment names, and to the slot. When it names none,
 * because the worker was started by hand, both are the worker's own, with SCOREBOARD_OWN_ATTEMPTS
 * and SCOREBOARD_OWN_HANG_NS. -ERR_INVALID when what it names is no scoreboard; -ERR_SYSTEM,
 * -ERR_MEMORY. */
#define SCOREBOARD_OWN_ATTEMPTS 3
#define SCOREBOARD_OWN_HANG_NS  (INT64_C(60) * 1000 * 1000 * 1000)
int scoreboard_attach(struct scoreboard **scoreboard, struct scoreboard_slot **slot,
                      struct why *why);

/* Once the worker consumes: writes the byte to WINNOW_READY_FD. Only the first call does
 * anything. */
void scoreboard_tell_ready(void);

/* What a worker writes in its slot, as the fields above say. now_ns is the time of the call. */
void scoreboard_sign_on(struct scoreboard_slot *slot, int64_t simulated_service_ns,
                        bool takes_hangup);
void scoreboard_set_state(struct scoreboard_slot *slot, enum scoreboard_state state);
void scoreboard_set_in_flight(struct scoreboard_slot *slot, size_t events);
void scoreboard_progress(struct scoreboard_slot *slot, int64_t now_ns);
void scoreboard_set_due(struct scoreboard_slot *slot, int64_t due_ns);
void scoreboard_take_up(struct scoreboard_slot *slot, struct scoreboard_fingerprint event,
                        int64_t now_ns);
/* No event is at hand any more. */
void scoreboard_put_down(struct scoreboard_slot *slot);
void scoreboard_count_handled(struct scoreboard_slot *slot, int64_t busy_ns);
void scoreboard_count_dead(struct scoreboard_slot *slot);
void scoreboard_count_given_back(struct scoreboard_slot *slot, size_t events);

/* Whether another slot says that it has been on the event since since_ns or earlier: that worker
 * has lost its connection, or is dead and not counted yet. One that took it up later has another
 * event that looks the same. */
bool scoreboard_handled_elsewhere(const struct scoreboard *scoreboard,
                                  const struct scoreboard_slot *own,
                                  struct scoreboard_fingerprint event, int64_t since_ns);
/* How many slots have a worker that uses the scoreboard. */
size_t scoreboard_running(const struct scoreboard *scoreboard);

/* How long a worker may be on an event without progress before it is killed. */
int64_t scoreboard_hang_timeout_ns(const struct scoreboard *scoreboard);

/* So long a redelivered event is left alone after its delivery. */
int64_t scoreboard_settle_ns(const struct scoreboard *scoreboard);

/* ---- attempts, for both (scoreboard_attempts.c) ---- */

/* One more attempt at this event has failed, which began at began_ns. Of attempts that ran side by
 * side one counts: they were at events that look the same, and ended together for another reason.
 * Returns how many that makes, as with all before it. The autoscaler counts before it clears a dead
 * worker's slot. */
uint32_t scoreboard_count_attempt(struct scoreboard *scoreboard,
                                  struct scoreboard_fingerprint event, int64_t began_ns,
                                  int64_t now_ns);

/* The event was published and not confirmed when the broker ended the connection: one of those that
 * may have been why. */
void scoreboard_suspect(struct scoreboard *scoreboard, struct scoreboard_fingerprint event);

/* The event was answered: it is no suspect, and its attempts count no more. */
void scoreboard_forgive(struct scoreboard *scoreboard, struct scoreboard_fingerprint event);

/* What is held against an event. */
struct scoreboard_record {
    uint32_t attempts;
    bool suspect;
};
struct scoreboard_record scoreboard_look_up(const struct scoreboard *scoreboard,
                                            struct scoreboard_fingerprint event);

/* So many failed attempts make an event poison. */
uint32_t scoreboard_max_attempts(const struct scoreboard *scoreboard);

/* Keeps why the event's last attempt failed, cut to SCOREBOARD_REASON_SIZE - 1 bytes, and finds it
 * again: false when it is not known, or no more. */
void scoreboard_set_reason(struct scoreboard *scoreboard, struct scoreboard_fingerprint event,
                           const char *text);
bool scoreboard_get_reason(const struct scoreboard *scoreboard, struct scoreboard_fingerprint event,
                           char text[SCOREBOARD_REASON_SIZE]);

/* An entry of the table as other hosts can be told it. The event is all that entries keep of a
 * fingerprint: SCOREBOARD_EVENT_BITS, which tell it from all others on every host. */
#define SCOREBOARD_EVENT_BITS 60
struct scoreboard_entry {
    uint64_t event;
    struct scoreboard_record record;
    int64_t counted_ns; /* 0: nothing was counted here */
};
/* The first entry from number *index on, which then is the number after it. False: no more. */
bool scoreboard_next_entry(const struct scoreboard *scoreboard, size_t *index,
                           struct scoreboard_entry *entry);
/* Stands for the event wherever the table of attempts is asked. */
struct scoreboard_fingerprint scoreboard_event(uint64_t event);
/* Of what is held against the event, `before` was by the word of other hosts, which now is `now`.
 * What was counted here stays. */
void scoreboard_correct(struct scoreboard *scoreboard, uint64_t event,
                        struct scoreboard_record before, struct scoreboard_record now);

/* The memory itself. */
struct scoreboard_layout *scoreboard_memory(const struct scoreboard *scoreboard);

#endif
