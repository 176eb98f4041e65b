/* stopwatch.h - for how long something has lasted, in all. Pure. */
#ifndef WINNOW_STOPWATCH_H
#define WINNOW_STOPWATCH_H

#include <stdbool.h>
#include <stdint.h>

/* Starts as zeros. */
struct stopwatch {
    int64_t since_ns; /* 0: it does not last now */
    int64_t before_ns;
};

/* Whether it lasts now. Returns true when that has changed. now_ns is more than 0. */
bool stopwatch_set(struct stopwatch *watch, bool lasts, int64_t now_ns);

int64_t stopwatch_total_ns(const struct stopwatch *watch, int64_t now_ns);

#endif
