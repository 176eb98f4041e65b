/* settings.h - the command line of winnow-autoscaler. */
#ifndef WINNOW_SETTINGS_H
#define WINNOW_SETTINGS_H

#include "farm.h"
#include "options.h"

#define SETTINGS_PROGRAM "winnow-autoscaler"

struct settings {
    struct options options;
    struct farm_settings farm;
    double wait_s; /* --wait; 0: not given */
};

/* Reads the command line and the environment; what cannot be used ends the program, as
 * options_parse does. The worker is NULL when none was named; the workers' environment is left to
 * the caller. */
void settings_parse(struct settings *settings, int argc, char **argv);

#endif
