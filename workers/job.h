/* job.h - what a worker does with its events: the one interface between the loop and the work.
 *
 * The loop (worker.h) takes events from the queue, hands them to the job one after the other, and
 * does with each what the job says: publishes a result, publishes it to FARM.dead with a reason, or
 * gives it back for later. Connections, confirms, acknowledgements, drains and attempts are the
 * loop's; the job sees none of them. */
#ifndef WINNOW_JOB_H
#define WINNOW_JOB_H

#include "broker/properties.h"
#include "error.h"
#include "scoreboard.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One event. All of it is borrowed for the time of the call. */
struct job_event {
    struct broker_bytes body;                   /* never longer than --max-body */
    const struct broker_properties *properties; /* the event's own, read with broker/properties.h */
    bool redelivered;
    uint32_t attempt; /* from 1 on: how often it was tried, with this time */
    bool hurried;     /* see begins_here */

    /* For the functions at the end of this header. */
    struct scoreboard_slot *slot;
    const atomic_bool *unwanted;
};

/* A header of a result. Its name begins with "winnow-": such headers are never copied from the
 * event, so none is there twice, and they stay when what was copied does not fit a frame. All of
 * them together are at most a kilobyte. */
struct job_header {
    const char *name;
    const char *text; /* NULL: the number counts */
    int64_t number;
};

/* A result, all absent at first. What it points to must stay until handle is called again. */
struct job_result {
    struct broker_bytes body; /* any bytes; absent: the event's, unchanged */
    /* Absent: the result has the event's content type and content encoding. A type of its own comes
     * with an encoding of its own, which may be absent. At most 255 bytes each. */
    struct broker_bytes content_type, content_encoding;
    const struct job_header *headers;
    size_t header_count;
};

enum job_verdict {
    JOB_RESULT,  /* the result goes to where the event asks for it */
    JOB_DEAD,    /* the event goes to FARM.dead; the reason is in *why */
    JOB_LATER,   /* the event goes back to the queue after a second; that is no failed attempt */
    JOB_NOT_YET, /* only when hurried: handle goes on with it on its own thread */
    JOB_RETRY, /* the same, but it is one: the last that --max-attempts allows makes it JOB_DEAD */
};

struct job {
    /* Handles one event. Returns an enum job_verdict, or a negative error with the reason in *why.
     * An error ends the worker, and the event comes back to the queue; it is for a worker that can
     * do no work any more. */
    int (*handle)(void *context, const struct job_event *event, struct job_result *result,
                  struct why *why);
    void *context;

    /* True: handle may take longer than a moment. It is then called on a thread of the job's own,
     * always the same one, while the loop keeps the connection and obeys signals. All signals are
     * blocked on that thread. False: it is called on the loop's thread, which costs nothing, but
     * nothing else is done meanwhile.
     *
     * However long it takes, the broker wants every event acknowledged within its consumer_timeout,
     * 30 minutes unless it is configured otherwise; after that it closes the connection. */
    bool may_take_long;
    /* For such a job: handle is called on the loop's thread first, hurried. If that takes more than
     * a few milliseconds it returns JOB_NOT_YET, and is called once more with the same event, on
     * its own thread. So what is quick costs no switches between threads. */
    bool begins_here;
};

/* The autoscaler kills a worker whose event shows no progress for --hang-timeout. The time counts
 * from the start of the event, from the last job_progress, or from the end of the time that
 * job_limit asked for, whichever is the latest. All three functions may be called from any thread
 * while handle runs, and cost next to nothing. */
void job_progress(const struct job_event *event);

/* The event may show no progress for so long from now on. */
void job_limit(const struct job_event *event, int64_t limit_ns);

/* False once nobody waits for what becomes of the event: the connection over which it came was
 * lost, or a drain ran out of time, and the event is in its queue again. The sooner handle then
 * returns, the sooner the worker can go on; what it returns does not matter. */
bool job_wanted(const struct job_event *event);

#endif
