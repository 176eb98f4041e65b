#include "commands.h"

#include "clock.h"
#include "ctl/amounts.h"
#include "ctl/change.h"
#include "log.h"
#include "render.h"
#include "respond.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_NS (5 * CLOCK_NS_PER_S)

#define SAID_SIZE 300

struct commands_waiting {
    struct commands_waiting *next;
    struct http_request *request;
    struct command list[COMMANDS_MOST];
    size_t count, done;   /* of them; the one behind those that are done was said */
    uint64_t correlation; /* of its answer */
    int64_t deadline_ns;
    char said[SAID_SIZE]; /* what those that are done have changed, in words */
    char says[SAID_SIZE]; /* what the one that was said changes, if it is done */
};

/* ---- problems ---- */

bool commands_explain(const struct live *live, struct problem *problem)
{
    const struct feed *feed = &live->feed;
    bool heard = feed->state == FEED_HEARD && live->has_status;
    int64_t since_ns = heard ? live->received_ns : feed->since_ns;
    char span[AMOUNTS_SIZE];

    amounts_span((double)(clock_now_ns() - since_ns) / (double)CLOCK_NS_PER_S, span);
    if (feed->state == FEED_AWAY && feed->error == -ERR_REFUSED)
        return problem_set(problem, PROBLEM_PERMISSION,
                           "the broker does not let this page's user do that: %s", feed->why.text);
    if (feed->state == FEED_AWAY)
        return problem_set(problem, PROBLEM_AWAY, "no connection to the broker for %s: %s", span,
                           feed->why.text);
    if (feed->state == FEED_NOBODY)
        return problem_set(problem, PROBLEM_NOBODY,
                           "nobody runs the farm '%s'; start winnow-autoscaler --farm '%s'",
                           live->farm, live->farm);
    return problem_set(problem, PROBLEM_UNKNOWN, "the farm '%s' was not heard for %s", live->farm,
                       span);
}

/* What was done before something went wrong, in front of what did. */
static void tell_what_was_done(const struct commands_waiting *waiting, struct problem *problem)
{
    struct problem whole;

    if (!waiting->said[0])
        return;
    problem_set(&whole, problem->kind, "%s; but then: %.*s", waiting->said,
                PROBLEM_DETAIL_SIZE - SAID_SIZE - 20, problem->detail);
    *problem = whole;
}

/* ---- waiting ---- */

static void forget(struct commands *commands, struct commands_waiting **place)
{
    struct commands_waiting *waiting = *place;

    *place = waiting->next;
    commands->count--;
    free(waiting);
}

static void fail(struct commands *commands, struct commands_waiting **place,
                 struct problem *problem)
{
    tell_what_was_done(*place, problem);
    respond_problem((*place)->request, problem);
    forget(commands, place);
}

/* In words, before the farm says of itself that it is so. */
static void foretell(struct commands_waiting *waiting, const struct live *live)
{
    FILE *out = fmemopen(waiting->says, sizeof waiting->says, "w");

    waiting->says[0] = '\0';
    if (!out)
        return;
    change_print(&waiting->list[waiting->done], &live->status, out);
    fclose(out);
    waiting->says[sizeof waiting->says - 1] = '\0';
    waiting->says[strcspn(waiting->says, "\n")] = '\0';
}

/* The next of its commands. */
static bool send_next(struct commands_waiting *waiting, struct live *live, struct problem *problem)
{
    struct why why;

    foretell(waiting, live);
    int error = client_send(live->feed.client, &waiting->list[waiting->done], false,
                            &waiting->correlation, &why);
    if (!error)
        return true;
    return problem_set(problem, error == -ERR_REFUSED ? PROBLEM_PERMISSION : PROBLEM_AWAY,
                       "the command could not be sent: %s", why.text);
}

bool commands_send(struct commands *commands, struct live *live, struct http_request *request,
                   const struct command *list, size_t count, const struct command_seen *seen,
                   struct problem *problem)
{
    if (live->feed.state != FEED_HEARD || !live->has_status)
        return commands_explain(live, problem);
    if (commands->count == COMMANDS_MOST_WAITING)
        return problem_set(problem, PROBLEM_FULL, "too many commands wait for their answers");
    struct commands_waiting *waiting = calloc(1, sizeof *waiting);
    if (!waiting)
        return problem_set(problem, PROBLEM_MEMORY, "out of memory");
    waiting->request = request;
    waiting->count = count;
    waiting->deadline_ns = clock_now_ns() + ANSWER_NS;
    for (size_t i = 0; i < count; i++) {
        waiting->list[i] = list[i];
        waiting->list[i].seen =
            seen ? *seen : (struct command_seen){live->status.epoch, live->status.sequence};
    }
    if (!send_next(waiting, live, problem)) {
        free(waiting);
        return false;
    }
    waiting->next = commands->first;
    commands->first = waiting;
    commands->count++;
    return true;
}

