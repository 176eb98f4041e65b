/* commands.h - what a farm's leader is told over the page, and what it answers. */
#ifndef WINNOW_COMMANDS_H
#define WINNOW_COMMANDS_H

#include "control/command.h"
#include "http.h"
#include "live.h"
#include "problem.h"

#include <stdbool.h>
#include <stdint.h>

/* One request may be several commands, which are said one after the other. */
#define COMMANDS_MOST 2

/* So many requests wait for answers at most. */
#define COMMANDS_MOST_WAITING 64

/* Starts zeroed. */
struct commands {
    struct commands_waiting *first;
    size_t count;
};

/* Sends the first of the commands. The request is answered when the leader has done all of them,
 * has not done one, or has not answered.
 *
 * seen  of the status that they are about; NULL: of the last one
 *
 * False when nothing can be sent: then the request is still to be answered, with the problem. */
bool commands_send(struct commands *commands, struct live *live, struct http_request *request,
                   const struct command *list, size_t count, const struct command_seen *seen,
                   struct problem *problem);

/* An answer came in. */
void commands_take(struct commands *commands, struct live *live,
                   const struct client_message *message);

/* Answers those that nothing will come back for. */
void commands_step(struct commands *commands, const struct live *live, int64_t now_ns);
int64_t commands_due_ns(const struct commands *commands);

/* The request is gone. Harmless when it is none of these. */
void commands_forget(struct commands *commands, const struct http_request *request);

/* What keeps the page from hearing the farm, as a problem. */
bool commands_explain(const struct live *live, struct problem *problem);

#endif
