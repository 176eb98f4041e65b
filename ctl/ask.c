#include "ask.h"

#include "clock.h"
#include "units.h"

int ask_open(const struct options *options, struct client **client, struct why *why)
{
    static const char *const answers_alone[] = {NULL};
    int error = client_open(options, answers_alone, client, why);

    if (error)
        return error;
    error = client_connect(*client, -1, clock_now_ns() + options->connect_timeout_ns, why);
    if (error) {
        client_close(*client);
        *client = NULL;
    }
    return error;
}

static int nobody(const struct options *options, struct why *why)
{
    return error_set(why, ERR_UNAVAILABLE,
                     "nobody runs the farm '%s' on this broker; start winnow-autoscaler with "
                     "--farm '%s', or see with 'winnow-ctl farms' which farms are run",
                     options->farm, options->farm);
}

static int too_late(const struct client *client, const struct options *options, int64_t wait_ns,
                    struct why *why)
{
    char wait[UNITS_TEXT_SIZE];

    units_format_duration(wait_ns, wait);
    if (client_is_blocked(client))
        return error_set(why, ERR_TIMEOUT,
                         "the broker runs short of memory or disk, and took no command within %s; "
                         "look at its alarms",
                         wait);
    return error_set(why, ERR_TIMEOUT,
                     "the autoscaler of the farm '%s' did not answer within %s; try again, or "
                     "look at its log",
                     options->farm, wait);
}

int ask(struct client *client, const struct options *options, const struct command *command,
        int64_t wait_ns, struct client_message *message, struct why *why)
{
    int64_t deadline_ns = clock_now_ns() + wait_ns;
    uint64_t correlation;
    int error = client_send(client, command, false, &correlation, why);

    while (!error) {
        switch (client_step(client, message, &error, why)) {
        case CLIENT_MESSAGE:
            if (message->correlation == correlation)
                return 0;
            break;
        case CLIENT_NOBODY:
            return nobody(options, why);
        case CLIENT_NO_NEWS:
            if (clock_now_ns() >= deadline_ns)
                return too_late(client, options, wait_ns, why);
            client_wait(client, -1, deadline_ns);
            break;
        default: /* lost: there is an error */
            break;
        }
    }
    return error;
}

int ask_status(struct client *client, const struct options *options, int64_t wait_ns,
               struct client_message *message, struct status *status, struct why *why)
{
    const struct command command = {.verb = COMMAND_STATUS};
    struct command_answer answer;
    int error = ask(client, options, &command, wait_ns, message, why);

    if (error)
        return error;
    if (message->kind == CLIENT_STATUS)
        error = status_read(message->json, status, why);
    else if ((error = command_read_answer(message->json, &answer, why)) == 0)
        error = error_set(why, ERR_INVALID, "%s", answer.reason);
    if (error == -ERR_INVALID) {
        /* No word of the command line is wrong. */
        error = -ERR_CONFIG;
        error_prefix(why, "the autoscaler of the farm '%s' is of another version", options->farm);
    }
    return error;
}
