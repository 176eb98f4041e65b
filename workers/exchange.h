/* exchange.h - one event to a program and what comes back, with nobody waiting for the other. */
#ifndef WINNOW_EXCHANGE_H
#define WINNOW_EXCHANGE_H

#include "broker/properties.h"
#include "job.h"
#include "program.h"
#include "said.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a program has written; kept from event to event. Starts zeroed. */
struct output {
    char *bytes; /* to be released with free() */
    size_t length, capacity;
};

/* Empties it, and gives back what memory only few events need. */
void exchange_empty(struct output *output);

struct exchange {
    struct process *process;
    struct broker_bytes input;
    /* Both ways: the input stays open behind it, and the output ends with a newline. */
    bool one_line;
    size_t most_bytes; /* of output */
    int64_t deadline_ns;
    const struct job_event *event; /* which nobody may want any more; NULL: there is none */
    struct said *said;
    struct output *output;
};

enum exchange_end {
    EXCHANGE_ENDED,    /* the program has ended */
    EXCHANGE_LINE,     /* one_line: there is one */
    EXCHANGE_CLOSED,   /* one_line: there will be none, though the program goes on */
    EXCHANGE_LATE,     /* the deadline passed */
    EXCHANGE_OVERLONG, /* it writes more than most_bytes */
    EXCHANGE_UNWANTED,
    EXCHANGE_NOT_YET, /* the event is hurried: to be called again when it is not */
    EXCHANGE_FAILED,  /* out of memory */
};

/* Feeds and reads until one of them is so; more than 2 ms only when the event is not hurried. Input
 * that the program does not take is nobody's loss. */
enum exchange_end exchange_run(struct exchange *exchange);

/* Takes what an ended program has still written; what is beyond most_bytes is left. False when that
 * is so, or out of memory. */
bool exchange_finish(struct exchange *exchange);

#endif
