/* run_options.h - the options of winnow-run: which programs, and how they are run. */
#ifndef WINNOW_RUN_OPTIONS_H
#define WINNOW_RUN_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A command for the events of one type. */
struct run_type {
    const char *name;
    char **argv;
    bool body_is_file;
};

/* Texts live as long as the process. */
struct run_options {
    char *const *argv; /* for events of any type; NULL: there are types */
    bool keep;
    const struct run_type *types;
    size_t type_count;
    int64_t timeout_ns;
    size_t max_result_bytes;
    const char *content_type; /* of results; NULL: the event's */
    bool passes_url;          /* programs have AMQP_URL in their environment */
};

/* As a child of the program's own options; its input is a struct run_options, which it fills in. */
extern const struct argp run_options_argp;

/* To be called when all is read: what it says together. Ends the program with EX_USAGE. */
void run_options_check(struct run_options *options, struct argp_state *state);

#endif
