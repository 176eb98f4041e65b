/* autoscaler_options.h - the command line of winnow-autoscaler. */
#ifndef WINNOW_AUTOSCALER_OPTIONS_H
#define WINNOW_AUTOSCALER_OPTIONS_H

#include "farm.h"
#include "options.h"

#include <stdbool.h>

#define AUTOSCALER_PROGRAM "winnow-autoscaler"

struct autoscaler_options {
    struct options options;
    struct farm_settings farm;
    double wait_s; /* --wait; 0: not given */
    bool few_starts;
};

/* Reads the command line and the environment; what cannot be used ends the program, as
 * options_parse does. The worker is NULL when none was named; the workers' environment is left to
 * the caller. */
void autoscaler_options_parse(struct autoscaler_options *settings, int argc, char **argv);

#endif
