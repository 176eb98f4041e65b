/* readings.h - what a node's workers tell of themselves on the scoreboard, put together as the
 * node's report. */
#ifndef WINNOW_READINGS_H
#define WINNOW_READINGS_H

#include "autoscaler/messages.h"
#include "error.h"
#include "pool.h"
#include "scoreboard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct readings {
    /* By slot, as they last were; of one that has started since, the pid alone. */
    struct worker_reading *workers;
    int32_t *disbelieved;     /* by slot: the pid of whom it was said; 0: of nobody */
    struct readings_own *own; /* by slot: what its worker has added to the sums */
    double handled_msgs, dead_msgs, given_back_msgs; /* by all workers, those that have ended too */
    struct time_classes handling;
    int64_t times_ns;           /* when the times of all workers were last added up */
    double simulated_service_s; /* what a worker last said it adds to each event; 0: nothing */
    bool heard;                 /* some worker has ever used the scoreboard */
    bool silence_logged;
};

/* 0 or -ERR_MEMORY. */
int readings_init(struct readings *readings, size_t slots);
void readings_clear(struct readings *readings);

/* A worker was started in that slot. */
void readings_begin(struct readings *readings, size_t slot, int32_t pid);

/* Reads every slot into a report, and notes in the pool which workers hold nothing. A worker that
 * says what cannot be tells nothing. */
struct node_report readings_take(struct readings *readings, struct pool *pool,
                                 struct scoreboard *scoreboard, int64_t now_ns);

/* Keeps the counts of a worker that has ended; to be called before its slot is cleared. */
void readings_keep(struct readings *readings, size_t index, const struct scoreboard_slot *slot,
                   int64_t now_ns);

#endif
