#include "refusals.h"

#include "clock.h"
#include "log.h"
#include "session.h"

#define LOG_PAUSE_NS      (1 * CLOCK_NS_PER_S)
#define DEAD_LOG_PAUSE_NS (60 * CLOCK_NS_PER_S)

/* How long an event is set aside at most. */
#define ASIDE_NS (60 * CLOCK_NS_PER_S)

/* What the farm's own queue refuses for so long goes back all the same: the broker closes the
 * connection of a worker that holds an event for longer than its consumer_timeout, 30 minutes. */
#define LONGEST_NS (10 * 60 * CLOCK_NS_PER_S)

#define FOLLOW_EACH_TAKEN 2

void refusals_init(struct refusals *refusals)
{
    *refusals = (struct refusals){
        .results_log = {.pause_ns = LOG_PAUSE_NS},
        .dead_log = {.pause_ns = DEAD_LOG_PAUSE_NS},
    };
    for (int by = 0; by < REFUSALS_KINDS; by++)
        inbox_init(&refusals->aside[by]);
}

void refusals_forget(struct refusals *refusals)
{
    for (int by = 0; by < REFUSALS_KINDS; by++) {
        waiting_clear(&refusals->waiting[by]);
        inbox_clear(&refusals->aside[by]);
        refusals->again_until[by] = 0;
        refusals->followers[by] = 0;
    }
}

size_t refusals_aside(const struct refusals *refusals)
{
    return refusals->aside[REFUSALS_BY_RESULTS].count + refusals->aside[REFUSALS_BY_DEAD].count;
}

static enum refusals_by refused_by(const struct session *session, const struct delivery *delivery)
{
    if (delivery->dead_reason)
        return REFUSALS_BY_DEAD;
    return topology_is_results(session->topology, delivery->queue) ? REFUSALS_BY_RESULTS
                                                                   : REFUSALS_BY_CLIENT;
}

/* ---- waiting, and its end ---- */

static void set_aside(struct session *session, enum refusals_by by, struct delivery *delivery,
                      int64_t now_ns)
{
    delivery = delivery_keep_tag(delivery);
    delivery->due_ns = now_ns + ASIDE_NS;
    inbox_put(&session->refusals.aside[by], delivery);
}

/* What has become of the event's answer once more. */
static int answered(struct session *session, struct delivery *delivery, int answer, int64_t now_ns,
                    struct why *why)
{
    if (answer >= 0)
        return unacked_answered(&session->unacked, session->broker, delivery, (enum answer)answer,
                                now_ns, why);
    delivery_free(delivery);
    return answer;
}

/* It has waited enough. */
static int give_up(struct session *session, enum refusals_by by, struct delivery *delivery,
                   int64_t now_ns, struct why *why)
{
    if (by != REFUSALS_BY_CLIENT) {
        set_aside(session, by, delivery, now_ns);
        return 0;
    }
    refusal_log_given_up(&session->refusals.results_log, delivery->queue);
    delivery->refusals = 0;
    delivery->since_ns = 0;
    return answered(session, delivery, answer_refused(&session->answerer, delivery, why), now_ns,
                    why);
}

static bool has_waited_enough(const struct refusals *refusals, enum refusals_by by,
                              const struct delivery *delivery, int64_t now_ns)
{
    return by == REFUSALS_BY_CLIENT
               ? delivery->refusals >= refusals->max_attempts
               : delivery->since_ns && now_ns - delivery->since_ns >= LONGEST_NS;
}

int refusals_take(struct session *session, struct delivery *delivery, int64_t now_ns,
                  struct why *why)
{
    struct refusals *refusals = &session->refusals;
    enum refusals_by by = refused_by(session, delivery);
    struct waiting *waiting = &refusals->waiting[by];

    if (by == REFUSALS_BY_DEAD)
        refusal_log_add(&refusals->dead_log, broker_text(session->topology->dead));
    else
        refusal_log_add(&refusals->results_log, delivery->queue);
    if (has_waited_enough(refusals, by, delivery, now_ns))
        return give_up(session, by, delivery, now_ns, why);
    if (refusals->followers[by]) {
        refusals->followers[by]--;
        delivery->refusals = 0;
    }
    waiting_put(waiting, delivery, now_ns);
    return waiting->count > REFUSALS_MOST
               ? give_up(session, by, waiting_take_oldest(waiting), now_ns, why)
               : 0;
}

/* ---- set aside ---- */

