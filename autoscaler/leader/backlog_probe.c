#include "backlog_probe.h"

#include "clock.h"
#include "log.h"

#include <math.h>
#include <string.h>

/* The entities are asked for this often. */
#define CHECK_NS CLOCK_NS_PER_S

static int set_up(const void *context, struct broker *broker, struct why *why)
{
    int error = topology_declare(context, broker, why);

    return error ? error : topology_refuse_stream(context, broker, why);
}

int backlog_probe_open(struct backlog_probe *probe, const struct broker_options *options,
                       const struct topology *topology, struct why *why)
{
    *probe = (struct backlog_probe){.topology = *topology};
    const struct connection_settings settings = {.broker = *options,
                                                 .set_up = set_up,
                                                 .context = &probe->topology,
                                                 .context_bytes = sizeof probe->topology,
                                                 .missing_pause_ns =
                                                     topology_missing_pause_ns(topology)};
    return link_open(&probe->link, &settings, "backlog", why);
}

void backlog_probe_close(struct backlog_probe *probe)
{
    link_close(&probe->link);
}

static void lose(struct backlog_probe *probe, int error, const struct why *why)
{
    link_lost(&probe->link, error, why);
    probe->question = (struct question){0};
    probe->looked = probe->checking = false;
    probe->leaderless.since_ns = 0;
}

/* Something was deleted: the next connection declares it anew, or waits for it. */
static void lose_entity(struct backlog_probe *probe, const struct why *why)
{
    log_event(LOG_WARN, "entity_missing", "why=\"%s\" doing=\"%s\"", why->text,
              probe->topology.foreign ? "waiting for it" : "declaring it anew");
    probe->destroyed |= topology_lost_events(&probe->topology, why);
    probe->link.error = -ERR_MISSING; /* so that it is not logged once more as a lost connection */
    lose(probe, -ERR_MISSING, why);
}

static bool is_work_queue(const struct backlog_probe *probe, struct broker_bytes name)
{
    return name.length == strlen(probe->topology.work) &&
           memcmp(name.bytes, probe->topology.work, name.length) == 0;
}

static enum backlog_entities take(struct backlog_probe *probe, struct broker *broker)
{
    enum backlog_entities entities = BACKLOG_UNCHANGED;
    struct broker_event event;
    struct why why = {0};
    int got;

    while ((got = broker_next(broker, &event, &why)) == 1) {
        if (event.type != BROKER_QUEUE_STATE || !is_work_queue(probe, event.text))
            continue;
        connection_mark_useful(probe->link.connection);
        question_answer(&probe->question, event.state, clock_now_ns());
        probe->looked = true;
        probe->most_ready_msgs = fmax(probe->most_ready_msgs, event.state.ready_msgs);
        /* The work queue's state is the last of a check's answers: everything is there. */
        if (probe->checking)
            entities = BACKLOG_BOUND;
        probe->checking = false;
    }
    if (got == -ERR_MISSING) {
        lose_entity(probe, &why);
        return BACKLOG_MISSING;
    }
    if (got < 0)
        lose(probe, got, &why);
    return entities;
}

/* Asks whether everything is still there and bound. */
static void check_entities(struct backlog_probe *probe, int64_t now_ns)
{
    struct broker *broker = link_broker(&probe->link);
    struct why why = {0};

    if (!broker || !probe->checks || now_ns < probe->check_ns || probe->question.outstanding)
        return;
    probe->check_ns = now_ns + CHECK_NS;
    probe->checking = true;
    probe->question.outstanding = true; /* the work queue's state is among the answers */
    int error = topology_check(&probe->topology, broker, &why);
    if (error)
        lose(probe, error, &why);
}

int64_t backlog_probe_step(struct backlog_probe *probe, int64_t now_ns,
                           enum backlog_entities *entities)
{
    bool opened = link_step(&probe->link, now_ns);
    struct broker *broker = link_broker(&probe->link);

    *entities = broker ? take(probe, broker) : BACKLOG_UNCHANGED;
    if (opened && *entities == BACKLOG_UNCHANGED)
        *entities = BACKLOG_BOUND;
    check_entities(probe, now_ns);
    int64_t due_ns = link_due_ns(&probe->link);
    if (link_broker(&probe->link) && probe->checks && !probe->question.outstanding &&
        probe->check_ns < due_ns)
        due_ns = probe->check_ns;
    return due_ns;
}

size_t backlog_probe_poll(const struct backlog_probe *probe, struct pollfd *fds)
{
    return link_poll(&probe->link, fds);
}

void backlog_probe_ask(struct backlog_probe *probe)
{
    struct broker *broker = link_broker(&probe->link);
    struct why why = {0};

    if (!broker || probe->question.outstanding)
        return;
    probe->question.outstanding = true;
    int error = broker_ask_queue(broker, probe->topology.work, &why);
    if (error)
        lose(probe, error, &why);
}

bool backlog_probe_knows(struct backlog_probe *probe, bool consumed, int64_t now_ns)
{
    return probe->question.answered &&
           (!topology_may_be_quorum(&probe->topology) ||
            leaderless_believes(&probe->leaderless, probe->topology.work, probe->question.answer,
                                consumed, now_ns));
}
