/* results_options.h - the command line options that say how FARM.results is kept. They are among
 * those that options.h has for all programs. */
#ifndef WINNOW_RESULTS_OPTIONS_H
#define WINNOW_RESULTS_OPTIONS_H

#include "topology.h"

#include <argp.h>

struct results_options {
    struct topology_results results;
    const char *type;                /* as given, or of the environment; NULL: a queue */
    const char *max_bytes, *max_age; /* the same; NULL: not given */
};

/* What the environment says: WINNOW_RESULTS_TYPE, _MAX_BYTES and _MAX_AGE. */
void results_options_init(struct results_options *options);

/* The options, as a child of another parser; its input is a struct results_options, whose results
 * are filled in at the end. A value that cannot be used, or a limit without a stream, ends the
 * program with EX_USAGE and a message that names it. */
extern const struct argp results_options_argp;

/* The name of a type, for --results-type. */
const char *results_options_type(const struct topology_results *results);

#endif
