#include "control_desk.h"

#include "clock.h"
#include "control/command.h"
#include "control/lamport.h"
#include "control/members.h"
#include "gazette.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not more often is a status published, and none is made anew that says nothing new. */
#define STATUS_NS (100 * CLOCK_NS_PER_MS)

/* No command is longer, whatever later versions say in it. */
#define COMMAND_MOST_BYTES 8192

/* ---- opening and closing ---- */

/* What is logged while the desk is at work is about the desk, and would never end. */
static void hear(void *context, const struct log_heard *heard)
{
    struct control_desk *desk = context;

    if (desk->hears && desk->link.watched[CONTROL_LOG])
        gazette_hear(&desk->notices, heard);
}

int control_desk_open(struct control_desk *desk, const struct control_desk_settings *settings,
                      int64_t now_ns, struct why *why)
{
    desk->settings = *settings;
    desk->begun_ns = now_ns;
    desk->settings.steering->begun_ns = now_ns;
    desk->hears = true;
    snprintf(desk->from, sizeof desk->from, "%s",
             settings->broker->name + strlen(settings->topology->farm) + 1);
    int error =
        control_link_open(&desk->link, settings->broker, settings->topology, desk->from, why);
    if (error)
        return error;
    desk->open = true;
    if (!settings->nodes)
        log_listen(hear, desk);
    return 0;
}

void control_desk_close(struct control_desk *desk)
{
    if (desk->open && !desk->settings.nodes)
        log_listen(NULL, NULL);
    desk->open = false;
    control_link_close(&desk->link);
    snapshot_clear(&desk->snapshot);
    free(desk->text);
    desk->text = NULL;
}

/* ---- what goes out ---- */

static struct envelope begin_message(const struct control_desk *desk)
{
    struct envelope envelope = {.clock = lamport_send(log_clock())};

    snprintf(envelope.farm, sizeof envelope.farm, "%s", desk->settings.topology->farm);
    snprintf(envelope.from, sizeof envelope.from, "%s", desk->from);
    clock_stamp(envelope.time);
    return envelope;
}

static int64_t age_ms(const struct control_desk *desk, int64_t now_ns)
{
    return (now_ns - desk->begun_ns) / CLOCK_NS_PER_MS;
}

static int make_status(struct control_desk *desk, int64_t now_ns, const struct node_report *report)
{
    struct steering *steering = desk->settings.steering;
    struct status status = {.epoch = steering->epoch,
                            .sequence = steering_next_sequence(steering, age_ms(desk, now_ns)),
                            .age_s = (double)(now_ns - desk->begun_ns) / (double)CLOCK_NS_PER_S,
                            .limits = steering_limits(steering, age_ms(desk, now_ns))};
    struct envelope envelope = begin_message(desk);

    snprintf(status.state, sizeof status.state, "%s", desk->ending ? "draining" : "running");
    desk->settings.describe(desk->settings.leader, report, now_ns, &status);
    status.counters.untold_msgs = (int64_t)(desk->link.dropped_msgs + desk->notices.dropped);
    free(desk->text);
    desk->text = NULL;
    int error = snapshot_take(&desk->snapshot, report, now_ns, &status);
    if (!error)
        error = status_write(&envelope, &status, &desk->text, &desk->length);
    desk->made_ns = now_ns;
    desk->counts = report->counts;
    desk->outdated = error != 0;
    return error;
}

/* The last one does, as long as it is fresh and nothing has changed since. */
static int have_status(struct control_desk *desk, int64_t now_ns, const struct node_report *report)
{
    bool fresh = desk->text && !desk->outdated && now_ns < desk->made_ns + STATUS_NS;

    return fresh ? 0 : make_status(desk, now_ns, report);
}

static bool may_publish(const struct control_desk *desk)
{
    return desk->unpublished && control_link_watched(&desk->link, CONTROL_STATUS) &&
           !control_link_is_full(&desk->link);
}

static bool same(const struct worker_counts *a, const struct worker_counts *b)
{
    return a->starting == b->starting && a->running == b->running && a->draining == b->draining &&
           a->spawned == b->spawned && a->stopped == b->stopped && a->crashed == b->crashed;
}

static void publish_status(struct control_desk *desk, int64_t now_ns,
                           const struct node_report *report)
{
    if (!same(&desk->counts, &report->counts))
        desk->outdated = desk->unpublished = true;
    if (!may_publish(desk) || now_ns < desk->made_ns + STATUS_NS ||
        have_status(desk, now_ns, report))
        return;
    control_link_publish(&desk->link, CONTROL_STATUS, desk->text, desk->length);
    desk->unpublished = false;
}

static void answer(struct control_desk *desk, const struct control_message *message,
                   const struct command_answer *said)
{
    struct envelope envelope = begin_message(desk);
    char *text = NULL;
    size_t length;

    if (!command_write_answer(&envelope, said, &text, &length))
        control_link_answer(&desk->link, message, "answer", text, length);
    free(text);
}

