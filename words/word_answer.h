/* word_answer.h - what the word service answers, as JSON. */
#ifndef WINNOW_WORD_ANSWER_H
#define WINNOW_WORD_ANSWER_H

#include "lines.h"
#include "request.h"

#include <stddef.h>
#include <stdint.h>

/* A text that is used again and again: free bytes at the end. */
struct word_answer {
    char *bytes;
    size_t length, capacity;
};

/* The answer to a request that was carried out. 0 or -ERR_MEMORY. */
int word_answer_write(struct word_answer *answer, const struct request *request,
                      int64_t broadcast_every_ns);

/* {"error":{"line":3,"reason":"..."}}, or without a line where the fault is about none. */
int word_answer_fault(struct word_answer *answer, const struct lines_fault *fault);

#endif
