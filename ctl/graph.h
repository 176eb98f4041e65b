/* graph.h - the last minutes of a farm: arrival rate and workers, a column for each two seconds. */
#ifndef WINNOW_GRAPH_H
#define WINNOW_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define GRAPH_MOST_COLUMNS 512
#define GRAPH_COLUMN_S     2
#define GRAPH_HELD_COLUMNS 8 /* a column of which nothing was said is as the last one before it */

/* All unknown at first: start from {0}. */
struct graph {
    struct graph_column {
        int64_t number; /* of its time, in columns since the clock began, and 1 more; 0: none */
        double arrival_per_s, workers;
    } columns[GRAPH_MOST_COLUMNS];
};

/* What was true at that time of a monotonic clock; the last of a column counts. NAN: unknown. */
void graph_add(struct graph *graph, int64_t now_ns, double arrival_per_s, double workers);

/* How a graph is to be drawn. */
struct graph_form {
    size_t width;  /* columns of the terminal */
    size_t height; /* lines of each of the two quantities */
    bool blocks;   /* with block characters, in UTF-8; else in ASCII */
};

/* The lines that graph_print prints: 2 * height and an axis of time. */
size_t graph_lines(const struct graph_form *form);

/* Bars up to now, the arrival rate above the workers, each with its scale on the left. What is
 * unknown is a gap. */
void graph_print(const struct graph *graph, const struct graph_form *form, int64_t now_ns,
                 FILE *out);

#endif
