/* words_options.h - the options of winnow-words. */
#ifndef WINNOW_WORDS_OPTIONS_H
#define WINNOW_WORDS_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#define WORDS_OPTIONS_EVERY_NS INT64_C(5000000000)

struct words_options {
    const char *store; /* NULL: the default */
    bool redis_relaxed;
    const char *import_file; /* NULL: none is taken in */
    const char *export_file; /* NULL: the list is exported nowhere */
    int64_t broadcast_every_ns, drain_timeout_ns;
};

/* The defaults, of which the environment may change one. A variable that cannot be used ends the
 * program with EX_USAGE and a message that names it. */
void words_options_init(struct words_options *options, const char *program);

/* Its input is a struct words_options. */
extern const struct argp words_options_argp;

#endif
