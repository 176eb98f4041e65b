/* metrics.h - farms as Prometheus reads them: the text of GET /metrics. Pure.
 *
 * docs/monitoring.md has every metric with its meaning. What is unknown is left out, so that no
 * query takes it for a number. Counters are those of the farm's autoscaler: they never fall while
 * it lives, whatever becomes of its workers, and begin at 0 with the next one, which Prometheus
 * takes for a restart. A worker is told by its slot, never by its pid: no label has more values
 * than a farm has slots, states or reasons. */
#ifndef WINNOW_METRICS_H
#define WINNOW_METRICS_H

#include "control/status.h"
#include "metrics_text.h"

#include <stdbool.h>
#include <stddef.h>

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Of a farm whose last status is older than this it is only said that it is not up, how old that
 * status is, and whether there is a connection to the broker. */
#define METRICS_FRESH_S 10

struct metrics_farm {
    const char *farm;            /* its name, UTF-8; each farm has another */
    const struct status *status; /* the last that came; NULL: none ever did */
    double age_s;                /* since it came; of no account without one */
    bool connected;              /* the connection over which it comes is there */
};

/* Writes text anew: the exposition format 0.0.4 of Prometheus, each name once with its HELP and
 * TYPE and then a line for each farm and each of its labels' values. Borrows everything until it
 * returns. 0 or -ERR_MEMORY. */
int metrics_write(const struct metrics_farm *farms, size_t count, struct metrics_text *text);

#endif
