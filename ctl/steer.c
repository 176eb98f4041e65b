#include "steer.h"

#include "ask.h"
#include "change.h"
#include "control/status.h"
#include "verbatim.h"

/* *done: whether it was; else *why has the leader's reason. */
static int take_answer(const struct client_message *message, bool *done, struct why *why)
{
    static const char *const outcomes[] = {[COMMAND_MALFORMED] = "not understood",
                                           [COMMAND_STALE] = "come too late",
                                           [COMMAND_REFUSED] = "refused"};
    struct command_answer answer;
    int error = command_read_answer(message->json, &answer, why);

    if (error)
        return error_set(why, ERR_CONFIG, "the autoscaler is of another version: %s", why->text);
    *done = answer.outcome == COMMAND_DONE;
    if (!*done)
        error_set(why, ERR_INVALID, "the command was %s: %s", outcomes[answer.outcome],
                  answer.reason);
    return 0;
}

int steer(struct client *client, const struct ctl_options *options, bool *done, FILE *out,
          struct why *why)
{
    struct command command = options->command;
    struct client_message message;
    struct status before;
    int error = ask_status(client, &options->common, options->wait_ns, &message, &before, why);

    if (error)
        return error;
    command.seen = (struct command_seen){before.epoch, before.sequence};
    error = ask(client, &options->common, &command, options->wait_ns, &message, why);
    if (!error)
        error = take_answer(&message, done, why);
    if (!error && options->json)
        verbatim_print(message.text, message.length, out);
    else if (!error && *done)
        change_print(&command, &before, out);
    status_clear(&before);
    return error;
}