void control_desk_decided(struct control_desk *desk)
{
    desk->outdated = desk->unpublished = true;
}

/* False when it could not be sent. */
static bool publish_notice(struct control_desk *desk, struct notices_event *event)
{
    char *text = NULL;
    size_t length;

    if (!notices_write(event, begin_message(desk), &text, &length))
        event->sequence = control_link_publish(&desk->link, CONTROL_LOG, text, length);
    free(text);
    return event->sequence > 0;
}

static void keep_promises(struct control_desk *desk)
{
    const struct command_answer done = {.outcome = COMMAND_DONE};
    struct promises *promises = desk->settings.promises;
    struct control_message message;

    while (promises && link_broker(&desk->link.link) && promises_keep(promises, &message))
        answer(desk, &message, &done);
}

void control_desk_tell(struct control_desk *desk)
{
    struct notices_event *event;

    if (!desk->open)
        return;
    desk->hears = false;
    keep_promises(desk);
    while (control_link_watched(&desk->link, CONTROL_LOG) && !control_link_is_full(&desk->link) &&
           (event = notices_next(&desk->notices)) && publish_notice(desk, event))
        ;
    control_link_flush(&desk->link);
    desk->hears = true;
}

void control_desk_leave(struct control_desk *desk)
{
    control_desk_tell(desk);
    if (desk->open)
        control_link_leave(&desk->link);
}

/* ---- what comes in ---- */

/* One that names another farm is an error, but where it was said to all farms. 0; 1: it is for
 * another; or -ERR_INVALID. */
static int check_farm(const struct control_desk *desk, const struct control_message *message,
                      const struct envelope *envelope, const struct command *command,
                      struct why *why)
{
    const char *farm = desk->settings.topology->farm;

    if (strcmp(envelope->farm, farm) == 0 ||
        (command->verb == COMMAND_STATUS && strcmp(envelope->farm, "*") == 0))
        return 0;
    return message->to_all
               ? 1
               : error_set(why, ERR_INVALID, "a command for the farm '%s'; this is '%s'",
                           envelope->farm, farm);
}

/* 0; 1: it is not for this farm; or an error with what was expected. */
static int read_command(const struct control_desk *desk, const struct control_message *message,
                        struct envelope *envelope, struct command *command, struct why *why)
{
    struct json_t *json;

    if (message->body.length > COMMAND_MOST_BYTES)
        return error_set(why, ERR_INVALID, "a command of %zu bytes; expected at most %d",
                         message->body.length, COMMAND_MOST_BYTES);
    int error = envelope_read(message->body.bytes, message->body.length, envelope, &json, why);
    if (error)
        return error;
    lamport_receive(log_clock(), envelope->clock);
    error = command_read(json, command, why);
    members_release(json);
    if (!error && message->asks && command->verb != COMMAND_STATUS)
        error = error_set(why, ERR_INVALID,
                          "a command where one may only ask; expected status, or the key "
                          "'" TOPOLOGY_KEY_COMMAND "' of the farm's own exchange");
    return error ? error : check_farm(desk, message, envelope, command, why);
}

static void answer_status(struct control_desk *desk, const struct control_message *message,
                          int64_t now_ns, const struct node_report *report)
{
    control_link_watch(&desk->link, now_ns);
    if (!have_status(desk, now_ns, report))
        control_link_answer(&desk->link, message, "status", desk->text, desk->length);
}

static struct steering_outcome carry_out(struct control_desk *desk, const struct command *command,
                                         const struct envelope *envelope, int64_t now_ns,
                                         const struct node_report *report)
{
    const struct promises *promises = desk->settings.promises;
    char now[ENVELOPE_TIME_SIZE];

    if (desk->ending)
        return (struct steering_outcome){
            .answer = {.outcome = COMMAND_REFUSED,
                       .reason = "the autoscaler has been told to end, and drains its workers"}};
    if (promises && promises_are_full(promises))
        return (struct steering_outcome){
            .answer = {.outcome = COMMAND_REFUSED,
                       .reason = "the farm's nodes have yet to be told of the commands before"}};
    clock_stamp(now);
    return steering_apply(desk->settings.steering, command, envelope, now, age_ms(desk, now_ns),
                          report);
}

/* Carries out what came; *changed says whether the limits or the worker to stop are others. */
static struct command_answer obey(struct control_desk *desk, const struct command *command,
                                  const struct envelope *envelope, int64_t now_ns,
                                  const struct node_report *report, bool *changed)
{
    struct steering_outcome outcome = carry_out(desk, command, envelope, now_ns, report);

    *changed = outcome.changed;
    desk->outdated |= outcome.changed;
    desk->unpublished |= outcome.changed;
    return outcome.answer;
}

