/* keep_line.h - the lines that a program which lives on reads and writes: an event, and its answer,
 * each a JSON object. docs/protocol.md has them for whoever writes such a program. */
#ifndef WINNOW_KEEP_LINE_H
#define WINNOW_KEEP_LINE_H

#include "error.h"
#include "job.h"
#include "plain_json.h"

#include <stddef.h>
#include <stdint.h>

/* Writes the event's line, with its newline, in place of what was there. 0 or -ERR_MEMORY. */
int keep_line_write(struct plain_json *line, uint64_t id, const struct job_event *event);

enum keep_verdict {
    KEEP_RESULT, /* body: the result; content_type: its own, or absent */
    KEEP_DEAD,   /* body: the reason */
    KEEP_LATER,  /* the same */
};

/* What a program has answered. Starts zeroed. The bytes live until the next keep_line_read. */
struct keep_answer {
    enum keep_verdict verdict;
    double id; /* of the event that it answers */
    struct broker_bytes body, content_type;

    struct json_t *json;
    char *decoded; /* a body that came as base64 */
};

/* Reads a line, without its newline. 0; -ERR_INVALID with the reason, when it is no answer:
 *   no JSON object, a member twice, no number "id", not exactly one of "text", "base64", "dead" and
 *   "later", or one that is not a string, or no base64; a "content_type" that is no text.
 * Other members do not count. -ERR_MEMORY. */
int keep_line_read(struct keep_answer *answer, const char *line, size_t length, struct why *why);
void keep_line_clear(struct keep_answer *answer);

#endif
