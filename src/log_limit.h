/* log_limit.h - keeps what happens often from filling the log. Pure. */
#ifndef WINNOW_LOG_LIMIT_H
#define WINNOW_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* Starts zeroed, but for most_per_s. */
struct log_limit {
    unsigned most_per_s; /* so many lines may be written in a second */
    int64_t from_ns;     /* since when they are counted, ... */
    unsigned lines;      /* ... and how many there were */
    uint64_t waiting;    /* times since the last line that none was written */
};

/* Something happened. Whether a line may say so; *unlogged is then how often it happened unsaid
 * since the last line. */
bool log_limit_allows(struct log_limit *limit, int64_t now_ns, uint64_t *unlogged);

#endif
