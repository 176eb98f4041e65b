#include "trials.h"

#include "clock.h"
#include "session.h"

#include <string.h>

/* The others get as much time as a loss took, and so much at least; more, in proportion, when more
 * than two workers run. */
#define OTHERS_LEAST_NS (150 * CLOCK_NS_PER_MS)
#define OTHERS_MOST_NS  (2 * CLOCK_NS_PER_S)

/* So much of that they may have had before the loss: a single guilty event is tried at once. */
#define OTHERS_AHEAD_NS (600 * CLOCK_NS_PER_MS)

#define ASIDE_NS (1 * CLOCK_NS_PER_S)

void trials_init(struct trials *trials)
{
    *trials = (struct trials){0};
    inbox_init(&trials->waiting);
    inbox_init(&trials->aside);
}

void trials_forget(struct trials *trials)
{
    inbox_clear(&trials->waiting);
    inbox_clear(&trials->aside);
}

void trials_lost(struct trials *trials, int64_t now_ns)
{
    trials->lost_ns = now_ns;
    trials->failed = trials->tried;
}

void trials_reconnected(struct trials *trials, size_t workers, int64_t now_ns)
{
    if (!trials->lost_ns)
        return;
    int64_t pause_ns = now_ns - trials->lost_ns;
    if (pause_ns < OTHERS_LEAST_NS)
        pause_ns = OTHERS_LEAST_NS;
    if (workers > 2)
        pause_ns = pause_ns * (int64_t)workers / 2;
    if (pause_ns > OTHERS_MOST_NS)
        pause_ns = OTHERS_MOST_NS;
    if (trials->from_ns < now_ns - OTHERS_AHEAD_NS)
        trials->from_ns = now_ns - OTHERS_AHEAD_NS;
    trials->from_ns += pause_ns;
    trials->lost_ns = 0;
}

/* ---- the order of trials ---- */

/* Where the answer to the event goes; empty when that cannot be told. */
static struct broker_bytes queue_of(struct session *session, const struct delivery *delivery)
{
    struct broker_properties *properties = session->answerer.back_properties;

    return broker_properties_decode(properties, delivery->raw_properties)
               ? (struct broker_bytes){0}
               : answer_queue(&session->answerer, properties);
}

static uint32_t suspicion(struct session *session, const struct delivery *delivery)
{
    const struct trials_queue *failed = &session->trials.failed;
    struct broker_bytes queue = queue_of(session, delivery);
    bool alike = queue.length && queue.length == failed->length &&
                 !memcmp(queue.bytes, failed->name, failed->length);

    return 2 * scoreboard_look_up(session->scoreboard, delivery->fingerprint).attempts + alike;
}

/* Takes out the first of the least or the last of the most suspicious. */
static struct delivery *take(struct session *session, bool most)
{
    struct inbox *waiting = &session->trials.waiting;
    struct delivery *chosen = NULL;
    uint32_t chosen_suspicion = 0;

    for (struct delivery *each = waiting->first; each; each = each->next) {
        uint32_t its = suspicion(session, each);
        if (!chosen || (most ? its >= chosen_suspicion : its < chosen_suspicion)) {
            chosen = each;
            chosen_suspicion = its;
        }
    }
    return inbox_take_out(waiting, chosen);
}

void trials_put(struct session *session, struct delivery *delivery, int64_t now_ns)
{
    struct trials *trials = &session->trials;

    unacked_leave_out(&session->unacked, delivery);
    inbox_put(&trials->waiting, delivery);
    if (trials->waiting.count <= TRIALS_MOST)
        return;
    delivery = delivery_keep_tag(take(session, true));
    delivery->due_ns = now_ns + ASIDE_NS;
    inbox_put(&trials->aside, delivery);
}

struct delivery *trials_take(struct session *session)
{
    struct trials_queue *tried = &session->trials.tried;
    struct delivery *delivery = take(session, false);
    struct broker_bytes queue = queue_of(session, delivery);

    tried->length = (uint8_t)queue.length;
    if (queue.length)
        memcpy(tried->name, queue.bytes, queue.length);
    return delivery;
}

int64_t trials_due_ns(const struct trials *trials)
{
    return trials->waiting.first ? trials->from_ns : CLOCK_NEVER;
}

/* ---- back to the queue ---- */

static int give_back(struct session *session, struct inbox *inbox, struct why *why)
{
    struct delivery *delivery = inbox_take(inbox);
    int error = unacked_give_back(&session->unacked, session->broker, delivery, why);

    delivery_free(delivery);
    return error;
}

int trials_step(struct session *session, int64_t now_ns, int64_t *until_ns, struct why *why)
{
    struct inbox *waiting = &session->trials.waiting, *aside = &session->trials.aside;
    bool others =
        session->draining || (session->takes_long && consumer_is_stopped(&session->consumer));
    int error = 0;

    while (!error && others && waiting->first)
        error = give_back(session, waiting, why);
    while (!error && aside->first && (others || aside->first->due_ns <= now_ns))
        error = give_back(session, aside, why);
    if (aside->first && aside->first->due_ns < *until_ns)
        *until_ns = aside->first->due_ns;
    return error;
}
