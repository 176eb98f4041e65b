/* handling.h - the event at hand, from taking it up to its answer: it waits until the death of the
 * worker that had it before is counted, is handled by the job, here or on the job's thread, and is
 * answered. A suspect (suspects.h) is answered alone: it waits until everything before it is
 * confirmed, and what comes after it waits until it is. */
#ifndef WINNOW_HANDLING_H
#define WINNOW_HANDLING_H

#include "answer.h"
#include "error.h"
#include "inbox.h"
#include "job_thread.h"
#include "scoreboard.h"
#include "unacked.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum handling_stage {
    HANDLING_NOTHING,   /* no event is at hand */
    HANDLING_WAITING,   /* for its last worker, which the scoreboard still shows, or for quiet */
    HANDLING_TAKEN_UP,  /* for the end of --service-time */
    HANDLING_ON_THREAD, /* for the job's thread */
    HANDLING_HANDLED,   /* the job has said what becomes of it */
};

/* What the caller has to do next. */
enum handling_end {
    HANDLING_GOES_ON,  /* call again */
    HANDLING_ANSWERED, /* as `answer` says: the event is handling_take's */
    HANDLING_LATER,    /* the job wants it later: the same */
};

struct handling {
    const struct job *job;
    struct answerer *answerer;
    const struct unacked *unacked;
    struct scoreboard *scoreboard;
    struct scoreboard_slot *slot;
    int64_t simulated_service_ns;
    double service_ns; /* smoothed time that an event takes; 0: none was measured */

    /* Of the event at hand. */
    enum handling_stage stage;
    struct delivery *delivery;
    /* Decoded once, read by the job, then turned into the answer's. */
    struct broker_properties *properties;
    int malformed;                   /* what decoding them returned */
    struct scoreboard_record record; /* what is held against it */
    int64_t since_ns;                /* since when it is at hand */
    int64_t started_ns;              /* when it was taken up */
    struct job_call call;
    atomic_bool unwanted;
    enum answer answer; /* what was done for it, or is left to do */

    /* The last answer was a suspect's, sent when all was quiet, and nothing has been sent since. */
    bool alone;
    int64_t alone_since_ns;

    struct job_thread *thread; /* NULL: the job is quick, or there was no event yet */
    int wake_fd;   /* with a thread: readable when a signal has come or it is finished */
    int signal_fd; /* borrowed */
};

/* Of the caller's: job, answerer, unacked, scoreboard, slot, simulated_service_ns and signal_fd.
 * 0 or -ERR_MEMORY. */
int handling_init(struct handling *handling, struct why *why);

/* Nothing may be on the job's thread. */
void handling_clear(struct handling *handling);

/* Fills in the event's fingerprint. Whether it is a suspect. */
bool handling_is_suspect(const struct handling *handling, struct delivery *delivery);

/* Takes an event to hand that handling_is_suspect has seen; there must be none. The delivery is the
 * handling's now. */
void handling_begin(struct handling *handling, struct delivery *delivery, int64_t now_ns);

/* Goes on with the event at hand while the broker takes answers. Returns an enum handling_end, or
 * an error that ends the connection or the worker. *until_ns is when to call again, unless
 * handling_wake_fd is readable before. */
int handling_step(struct handling *handling, int64_t now_ns, int64_t *until_ns, struct why *why);

/* The event of a handling that has ended; it is the caller's. */
struct delivery *handling_take(struct handling *handling);

/* To be called whenever handling_wake_fd is readable, whether the broker takes answers or not. */
void handling_collect(struct handling *handling);

/* Nobody waits for the event at hand any more. What is on the job's thread stays there until the
 * job has ended; all else is dropped. */
void handling_abandon(struct handling *handling);

/* True while the event at hand is wanted. */
bool handling_is_wanted(const struct handling *handling);

/* True while a job is on its thread, wanted or not. */
bool handling_is_on_thread(const struct handling *handling);

/* True while the event at hand waits for confirms alone. */
bool handling_awaits_quiet(const struct handling *handling);

/* True while nothing else ought to be published, because a suspect is at hand or its answer is on
 * its way. */
bool handling_wants_quiet(const struct handling *handling);

/* What to wait for beside the connection. */
int handling_wake_fd(const struct handling *handling);

#endif
