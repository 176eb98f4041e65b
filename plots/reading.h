/* reading.h - the quantities that the pictures show, read off the rows of a history; and how far
 * each of them reaches over a run. Pure. */
#ifndef WINNOW_READING_H
#define WINNOW_READING_H

#include "history_run.h"

enum reading {
    READING_ARRIVAL_PER_S,
    READING_BACKLOG_MSGS,
    READING_WORKERS, /* running and starting */
    READING_DESIRED_WORKERS,
    READING_MIN_WORKERS,
    READING_MAX_WORKERS,
    READING_HORIZON_S,
    READING_CAPACITY_MSGS,
    READING_WORKER_PER_S, /* the arrival rate that takes one worker by the formula: C / T */
    READING_SERVICE_S,    /* the simulated service time of an event, when there is one */
};

/* NAN when the row does not say. */
double reading_of(const struct history_row *row, enum reading reading);

/* The least and the greatest known value; from > to when none is known. */
struct reading_extent {
    double from, to;
};

struct reading_extent reading_extent(const struct history_run *run, enum reading reading);

#endif
