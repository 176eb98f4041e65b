/* simulate_options.h - the command line of winnow-simulate. */
#ifndef WINNOW_SIMULATE_OPTIONS_H
#define WINNOW_SIMULATE_OPTIONS_H

#include "comparison.h"

#include <stdbool.h>
#include <stdint.h>

#define SIMULATE_OPTIONS_PROGRAM "winnow-simulate"

/* Texts are as they were given, NULL where they were not. */
struct simulate_options {
    /* The load. */
    const char *trace, *service_time, *startup;
    uint64_t run; /* of a history: the number, or HISTORY_READER_LAST_RUN */
    double from_s, until_s;
    uint64_t seed;

    struct comparison_settings comparison; /* the policies, and where their scores go */
    bool has_capacity;                     /* --capacity was a number */
    int64_t late_ns;                       /* the target */

    /* What to do instead of comparing. */
    bool recommend;
    const char *replay_path, *explain_path;
};

/* Reads the command line; what cannot be used ends the program, as options_parse_local does. */
void simulate_options_parse(struct simulate_options *options, int argc, char **argv);

#endif
