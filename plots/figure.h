/* figure.h - what a picture of a run shows, written for gnuplot: texts, axes and data. The scripts
 * draw it. */
#ifndef WINNOW_FIGURE_H
#define WINNOW_FIGURE_H

#include "error.h"
#include "history_run.h"

#include <stdio.h>

enum figure {
    FIGURE_SCALING,  /* workers, arrival rate and backlog over time */
    FIGURE_RELATION, /* workers against the arrival rate */
    FIGURE_POLICIES, /* what policies cost, and how long events wait: scores.h writes it */
};

/* Writes the variables and data blocks that the figure's script expects.
 *
 * title   instead of the one that says farm and policy; may be NULL. The parameters and a simulated
 *         service time are told in any case.
 *
 * Returns 0, or -ERR_CONFIG when the run holds nothing that this figure could show. Whether all
 * could be written is for the caller to ask (ferror). */
int figure_write(FILE *script, enum figure figure, const struct history_run *run, const char *title,
                 struct why *why);

#endif
