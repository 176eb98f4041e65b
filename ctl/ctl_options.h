/* ctl_options.h - the command line of winnow-ctl. */
#ifndef WINNOW_CTL_OPTIONS_H
#define WINNOW_CTL_OPTIONS_H

#include "control/command.h"
#include "options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CTL_OPTIONS_PROGRAM "winnow-ctl"

enum ctl_verb {
    CTL_STATUS,
    CTL_WORKERS,
    CTL_EXPLAIN,
    CTL_NODES,
    CTL_STEER, /* the command says how */
    CTL_LOG,
    CTL_FARMS,
    CTL_SEND,
    CTL_RESULTS,
    CTL_WORDS, /* the verb behind it says what */
};

enum ctl_words {
    CTL_WORDS_ADD,
    CTL_WORDS_REMOVE,
    CTL_WORDS_LIST,
    CTL_WORDS_RANDOM,
    CTL_WORDS_BROADCAST,
    CTL_WORDS_FOLLOW,
};

struct ctl_options {
    struct options common;
    enum ctl_verb verb;
    struct command command; /* CTL_STEER; seen is not filled in */
    bool json, watch, follow;
    int64_t wait_ns;
    bool waits;       /* CTL_SEND: for the result */
    const char *type; /* the same: the property; NULL: none */
    int64_t last;     /* CTL_RESULTS: how many; -1: not given */
    int64_t since_s;  /* the same: since 1970; -1: not given */
    /* What stands behind the verb, or the verbs: of CTL_LOG, files; of CTL_SEND, the text; of
     * CTL_WORDS, entries, or what the verb is about. */
    char **arguments;
    size_t argument_count;
    enum ctl_words words; /* CTL_WORDS */
    char **files;         /* CTL_WORDS_ADD and CTL_WORDS_REMOVE: each --file */
    size_t file_count;
};

/* Reads the command line, or ends the program with EX_USAGE and what was expected. */
void ctl_options_parse(struct ctl_options *options, int argc, char **argv);

#endif
