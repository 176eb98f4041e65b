/* request_body.h - what the bodies of requests say. docs/page.md describes each. Texts are borrowed
 * from the body's JSON, which is released with members_release. */
#ifndef WINNOW_REQUEST_BODY_H
#define WINNOW_REQUEST_BODY_H

#include "control/command.h"
#include "error.h"
#include "posts.h"

#include <stdbool.h>
#include <stddef.h>

struct json_t;

/* Of every command: *seen is written when it is there, and *has_seen. All return 0, -ERR_INVALID
 * with what was expected, or -ERR_MEMORY. */
int request_body_read_seen(const struct json_t *body, bool *has_seen, struct command_seen *seen,
                           struct why *why);

/* {"spec":{...}}: as commands that are to be said one after the other; their `seen` is not written.
 */
int request_body_read_scale(const struct json_t *body, struct command *list, size_t *count,
                            struct why *why);

/* An event. post->body is to be released with free. */
int request_body_read_event(const struct json_t *body, struct post *post, struct why *why);

#endif
