/* pool.h - the supervision of a farm's workers as a state machine. Pure: no clock, no processes.
 *
 *              start             it consumes, or time has passed
 *     NONE  ----------> STARTING -----------------------------------> RUNNING
 *       ^                  |  |                                        |   |
 *       |  ended (a crash) |  | no longer wanted     no longer wanted  |   | ended (a crash), hung
 *       |<-----------------+  +----------> DRAINING <------------------+   |
 *       |                                   |    | drain deadline          |
 *       |        ended                      |    v                         |
 *       +<----------------------------------+  KILLED <--------------------+ hung
 *       +<---------------------------------------+
 *
 * The caller tells what happened (pool_ready, pool_ended, ...) and how many workers are wanted, and
 * carries out the actions that pool_step gives. Every worker has a slot from its start until its
 * end is known.
 *
 * A worker that uses the scoreboard says itself when it consumes. As long as none ever has, a
 * worker is starting until the consumers of the queue show that it consumes or, where they cannot
 * show it, for a second; and no worker for longer than the start time-out.
 *
 * When a scale-down had to cut a drain short, the pool is patient from then on: a drain may take as
 * long as it needs, so that no event is taken from one worker after the other for ever. Patience
 * ends when the last of all workers has ended by itself in such a drain: then nobody holds any more
 * what was taken. A worker that keeps to the time-out by itself cannot be given more, so a patient
 * pool drains one that holds nothing, else the one that took up its event last: the event that has
 * been in hand for longest is never the one that is taken. The end of the pool is not patient.
 *
 * Max may change at any time. What a lowered one leaves drains like any other that is no longer
 * wanted; so long as that takes, there is room as under the max before (room_workers), so that it
 * drains at once and what is wanted starts beside it.
 *
 * Always: starting + running <= max, but after max was lowered while as many drain as there is room
 * for. A drain begins only while draining + killed < 2 room, and a worker starts only while there
 * are fewer than 3 room. Room is max from when that holds with max as well. Unless the pool is
 * patient a drain ends by its deadline. Back-off is at most 30 s. */
#ifndef WINNOW_POOL_H
#define WINNOW_POOL_H

#include "autoscaler/messages.h"
#include "error.h"
#include "startup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pool_action_kind {
    POOL_START, /* start a worker in this slot; pool_ended follows if that fails */
    POOL_DRAIN, /* ask it to drain (SIGTERM) */
    POOL_KILL,  /* end it at once (SIGKILL) */
    POOL_LEAVE, /* nothing: its drain takes longer than the time-out, and is left alone */
};

struct pool_action {
    enum pool_action_kind kind;
    size_t slot;
};

/* Of those that run, the one that has run longest, or rather one that holds nothing. A worker that
 * is starting goes only when no other can: what its start has cost so far would be lost. But a
 * patient pool rather drains one that holds nothing. */
enum pool_stop { POOL_STOP_OLDEST, POOL_STOP_IDLE };

struct pool_params {
    uint32_t
        max_workers; /* the most that max will ever be, and at first is: 1 .. POOL_MAX_WORKERS */
    /* a drain that takes longer than this, and POOL_DRAIN_GRACE_NS, is killed */
    int64_t drain_timeout_ns;
    int64_t start_timeout_ns; /* a worker is starting for no longer than this */
    enum pool_stop stop;      /* which worker goes when there are too many */
    uint64_t seed;            /* of the back-off's jitter */
};

#define POOL_MAX_WORKERS      1000
#define POOL_SLOTS(max)       ((size_t)(max)*3)
#define POOL_DRAIN_GRACE_NS   INT64_C(1000000000)
#define POOL_SILENT_START_NS  INT64_C(1000000000)
#define POOL_BACKOFF_FIRST_NS INT64_C(100000000)
#define POOL_BACKOFF_LAST_NS  INT64_C(30000000000)
#define POOL_HEALTHY_NS       INT64_C(10000000000)
/* So that workers run within 30 s of the return of their permission, whenever that is. */
#define POOL_REFUSED_RETRY_NS INT64_C(28000000000)

/* pool_consuming: nobody can tell how many workers consume. */
#define POOL_CONSUMING_UNKNOWN (-1)
#define POOL_NEVER             INT64_MAX

/* How a process ended: by exit code, or by signal (then code is meaningless). */
struct pool_end {
    int code;
    int signal; /* 0: it exited */
};

/* What an end meant. */
enum pool_verdict {
    POOL_STOPPED, /* it was asked to */
    POOL_CRASHED, /* nobody asked for it, or it failed in its drain */
    POOL_GONE,    /* pool_left has told of its crash before; what it left behind has ended now */
    POOL_UNKNOWN, /* there was no worker in that slot */
};

