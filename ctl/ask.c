#include "ask.h"

#include "clock.h"
#include "units.h"

/* After a restart of the broker the autoscaler is back within a moment. So what nobody took is
 * asked again, so often and for so long. */
#define AGAIN_NS  (100 * CLOCK_NS_PER_MS)
#define NOBODY_NS CLOCK_NS_PER_S

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
                     options->topology.farm, options->topology.farm);
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
                     options->topology.farm, wait);
}

/* A question, and when it is asked again. */
struct question {
    const struct command *command;
    uint64_t correlation; /* of the answer to it */
    int64_t again_ns;     /* CLOCK_NEVER: it is on its way */
    int64_t give_up_ns;   /* from then on, one that nobody took is not asked again */
    int64_t deadline_ns;
};

static int send_question(struct client *client, struct question *question, struct why *why)
{
    question->again_ns = CLOCK_NEVER;
    return client_send(client, question->command, false, &question->correlation, why);
}

/* Waits for news; or asks again what nobody took, once that is due and the connection is there. */
static int wait_or_ask_again(struct client *client, struct question *question,
                             const struct options *options, int64_t wait_ns, struct why *why)
{
    int64_t now_ns = clock_now_ns(), until_ns = question->deadline_ns;

    if (question->again_ns == CLOCK_NEVER) {
        if (now_ns >= question->deadline_ns)
            return too_late(client, options, wait_ns, why);
    } else {
        if (now_ns >= question->give_up_ns)
            return nobody(options, why);
        if (now_ns >= question->again_ns && client_is_connected(client))
            return send_question(client, question, why);
        until_ns = now_ns < question->again_ns && question->again_ns < question->give_up_ns
                       ? question->again_ns
                       : question->give_up_ns;
    }
    client_wait(client, -1, until_ns);
    return 0;
}

int ask(struct client *client, const struct options *options, const struct command *command,
        int64_t wait_ns, struct client_message *message, struct why *why)
{
    const int64_t now_ns = clock_now_ns();
    struct question question = {.command = command,
                                .give_up_ns = now_ns + (wait_ns < NOBODY_NS ? wait_ns : NOBODY_NS),
                                .deadline_ns = now_ns + wait_ns};
    int error = send_question(client, &question, why);

    while (!error) {
        switch (client_step(client, message, &error, why)) {
        case CLIENT_MESSAGE:
            if (message->correlation == question.correlation)
                return 0;
            break;
        case CLIENT_NOBODY:
            error = 0; /* the connection may have been closed for it, and comes back */
            question.again_ns = clock_now_ns() + AGAIN_NS;
            break;
        case CLIENT_NO_NEWS:
            error = wait_or_ask_again(client, &question, options, wait_ns, why);
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
        error_prefix(why, "the autoscaler of the farm '%s' is of another version",
                     options->topology.farm);
    }
    return error;
}
