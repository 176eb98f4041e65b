/* overview.h - a farm's status for people: on one screen, as tables, as a line. */
#ifndef WINNOW_OVERVIEW_H
#define WINNOW_OVERVIEW_H

#include "control/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The farm and who runs it, what goes on in a sentence, the numbers, and some of the workers. */
void overview_print(const struct envelope *envelope, const struct status *status, FILE *out);

/* The hosts of a farm over several, a line each. */
void overview_print_nodes(const struct status *status, FILE *out);

/* Its parts. The numbers are a line each. */
void overview_print_numbers(const struct status *status, FILE *out);
/* A header and a line for each worker, at most so many lines; the last then says how many more
 * there are. */
void overview_print_workers(const struct status *status, size_t most_lines, FILE *out);

/* A snapshot as one line: "arrivals 1520/s  backlog 230  wanted 5  running 4 ...". */
void overview_print_line(const struct status *status, FILE *out);

#endif
