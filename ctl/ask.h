/* ask.h - one question to the farm's leader, and its answer. */
#ifndef WINNOW_ASK_H
#define WINNOW_ASK_H

#include "control/client.h"
#include "control/status.h"

/* Connects for questions that are asked one after the other; release with client_close. */
int ask_open(const struct options *options, struct client **client, struct why *why);

/* Sends a command and waits for what comes back: an answer, or for the verb status a status. What
 * is in *message is borrowed until the client is used again.
 *
 * A command that nobody took is sent again for up to a second, within wait_ns.
 *
 * Returns 0; -ERR_UNAVAILABLE, when nobody runs the farm or the connection was lost; -ERR_TIMEOUT,
 * when nothing came back in time; or what the broker says against it. */
int ask(struct client *client, const struct options *options, const struct command *command,
        int64_t wait_ns, struct client_message *message, struct why *why);

/* Asks for the farm's status: read (release with status_clear), and in *message as it came. */
int ask_status(struct client *client, const struct options *options, int64_t wait_ns,
               struct client_message *message, struct status *status, struct why *why);

#endif