/* Nothing that the farm says may be taken for an event. */
static bool may_answer(struct control_desk *desk, const struct control_message *message)
{
    struct broker_bytes to = {message->reply_to.bytes, message->reply_to.length};

    if (!topology_is_of_a_farm(to) && !topology_reserves(desk->settings.topology, to))
        return true;
    if (!desk->misused)
        log_event(LOG_WARN, "answer_withheld",
                  "queue=%.*s why=\"an answer there would be taken for an event or a result\"",
                  (int)to.length, to.bytes);
    desk->misused = true;
    return false;
}

/* What a step's commands come to. */
struct change {
    bool limits; /* they are others */
    bool stop;   /* a worker is to stop, which the node must be told before the next */
    char by[ENVELOPE_FROM_SIZE]; /* who said so */
};

static void drain(struct control_desk *desk, const struct command *command,
                  const struct envelope *envelope)
{
    bool drained = command->verb == COMMAND_DRAIN;

    desk->settings.drain(desk->settings.nodes, command->node, drained);
    desk->hears = true;
    log_event(LOG_INFO, "node_drained", "node=%s drained=%s by=%s", command->node,
              drained ? "true" : "false", envelope->from);
    desk->hears = false;
}

static void take(struct control_desk *desk, const struct control_message *message, int64_t now_ns,
                 const struct node_report *report, struct change *change)
{
    struct envelope envelope;
    struct command command;
    struct command_answer said = {.outcome = COMMAND_MALFORMED};
    struct why why = {0};
    bool changed = false;
    int error = read_command(desk, message, &envelope, &command, &why);

    if (error > 0 || !may_answer(desk, message))
        return;
    if (!error && command.verb == COMMAND_STATUS) {
        answer_status(desk, message, now_ns, report);
        return;
    }
    if (error)
        snprintf(said.reason, sizeof said.reason, "%.250s", why.text);
    else
        said = obey(desk, &command, &envelope, now_ns, report, &changed);
    if (desk->settings.promises && said.outcome == COMMAND_DONE)
        promises_add(desk->settings.promises, message);
    else
        answer(desk, message, &said);
    if (!changed)
        return;
    change->stop |= command.verb == COMMAND_STOP;
    change->limits |= command.verb < COMMAND_STOP;
    if (command.verb >= COMMAND_DRAIN)
        drain(desk, &command, &envelope);
    snprintf(change->by, sizeof change->by, "%s", envelope.from);
}

static void log_change(const struct control_desk *desk, const struct change *change)
{
    const struct steering *steering = desk->settings.steering;
    const struct policy_params *params = &steering->params;
    char replicas[16] = "none";

    if (change->stop)
        log_event(LOG_INFO, "worker_told_to_stop", "worker=%d slot=%u by=%s", steering->stop_pid,
                  steering->stop_slot, change->by);
    if (!change->limits)
        return;
    if (params->replicas >= 0)
        snprintf(replicas, sizeof replicas, "%.0f", params->replicas);
    log_event(LOG_INFO, "limits_changed", "min=%u max=%u paused=%s replicas=%s by=%s",
              params->min_workers, params->max_workers, params->paused > 0 ? "true" : "false",
              replicas, steering->by);
}

void control_desk_limit(struct control_desk *desk, const struct policy_params *before,
                        const struct policy_params *after, int64_t now_ns)
{
    char now[ENVELOPE_TIME_SIZE];

    clock_stamp(now);
    steering_reconfigure(desk->settings.steering, before, after, now, age_ms(desk, now_ns));
    desk->outdated = desk->unpublished = true;
    log_change(desk, &(struct change){.limits = true});
}

bool control_desk_step(struct control_desk *desk, int64_t now_ns, bool ending,
                       const struct node_report *report)
{
    struct control_message message;
    struct change change = {0};

    if (!desk->open)
        return false;
    desk->ending = ending;
    /* Whoever takes the farm over when the lock was lost is then asked alone. */
    if (ending)
        link_retire(&desk->link.link);
    desk->hears = false;
    if (control_link_step(&desk->link, now_ns)) {
        control_desk_decided(desk);
        notices_reconnected(&desk->notices);
    }
    while (!change.stop && control_link_next(&desk->link, now_ns, &message))
        take(desk, &message, now_ns, report, &change);
    notices_arrived(&desk->notices, desk->link.arrived);
    desk->goes_on = change.stop;
    /* The decision that follows from other limits is told with them. */
    if (!change.limits)
        publish_status(desk, now_ns, report);
    desk->hears = true;
    log_change(desk, &change);
    return change.limits;
}

int64_t control_desk_due_ns(const struct control_desk *desk, int64_t now_ns)
{
    if (!desk->open)
        return CLOCK_NEVER;
    int64_t due_ns = control_link_due_ns(&desk->link, now_ns);
    if (desk->goes_on)
        return now_ns;
    if (may_publish(desk) && desk->made_ns + STATUS_NS < due_ns)
        due_ns = desk->made_ns + STATUS_NS;
    return due_ns;
}

size_t control_desk_poll(const struct control_desk *desk, struct pollfd *fds)
{
    return desk->open ? control_link_poll(&desk->link, fds) : 0;
}
