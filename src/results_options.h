/* results_options.h - the command line options that say how FARM.results is kept. They are among
 * those that options.h has for all programs. */
#ifndef WINNOW_RESULTS_OPTIONS_H
#define WINNOW_RESULTS_OPTIONS_H

#include "topology.h"

#include <argp.h>

struct results_options {
    struct topology_results results;
    const char *type;                /* as given, or of the environment; NULL: a queue */
    const char *max_bytes, *max_age; /* NULL: not given */
};

/* What the environment says: WINNOW_RESULTS_TYPE, _MAX_BYTES and _MAX_AGE. */
void results_options_init(struct results_options *options);

/* The options, as a child of another parser; its input is a struct results_options. */
extern const struct argp results_options_argp;

/* Fills in the results from what was given. -ERR_INVALID for a value that cannot be used, or a
 * limit without a stream; the text names it and says what was expected. */
int results_options_read(struct results_options *options, struct why *why);

/* The name of a type, for --results-type. */
const char *results_options_type(const struct topology_results *results);

#endif
