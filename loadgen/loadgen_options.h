/* loadgen_options.h - the command line of winnow-loadgen. */
#ifndef WINNOW_LOADGEN_OPTIONS_H
#define WINNOW_LOADGEN_OPTIONS_H

#include "arrivals.h"
#include "body_size.h"
#include "load.h"
#include "options.h"
#include "publisher.h"
#include "report_files.h"
#include "schedule.h"

#define LOADGEN_OPTIONS_PROGRAM "winnow-loadgen"

#define LOADGEN_OPTIONS_MAX_HEADERS 64

/* Filled from the flags and the defaults. Texts live as long as the process; the struct must stay
 * where it is, because its parts point at each other. */
struct loadgen_options {
    struct options common;
    /* Without run, bodies, timeline and progress. */
    struct load_settings load;
    struct publisher_header headers[LOADGEN_OPTIONS_MAX_HEADERS];
    struct arrivals_settings arrivals;
    struct schedule schedule;  /* for schedule_clear */
    const char *schedule_file; /* to be added to the schedule; NULL: none */
    const char *body;          /* as in texts.h; NULL: the built-in texts */
    struct body_size body_size;
    struct report_files_paths files;
};

/* Ends the program with EX_USAGE and a message when something cannot be used. Reads no file. */
void loadgen_options_parse(struct loadgen_options *options, int argc, char **argv);

#endif