bool refusals_set_aside(struct session *session, struct delivery *delivery, int64_t now_ns)
{
    struct broker_properties *properties = session->answerer.back_properties;

    if (session->refusals.waiting[REFUSALS_BY_RESULTS].count < REFUSALS_MOST ||
        broker_properties_decode(properties, delivery->raw_properties) ||
        !topology_is_results(session->topology, answer_queue(&session->answerer, properties)))
        return false;
    unacked_leave_out(&session->unacked, delivery);
    set_aside(session, REFUSALS_BY_RESULTS, delivery, now_ns);
    return true;
}

static int give_back_first(struct session *session, struct inbox *aside, struct why *why)
{
    struct delivery *delivery = inbox_take(aside);
    int error = unacked_give_back(&session->unacked, session->broker, delivery, why);

    delivery_free(delivery);
    return error;
}

/* Whether of the messages that were published again some are neither taken nor refused yet. */
static bool are_on_their_way(const struct session *session, enum refusals_by by)
{
    const struct window *window = &session->unacked.window;

    return window->count && session->refusals.again_until[by] >= window->first_sequence;
}

static bool keeps(const struct session *session, enum refusals_by by)
{
    const struct refusals *refusals = &session->refusals;

    return refusals->waiting[by].count || refusals->aside[by].count ||
           are_on_their_way(session, by);
}

bool refusals_keep(const struct session *session)
{
    return keeps(session, REFUSALS_BY_RESULTS) || keeps(session, REFUSALS_BY_DEAD);
}

int refusals_taken(struct session *session, const struct delivery *delivery, int64_t now_ns,
                   struct why *why)
{
    enum refusals_by by = refused_by(session, delivery);
    struct refusals *refusals = &session->refusals;
    int error = 0;

    for (int i = 0; !error && by != REFUSALS_BY_CLIENT && i < FOLLOW_EACH_TAKEN; i++) {
        if (waiting_hasten(&refusals->waiting[by], now_ns))
            continue;
        if (refusals->aside[by].first)
            error = give_back_first(session, &refusals->aside[by], why);
        else if (are_on_their_way(session, by) && refusals->followers[by] < REFUSALS_MOST)
            refusals->followers[by]++;
    }
    return error;
}

/* ---- what the time makes due ---- */

static int step_kind(struct session *session, enum refusals_by by, int64_t now_ns,
                     int64_t *until_ns, struct why *why)
{
    struct waiting *waiting = &session->refusals.waiting[by];
    struct inbox *aside = &session->refusals.aside[by];
    bool may_publish = session->may_publish && !handling_wants_quiet(&session->handling);
    struct delivery *delivery;
    int error = 0;

    while (!error && aside->first && (session->draining || aside->first->due_ns <= now_ns))
        error = give_back_first(session, aside, why);
    while (!error && may_publish && (delivery = waiting_take_due(waiting, now_ns))) {
        error = answered(session, delivery, answer_again(&session->answerer, delivery, why), now_ns,
                         why);
        session->refusals.again_until[by] = window_last(&session->unacked.window);
    }
    int64_t due_ns = may_publish ? waiting_due_ns(waiting) : CLOCK_NEVER;
    if (aside->first && aside->first->due_ns < due_ns)
        due_ns = aside->first->due_ns;
    *until_ns = due_ns < *until_ns ? due_ns : *until_ns;
    return error;
}

static void tell(struct refusals *refusals, int64_t now_ns, int64_t *until_ns)
{
    struct refusal_log *results = &refusals->results_log, *dead = &refusals->dead_log;

    if (refusal_log_is_due(results, now_ns, until_ns)) {
        log_event(LOG_WARN, "result_refused", "queue=\"%s\" results=%zu dead=%zu others=%zu",
                  results->queue, results->refused, results->given_up, results->others);
        refusal_log_written(results, clock_now_ns());
    }
    if (refusal_log_is_due(dead, now_ns, until_ns)) {
        log_event(LOG_WARN, "dead_refused", "queue=\"%s\" messages=%zu", dead->queue,
                  dead->refused);
        refusal_log_written(dead, clock_now_ns());
    }
}

int refusals_step(struct session *session, int64_t now_ns, int64_t *until_ns, struct why *why)
{
    int error = 0;

    for (int by = 0; !error && by < REFUSALS_KINDS; by++)
        error = step_kind(session, (enum refusals_by)by, now_ns, until_ns, why);
    tell(&session->refusals, now_ns, until_ns);
    return error;
}

int refusals_give_back_waiting(struct session *session, size_t *given, struct why *why)
{
    struct delivery *delivery;
    int error = 0;

    for (int by = 0; !error && by < REFUSALS_KINDS; by++)
        while (!error && (delivery = waiting_take_oldest(&session->refusals.waiting[by]))) {
            error = unacked_give_back(&session->unacked, session->broker, delivery, why);
            delivery_free(delivery);
            (*given)++;
        }
    return error;
}
