#include "sampler.h"

#include "backlog_probe.h"
#include "clock.h"
#include "destroyed_notice.h"
#include "log.h"

#include <math.h>
#include <stdlib.h>

struct sampler {
    const struct sampler_settings *settings;
    struct arrival_counter counter;
    struct backlog_probe probe;
    struct destroyed_notice notice;
    bool declared; /* the farm is there, so that the count queue can be bound */
    bool waiting;  /* on standby, for the lock */
    bool ready;
    int fault;
    struct why why;
};

int sampler_open(const struct sampler_settings *settings, struct sampler **out, struct why *why)
{
    struct sampler *sampler = calloc(1, sizeof *sampler);
    if (!sampler)
        return error_set(why, ERR_MEMORY, "out of memory");

    sampler->settings = settings;
    sampler->notice =
        (struct destroyed_notice){.options = settings->broker, .topology = settings->topology};
    int error = backlog_probe_open(&sampler->probe, settings->broker, settings->topology, why);
    if (!error)
        error = arrival_counter_open(&sampler->counter, settings->broker, settings->topology,
                                     settings->counting, why);
    if (error) {
        sampler_close(sampler);
        return error;
    }
    *out = sampler;
    return 0;
}

void sampler_close(struct sampler *sampler)
{
    if (!sampler)
        return;
    arrival_counter_close(&sampler->counter);
    backlog_probe_close(&sampler->probe);
    destroyed_notice_clear(&sampler->notice);
    free(sampler);
}

void sampler_leave(struct sampler *sampler)
{
    link_leave(&sampler->probe.link);
    link_leave(&sampler->counter.link);
}

bool sampler_has_left(const struct sampler *sampler)
{
    return link_has_left(&sampler->probe.link) && link_has_left(&sampler->counter.link);
}

/* ---- connecting ---- */

static void fail(struct sampler *sampler, const struct link *link)
{
    sampler->fault = connection_too_late(link->connection, &sampler->why);
}

/* Before it is ready: what the connections' errors mean. */
static void judge_first(struct sampler *sampler, const struct link *link, int64_t now_ns)
{
    int error = link->error;
    bool may_wait = error == -ERR_LOCKED && sampler->settings->standby;
    bool foreign = sampler->settings->topology->foreign;
    bool away = error == -ERR_UNAVAILABLE || (foreign && error == -ERR_MISSING) ||
                (sampler->waiting && (error == -ERR_MISSING || error == -ERR_LOCKED));

    if (may_wait && !sampler->waiting) {
        sampler->waiting = true;
        log_event(LOG_INFO, "standby", "farm=%s why=\"another autoscaler runs it\"",
                  sampler->settings->topology->farm);
    }
    if (may_wait || link_broker(link))
        return;
    /* An attempt that is under way at the deadline is not waited for. */
    bool late = !sampler->waiting && now_ns >= sampler->settings->deadline_ns;
    if (late || (error && !away))
        fail(sampler, link);
}

static void judge(struct sampler *sampler, int64_t now_ns)
{
    if (sampler->ready) {
        if (farm_lock_is_another(&sampler->counter.lock, now_ns))
            sampler->fault =
                error_set(&sampler->why, ERR_LOCKED,
                          "another autoscaler has taken over the farm '%s' while the connection "
                          "was lost",
                          sampler->settings->topology->farm);
        return;
    }
    judge_first(sampler, &sampler->probe.link, now_ns);
    if (!sampler->fault)
        judge_first(sampler, &sampler->counter.link, now_ns);
    sampler->ready =
        !sampler->fault && link_broker(&sampler->probe.link) && link_broker(&sampler->counter.link);
}

static void take_entities(struct sampler *sampler, enum backlog_entities entities)
{
    if (entities == BACKLOG_UNCHANGED)
        return;
    sampler->declared = true;
    if (entities == BACKLOG_BOUND) {
        arrival_counter_bind(&sampler->counter);
        if (sampler->probe.destroyed && sampler->ready)
            destroyed_notice_begin(&sampler->notice);
        sampler->probe.destroyed = false;
    } else {
        sampler->counter.interrupted = true; /* until the count queue is bound again */
    }
}

int64_t sampler_step(struct sampler *sampler, int64_t now_ns)
{
    enum backlog_entities entities;

    /* Whoever has the lock sees to the entities, and tells what was deleted. On standby they are
     * asked for only when the lock cannot be taken for want of them. */
    sampler->probe.checks = sampler->ready || sampler->counter.link.error == -ERR_MISSING;
    int64_t wake_ns = backlog_probe_step(&sampler->probe, now_ns, &entities);

    take_entities(sampler, entities);
    if (sampler->declared) {
        int64_t counter_ns = arrival_counter_step(&sampler->counter, now_ns);
        wake_ns = counter_ns < wake_ns ? counter_ns : wake_ns;
    }
    int64_t notice_ns = destroyed_notice_step(&sampler->notice, now_ns);
    wake_ns = notice_ns < wake_ns ? notice_ns : wake_ns;
    if (!sampler->fault)
        judge(sampler, now_ns);
    return wake_ns;
}

