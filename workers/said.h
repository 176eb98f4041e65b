/* said.h - what a program says on its standard error: to the log line by line, and the last line as
 * the reason why it failed. */
#ifndef WINNOW_SAID_H
#define WINNOW_SAID_H

#include "error.h"
#include "log_limit.h"

#include <stddef.h>

/* Longer lines are cut; so many lines are logged in a second. */
#define SAID_LINE_SIZE  512
#define SAID_MOST_PER_S 20

/* What a reason has of a program's words. */
#define SAID_REASON_SIZE 300

/* Starts with said_init. */
struct said {
    int pid;
    char line[SAID_LINE_SIZE]; /* that has not ended yet */
    size_t length;
    char last[SAID_LINE_SIZE]; /* that was not blank; "": there was none */
    struct log_limit limit;
};

void said_init(struct said *said);

/* A program begins to speak, or has ended. */
void said_begin(struct said *said, int pid);
void said_end(struct said *said);

void said_add(struct said *said, const char *bytes, size_t length);

/* Writes "what: last line", or what alone. Returns -ERR_INVALID. */
int said_reason(const struct said *said, const char *what, struct why *why);

#endif
