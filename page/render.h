/* render.h - what the page says, as JSON. docs/page.md describes each. All return NULL when out of
 * memory. */
#ifndef WINNOW_RENDER_H
#define WINNOW_RENDER_H

#include "control/envelope.h"
#include "control/notice.h"
#include "control/status.h"
#include "live.h"
#include "past.h"
#include "problem.h"
#include "shared_text.h"

#include <stdbool.h>
#include <stddef.h>

struct shared_text *render_problem(const struct problem *problem);

/* {"farms":[...],"control":true}. The farms are pointers to what is live of each. */
struct shared_text *render_farms(const struct live *const *farms, size_t count, bool control);

struct shared_text *render_status(const struct live *live, int64_t now_ns);
struct shared_text *render_scale(const struct status *status);
struct shared_text *render_history(const char *farm, const struct past *past, int64_t now_ns);

/* As events of a stream. */
struct shared_text *render_status_event(const struct live *live, int64_t now_ns);
struct shared_text *render_log_event(const struct envelope *envelope, const struct notice *notice);

/* A command was done. said: in words, whole lines. */
struct shared_text *render_done(const char *said);

/* An event was confirmed; result: NULL, or what came back. */
struct shared_text *render_sent(const char *message_id, const char *result, size_t length);

#endif
