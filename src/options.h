/* options.h - what the command lines of all programs have in common. */
#ifndef WINNOW_OPTIONS_H
#define WINNOW_OPTIONS_H

#include "broker/broker.h"
#include "log.h"
#include "topology.h"

#include <argp.h>
#include <stdint.h>

#define OPTIONS_CONNECT_TIMEOUT_NS INT64_C(30000000000)

/* Filled from the flags, else the environment, else the defaults. Texts live as long as the process. */
struct options {
    const char *program;
    const char *amqp_url;
    struct topology topology;
    const char *tls_ca_file, *tls_cert_file, *tls_key_file;
    int64_t connect_timeout_ns;
    enum log_level log_level;

    const char *tls_flag; /* a --tls flag that was given, NULL: none */
    const char *farm;     /* as given; checked when the flags are at their end */
    enum queue_type queue_type;
};

/* Keys of options that have no letter start here; each program numbers its own from OPTIONS_KEY_OWN. */
enum { OPTIONS_KEY_COMMON = 0x100, OPTIONS_KEY_OWN = 0x200 };

/* Takes the defaults and the environment, parses the command line with the common options after the
 * program's own, and opens the log. input is passed to the program's parser as state->input. An option or
 * variable that cannot be used ends the program with EX_USAGE and a message that names it and what
 * was expected. The password in an --amqp argument is wiped from the process's argument list. */
void options_parse(struct options *options, const char *program, const struct argp *argp, int argc,
                   char **argv, void *input);

/* For winnow-plot and others that need no broker: the same without the options of the connection. */
void options_parse_local(const char *program, const struct argp *argp, int argc, char **argv,
                         void *input);

/* How to connect as this program; borrows from options and name (see broker_client_name). */
struct broker_options options_broker(const struct options *options, const char *name);

/* Each reads one argument's value, ending the program with EX_USAGE and "OPTION: 'TEXT' is not ...;
 * expected ..." when it cannot be read or is outside [min, max]. */
int64_t options_duration(struct argp_state *state, const char *option, const char *text,
                         int64_t min_ns, int64_t max_ns);
uint64_t options_count(struct argp_state *state, const char *option, const char *text, uint64_t min,
                       uint64_t max);
size_t options_size(struct argp_state *state, const char *option, const char *text, size_t min,
                    size_t max);

/* Prints "PROGRAM: text" and returns the exit code that belongs to the error, for `return` in main. */
int options_fail(const char *program, int error, const struct why *why);

#endif
