/* problem.h - what can be wrong with a request, as a status of HTTP and a word for programs.
 *
 * Source: RFC 9457. */
#ifndef WINNOW_PROBLEM_H
#define WINNOW_PROBLEM_H

#include <stdbool.h>

#define PROBLEM_DETAIL_SIZE 600
#define PROBLEM_TYPE        "application/problem+json"

/* docs/page.md says when which is answered. */
enum problem_kind {
    PROBLEM_NONE,
    PROBLEM_MALFORMED,
    PROBLEM_TOKEN,
    PROBLEM_CONTROL,
    PROBLEM_ORIGIN,
    PROBLEM_PERMISSION,
    PROBLEM_MISSING,
    PROBLEM_METHOD,
    PROBLEM_NOBODY,
    PROBLEM_REFUSED,
    PROBLEM_STALE,
    PROBLEM_NODES,
    PROBLEM_SIZE,
    PROBLEM_CONTENT,
    PROBLEM_HOST,
    PROBLEM_DEAD,
    PROBLEM_AWAY,
    PROBLEM_UNKNOWN,
    PROBLEM_FULL,
    PROBLEM_LATE,
    PROBLEM_MEMORY,
    PROBLEM_KINDS
};

struct problem {
    enum problem_kind kind;
    char detail[PROBLEM_DETAIL_SIZE]; /* a sentence for people, without a full stop */
};

/* Fills it in; returns false, so that a check may end with it. */
bool problem_set(struct problem *problem, enum problem_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

unsigned problem_status(enum problem_kind kind);
const char *problem_title(enum problem_kind kind); /* of the status */
const char *problem_code(enum problem_kind kind);

#endif
