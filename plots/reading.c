#include "reading.h"

#include <math.h>

double reading_of(const struct history_row *row, enum reading reading)
{
    switch (reading) {
    case READING_ARRIVAL_PER_S:
        return row->arrival_per_s;
    case READING_BACKLOG_MSGS:
        return row->backlog_msgs;
    case READING_WORKERS:
        return row->running_workers + row->starting_workers;
    case READING_DESIRED_WORKERS:
        return row->desired_workers;
    case READING_MIN_WORKERS:
        return row->min_workers;
    case READING_MAX_WORKERS:
        return row->max_workers;
    case READING_HORIZON_S:
        return row->horizon_s;
    case READING_CAPACITY_MSGS:
        return row->capacity_msgs;
    case READING_WORKER_PER_S:
        return row->capacity_msgs / row->horizon_s;
    case READING_SERVICE_S:
        return row->simulated_service_s > 0 ? row->simulated_service_s : NAN;
    }
    return NAN;
}

struct reading_extent reading_extent(const struct history_run *run, enum reading reading)
{
    struct reading_extent extent = {INFINITY, -INFINITY};

    for (size_t i = 0; i < run->row_count; i++) {
        double value = reading_of(&run->rows[i], reading);
        /* fmin and fmax leave NAN out. */
        extent.from = fmin(extent.from, value);
        extent.to = fmax(extent.to, value);
    }
    return extent;
}