struct pool_slot {
    enum worker_state state;
    bool hung;     /* KILLED because it hung, so its end is a crash */
    bool kill_due; /* KILLED, and the next step says so to the caller */
    bool tells;    /* it uses the scoreboard, so it will say when it consumes */
    bool ready;    /* it has said so */
    bool left;     /* its crash is counted, and it drains what it left behind */
    bool idle;     /* it holds no event; set by the caller */
    bool retired;  /* it is to drain whatever the number */
    bool patient;  /* its drain has no deadline: at deadline_ns that is said */
    int64_t started_ns;
    int64_t took_up_ns; /* when it took up the event at hand; 0: none, or it does not tell */
    /* Since then it is sure to use no scoreboard: it consumes, or the start time-out has passed.
     * 0: it is not. */
    int64_t silent_ns;
    int64_t drained_ns, deadline_ns; /* when its drain began, and when that is to be over */
};

/* Why no worker is started any more. */
enum pool_fault {
    POOL_SOUND,
    POOL_GAVE_UP, /* the first workers ended with 77 or 78: nothing ever ran */
    POOL_USAGE,   /* a worker ended with 64: its command line is wrong */
};

struct pool {
    struct pool_params params;
    struct pool_slot *slots; /* memory that no worker has used yet was never touched */
    size_t slot_count;       /* POOL_SLOTS(params.max_workers) */
    size_t used;             /* from this slot on there is no worker */
    uint32_t max_workers;    /* max as it is now */
    uint32_t room_workers;   /* >= max_workers; as told above */
    uint32_t wanted;
    int64_t consuming; /* so many workers consume; POOL_CONSUMING_UNKNOWN */
    bool heard;        /* some worker has ever used the scoreboard */
    bool patient;      /* a drain was cut short: as told above */
    bool ending;
    struct startup startup; /* of all that were ever starting and then running */
    enum pool_fault fault;
    int fault_code;
    uint32_t crashes_in_row;
    int64_t last_crash_ns;
    int64_t start_from_ns; /* back-off: no start before */
    uint64_t random;
    struct worker_counts counts;
};

/* 0, -ERR_INVALID (max_workers out of range) or -ERR_MEMORY. */
int pool_init(struct pool *pool, const struct pool_params *params);
void pool_clear(struct pool *pool);

/* Max from now on, 1 .. params.max_workers; more means params.max_workers. What is wanted falls
 * with it, and is to be said again when max has risen. */
void pool_limit(struct pool *pool, uint32_t max_workers);

/* How many workers should be starting or running; more than max means max. */
void pool_want(struct pool *pool, uint32_t workers);

/* No worker will be wanted any more: drains keep to their time-out, and those that were left alone
 * have it from the next step on. */
void pool_finish(struct pool *pool);
/* So many of the workers consume, by the consumers of the queue, or POOL_CONSUMING_UNKNOWN. */
void pool_consuming(struct pool *pool, int64_t workers);
/* A drain that a scale-down began was cut short, and events went back to the queue. */
void pool_cut_short(struct pool *pool);

/* The worker consumes. Ignored unless it is starting. */
void pool_ready(struct pool *pool, size_t slot, int64_t now_ns);
/* The worker makes no progress. Ignored unless it is running or draining. */
void pool_hung(struct pool *pool, size_t slot);
/* The worker drains at the next step, whatever the number, and another takes its place if it is
 * wanted. Ignored unless it is starting or running. */
void pool_retire(struct pool *pool, size_t slot);
/* Facts about a worker that steps take into account. */
void pool_tells(struct pool *pool, size_t slot);
void pool_idle(struct pool *pool, size_t slot, bool idle);
void pool_took_up(struct pool *pool, size_t slot, int64_t took_up_ns);
/* The process that was started has ended, and others of its group live. One that nobody had asked
 * to end counts as crashed from now on, and its slot drains: POOL_CRASHED. Else pool_ended will
 * tell: POOL_UNKNOWN. */
enum pool_verdict pool_left(struct pool *pool, size_t slot, struct pool_end end, int64_t now_ns);
/* The worker has ended, or could not be started. */
enum pool_verdict pool_ended(struct pool *pool, size_t slot, struct pool_end end, int64_t now_ns);
/* Every worker is to be killed at the next step: the second SIGINT. */
void pool_abandon(struct pool *pool);

/* Everything that is due now. Fills at most capacity actions and returns how many; call it again
 * while it fills all. The state already counts them as carried out. *wake_ns is when something will
 * be due next, POOL_NEVER if nothing is. */
size_t pool_step(struct pool *pool, int64_t now_ns, struct pool_action *actions, size_t capacity,
                 int64_t *wake_ns);

/* The worker in that slot drains, has passed the time-out, and is left alone. */
bool pool_is_overdue(const struct pool *pool, size_t slot);
struct worker_counts pool_counts(const struct pool *pool);
/* No slot holds a worker. */
bool pool_is_empty(const struct pool *pool);

#endif
