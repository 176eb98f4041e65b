/* filter_options.h - the command line options that say what is filtered and how. winnow-filter and
 * winnow-censor both have them. */
#ifndef WINNOW_FILTER_OPTIONS_H
#define WINNOW_FILTER_OPTIONS_H

#include "censor.h"
#include "matcher.h"

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_OPTIONS_MAX_FILES 256

#define FILTER_OPTIONS_LIST_BYTES ((size_t)64 << 20)

/* What the options say. Texts live as long as the process. */
struct filter_options {
    const char *files[FILTER_OPTIONS_MAX_FILES];
    size_t file_count;     /* 0: the built-in lists */
    size_t max_list_bytes; /* of all files together */
    bool watch;            /* what changes in the files is loaded; there is a file then */
    bool off;              /* nothing is looked for */
    enum matcher_level level;
    int32_t min_severity;
    struct censor_mask mask;
};

/* The defaults, for when no option is given. */
void filter_options_init(struct filter_options *options);

/* The options, as a child of a program's own parser; its input is a struct filter_options. A value
 * that cannot be used ends the program with EX_USAGE and a message that names the option. */
extern const struct argp filter_options_argp;

/* Adds a word list. Too many end the program like a value that cannot be used. */
void filter_options_add_file(struct filter_options *options, char *path, struct argp_state *state);

#endif
