/* hang_watch.h - finds the workers that make no progress, and says so to the pool, which has them
 * killed. */
#ifndef WINNOW_HANG_WATCH_H
#define WINNOW_HANG_WATCH_H

#include "launcher.h"
#include "pool.h"
#include "scoreboard.h"

#include <stdint.h>

struct hang_watch {
    int64_t hang_timeout_ns;
    int64_t stepped_ns;    /* of the last step */
    int64_t judge_from_ns; /* progress before this is not asked for: nobody was there to see it */
    int64_t stopped_check_ns; /* when stopped processes are looked for next */
};

/* Calls pool_hung for each worker that has been on one event for hang_timeout_ns, or has looked for
 * none for longer than a heartbeat. One that waits for the broker is left alone, unless its process
 * is stopped. Returns when the next worker could be found. */
int64_t hang_watch_step(struct hang_watch *watch, struct pool *pool, struct launcher *launcher,
                        struct scoreboard *scoreboard, int64_t now_ns);

#endif
