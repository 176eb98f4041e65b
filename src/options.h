/* options.h - what the command lines of all programs have in common. */
#ifndef WINNOW_OPTIONS_H
#define WINNOW_OPTIONS_H

#include "broker/broker.h"
#include "log.h"
#include "results_options.h"
#include "topology.h"

#include <argp.h>
#include <stdint.h>

#define OPTIONS_MOST_FARMS 64

#define OPTIONS_CONNECT_TIMEOUT_NS INT64_C(30000000000)

/* Each is from its flag, else from the environment, else the default. Texts live as long as the
 * process. */
struct options {
    const char *program;
    const char *amqp_url;
    struct topology topology;
    const char *tls_ca_file, *tls_cert_file, *tls_key_file;
    int64_t connect_timeout_ns;
    enum log_level log_level;

    /* As given; they are checked together when all flags have been read. */
    const char *tls_flag;  /* the last --tls-... flag; NULL when there was none */
    const char *farm_flag; /* --farm; NULL: not given */
    /* All that were given, for a program that takes several; when there were more, the last of them
     * stands behind the count. */
    const char *farms[OPTIONS_MOST_FARMS + 1];
    size_t farm_count;
    enum queue_type queue_type;
    struct results_options results;
    /* A queue that is there, which the options below and the program's own parsers set. */
    struct topology_queue queue;
    const char
        *queue_variable; /* $WINNOW_QUEUE, for programs that take it; --farm goes before it */
};

/* Keys of the common options, which have no letter, start here; each program numbers its own from
 * OPTIONS_KEY_OWN. */
enum { OPTIONS_KEY_COMMON = 0x100, OPTIONS_KEY_OWN = 0x200 };

/* Reads the environment and the command line, and opens the log. --help has the common options
 * after the program's own.
 *
 * argp   the program's own options
 * input  passed to its parser as state->input
 *
 * An option or variable that cannot be used ends the program with EX_USAGE and a message that names
 * it and what was expected. An --amqp argument, which may have a password, is wiped from the
 * process's argument list. */
void options_parse(struct options *options, const char *program, const struct argp *argp, int argc,
                   char **argv, void *input);

/* The same without the options of broker and farm, for programs that need neither. */
void options_parse_local(const char *program, const struct argp *argp, int argc, char **argv,
                         void *input);

/* Reads the value of --queue or --results, the name of a queue that is there, and of --count-from.
 * They refuse as those below do. */
const char *options_queue_name(struct argp_state *state, const char *option, const char *text);
void options_add_source(struct argp_state *state, char *text, struct topology_queue *queue);

/* What is wrong with arguments that do not end the program. */
struct options_refusal {
    int error;    /* 0: nothing; -ERR_INVALID; -ERR_MEMORY */
    int argument; /* the place in argv of what is wrong; 0: what all of them mean together */
    struct why why;
};

/* Reads arguments that somebody has put together: as options_parse, but nothing is printed, nothing
 * is wiped, and the program does not end: the first that cannot be used is told. Options keep
 * pointers into argv. Every option stands in one argument, --NAME or --NAME=VALUE. Returns
 * refusal->error. */
int options_read(struct options *options, const char *program, const struct argp *argp, int argc,
                 char **argv, void *input, struct options_refusal *refusal);

/* The option of that name, whole: of the program's own or of those that all have; NULL: none. */
const struct argp_option *options_find(const struct argp *argp, const char *name);

/* Refuses an option or what several mean together: as argp_error; where options_read reads, the
 * first time in a reading is noted, and the parser goes on. */
void options_error(struct argp_state *state, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A variable of the environment; NULL when it is not set or empty. */
const char *options_variable(const char *name);

/* How to connect as this program. Borrows from options, and the name (see broker_client_name). */
struct broker_options options_broker(const struct options *options, const char *name);

/* Each of these reads the value of an option. One that cannot be read or is outside [min, max] ends
 * the program with EX_USAGE and "OPTION: 'TEXT' is not ...; expected ..."; where options_read
 * reads, that is noted, and min returned. */
int64_t options_duration(struct argp_state *state, const char *option, const char *text,
                         int64_t min_ns, int64_t max_ns);
uint64_t options_count(struct argp_state *state, const char *option, const char *text, uint64_t min,
                       uint64_t max);
size_t options_size(struct argp_state *state, const char *option, const char *text, size_t min,
                    size_t max);

/* Prints "PROGRAM: why" and returns the exit code of the error, for main to return. */
int options_fail(const char *program, int error, const struct why *why);

#endif