/* ---- answers ---- */

/* Whatever the outcome, somebody steered. */
static void log_outcome(const struct live *live, const struct command *command,
                        const struct command_answer *answer)
{
    log_event(LOG_INFO, "farm_steered", "farm=%s verb=%s outcome=%s", live->farm,
              command_verb_name(command->verb), command_outcome_name(answer->outcome));
}

/* What was done is so from now on, for the words of the next command: the status that says so comes
 * with the next decision. */
static void take_over(const struct command *command, struct status_limits *limits)
{
    if (command->verb == COMMAND_PAUSE || command->verb == COMMAND_RESUME)
        limits->paused = command->verb == COMMAND_PAUSE;
    if (command->verb != COMMAND_SET)
        return;
    if (command->min_workers >= 0)
        limits->min_workers = command->min_workers;
    if (command->max_workers >= 0)
        limits->max_workers = command->max_workers;
    if (command->replicas != COMMAND_UNCHANGED)
        limits->replicas = command->replicas == COMMAND_NONE ? NAN : (double)command->replicas;
}

/* Done: the next, or the end. */
static void go_on(struct commands *commands, struct commands_waiting **place, struct live *live)
{
    struct commands_waiting *waiting = *place;
    size_t length = strlen(waiting->said);
    struct problem problem;

    snprintf(waiting->said + length, sizeof waiting->said - length, "%s%s", length ? ", " : "",
             waiting->says);
    take_over(&waiting->list[waiting->done], &live->status.limits);
    if (++waiting->done == waiting->count) {
        respond_json(waiting->request, 200, render_done(waiting->said));
        forget(commands, place);
    } else if (!send_next(waiting, live, &problem)) {
        fail(commands, place, &problem);
    }
}

static void refuse(struct commands *commands, struct commands_waiting **place,
                   const struct command_answer *answer)
{
    static const enum problem_kind kinds[] = {[COMMAND_MALFORMED] = PROBLEM_MALFORMED,
                                              [COMMAND_STALE] = PROBLEM_STALE,
                                              [COMMAND_REFUSED] = PROBLEM_REFUSED};
    struct problem problem;

    problem_set(&problem, kinds[answer->outcome], "%s", answer->reason);
    fail(commands, place, &problem);
}

void commands_take(struct commands *commands, struct live *live,
                   const struct client_message *message)
{
    struct commands_waiting **place = &commands->first;
    struct command_answer answer;
    struct problem problem;
    struct why why;

    while (*place && (*place)->correlation != message->correlation)
        place = &(*place)->next;
    if (!*place)
        return;
    if (command_read_answer(message->json, &answer, &why)) {
        problem_set(&problem, PROBLEM_REFUSED, "the autoscaler is of another version: %s",
                    why.text);
        fail(commands, place, &problem);
        return;
    }
    log_outcome(live, &(*place)->list[(*place)->done], &answer);
    if (answer.outcome == COMMAND_DONE)
        go_on(commands, place, live);
    else
        refuse(commands, place, &answer);
}

void commands_step(struct commands *commands, const struct live *live, int64_t now_ns)
{
    bool gone = live->feed.state == FEED_AWAY || live->feed.state == FEED_NOBODY;
    struct problem problem;

    for (struct commands_waiting **place = &commands->first; *place;) {
        if (gone) {
            commands_explain(live, &problem);
        } else if ((*place)->deadline_ns <= now_ns) {
            problem_set(&problem, PROBLEM_LATE,
                        "the autoscaler has not answered in time; the next status tells whether it "
                        "was done");
        } else {
            place = &(*place)->next;
            continue;
        }
        fail(commands, place, &problem);
    }
}

int64_t commands_due_ns(const struct commands *commands)
{
    int64_t due_ns = CLOCK_NEVER;

    for (const struct commands_waiting *each = commands->first; each; each = each->next)
        if (each->deadline_ns < due_ns)
            due_ns = each->deadline_ns;
    return due_ns;
}

void commands_forget(struct commands *commands, const struct http_request *request)
{
    struct commands_waiting **place = &commands->first;

    while (*place && (*place)->request != request)
        place = &(*place)->next;
    if (*place)
        forget(commands, place);
}