size_t sampler_poll(const struct sampler *sampler, struct pollfd fds[SAMPLER_FDS])
{
    size_t count = backlog_probe_poll(&sampler->probe, fds);

    if (sampler->declared)
        count += arrival_counter_poll(&sampler->counter, fds + count);
    return count + destroyed_notice_poll(&sampler->notice, fds + count);
}

int64_t sampler_away_since_ns(const struct sampler *sampler)
{
    int64_t probe_ns = connection_away_since_ns(sampler->probe.link.connection);
    int64_t counter_ns = connection_away_since_ns(sampler->counter.link.connection);

    return probe_ns < counter_ns ? probe_ns : counter_ns;
}

bool sampler_is_ready(const struct sampler *sampler)
{
    return sampler->ready;
}

int sampler_fault(const struct sampler *sampler, struct why *why)
{
    if (sampler->fault)
        *why = sampler->why;
    return sampler->fault;
}

void sampler_retire(struct sampler *sampler)
{
    link_retire(&sampler->probe.link);
    link_retire(&sampler->counter.link);
    destroyed_notice_clear(&sampler->notice);
}

/* ---- measuring ---- */

void sampler_begin(struct sampler *sampler, int64_t now_ns)
{
    arrival_counter_begin(&sampler->counter, now_ns, false);
    sampler->probe.question.answered = false;
}

void sampler_ask_ready(struct sampler *sampler)
{
    backlog_probe_ask(&sampler->probe);
}

void sampler_ask(struct sampler *sampler)
{
    backlog_probe_ask(&sampler->probe);
    arrival_counter_ask(&sampler->counter);
}

bool sampler_answered(const struct sampler *sampler)
{
    return !sampler->counter.question.outstanding && !sampler->probe.question.outstanding;
}

bool sampler_look(struct sampler *sampler, uint32_t *consumers)
{
    bool looked = sampler->probe.looked;

    sampler->probe.looked = false;
    *consumers = sampler->probe.question.answer.consumers;
    return looked;
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

/* An answer may have come after the caller looked at the clock. */
static double age_s(int64_t answered_ns, int64_t now_ns)
{
    return answered_ns < now_ns ? seconds(now_ns - answered_ns) : 0;
}

struct sampler_sample sampler_peek(struct sampler *sampler, bool consumed, int64_t now_ns)
{
    const struct arrival_counter *counter = &sampler->counter;
    const struct question *ready = &sampler->probe.question;
    bool known = backlog_probe_knows(&sampler->probe, consumed, now_ns);
    bool uncounted = !topology_counts(sampler->settings->topology);
    int64_t taken_ns = uncounted ? 0 : arrival_counter_taken_ns(counter);

    return (struct sampler_sample){
        .interval_s = seconds(now_ns - counter->since_ns),
        .arrived_msgs = counter->interrupted || uncounted ? (double)NAN : counter->arrived_msgs,
        .arrival_per_s = NAN,
        .uncounted = uncounted,
        .ready_msgs = known ? (double)ready->answer.ready_msgs : (double)NAN,
        .most_ready_msgs = known ? sampler->probe.most_ready_msgs : (double)NAN,
        .consumers = known ? (double)ready->answer.consumers : (double)NAN,
        .arrival_age_s = taken_ns > 0 ? age_s(taken_ns, now_ns) : (double)NAN,
        .ready_age_s = known ? age_s(ready->answered_ns, now_ns) : (double)NAN,
    };
}

struct sampler_sample sampler_read(struct sampler *sampler, bool consumed, int64_t now_ns)
{
    struct sampler_sample sample = sampler_peek(sampler, consumed, now_ns);
    struct arrival_counter *counter = &sampler->counter;
    bool exact = !sample.uncounted && !counter->interrupted && counter->question.answered;

    if (!exact)
        sample.arrived_msgs = NAN;
    else if (sample.interval_s > 0)
        sample.arrival_per_s = sample.arrived_msgs / sample.interval_s;
    sample.arrival_age_s = exact ? age_s(counter->question.answered_ns, now_ns) : (double)NAN;
    /* What comes with the first late answer is of both intervals. From then on each is later by the
     * same. */
    bool late = counter->question.outstanding && !counter->question.answered;
    arrival_counter_begin(counter, now_ns, !link_broker(&counter->link) || late);
    sampler->probe.question.answered = false;
    sampler->probe.most_ready_msgs = 0;
    return sample;
}
