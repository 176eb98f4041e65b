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
    bool ranked;             /* --rank was given */
    const char *config_path; /* NULL: one farm, as the command line has it */
    bool check;              /* only say what the configuration comes to */
};

/* Reads the command line and the environment; what cannot be used ends the program, as
 * options_parse does. The worker is NULL when none was named; the workers' environment is left to
 * the caller. */
void autoscaler_options_parse(struct autoscaler_options *settings, int argc, char **argv);

/* The same for arguments that were put together, as options_read does it. */
int autoscaler_options_read(struct autoscaler_options *settings, int argc, char **argv,
                            struct options_refusal *refusal);

/* The option of that name, whole; NULL: there is none. */
const struct argp_option *autoscaler_options_find(const char *name);

/* Options that no pool of a configuration can have: they are of the whole process, or of a node,
 * and the pools of a configuration are on one host. */
bool autoscaler_options_is_no_pools(const char *name);

/* How many of the parsed arguments, the program's name among them, are before the worker's. */
int autoscaler_options_count(const struct autoscaler_options *settings, int argc, char **argv);

#endif
