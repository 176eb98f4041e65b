#include "unacked.h"

#include "clock.h"

/* One acknowledgement serves this many events, unless they have waited this long or nothing else is
 * to do. */
#define BATCH_MSGS 50
#define DELAY_NS   (5 * CLOCK_NS_PER_MS)

static void tell(const struct unacked *unacked)
{
    scoreboard_set_in_flight(unacked->slot, unacked->count);
}

void unacked_init(struct unacked *unacked, struct scoreboard *scoreboard,
                  struct scoreboard_slot *slot)
{
    *unacked = (struct unacked){.scoreboard = scoreboard, .slot = slot};
}

void unacked_add(struct unacked *unacked, uint64_t delivery_tag)
{
    unacked->count++;
    unacked->last_tag = delivery_tag;
    tell(unacked);
}

void unacked_consumer_began(struct unacked *unacked)
{
    unacked->former_tag = unacked->last_tag;
    unacked->left_out_now = 0;
}

int unacked_published(struct unacked *unacked, struct delivery *delivery, struct why *why)
{
    if (!window_add(&unacked->window, delivery))
        return 0;
    delivery_free(delivery);
    return error_set(why, ERR_MEMORY, "out of memory");
}

bool unacked_is_quiet(const struct unacked *unacked)
{
    return !unacked->window.count && !unacked->settled;
}

/* An event that is answered is nobody's failure any more. */
static void forgive(const struct unacked *unacked, const struct broker_event *event)
{
    const struct delivery *delivery;

    for (uint64_t each = event->multiple ? 0 : event->tag;
         (delivery = window_pending(&unacked->window, &each)) && each <= event->tag; each++)
        scoreboard_forgive(unacked->scoreboard, delivery->fingerprint);
}

void unacked_confirmed(struct unacked *unacked, const struct broker_event *event)
{
    forgive(unacked, event);
    window_confirm(&unacked->window, event->tag, event->multiple);
    unacked->news = true;
}

/* ---- out of the order ---- */

void unacked_leave_out(struct unacked *unacked, struct delivery *delivery)
{
    if (delivery->left_out)
        return;
    delivery->left_out = true;
    if (!unacked->left_out++ || delivery->tag < unacked->first_left_out)
        unacked->first_left_out = delivery->tag;
    if (delivery->tag > unacked->former_tag)
        unacked->left_out_now++;
}

/* The event is the broker's again, or nobody's. */
static void end(struct unacked *unacked, const struct delivery *delivery)
{
    unacked->count--;
    tell(unacked);
    if (delivery->left_out) {
        unacked->left_out--;
        if (delivery->tag > unacked->former_tag)
            unacked->left_out_now--;
    }
}

static struct delivery *take_out(struct unacked *unacked, uint64_t sequence)
{
    struct delivery *delivery = window_take_out(&unacked->window, sequence);

    unacked->news = true;
    if (delivery)
        unacked_leave_out(unacked, delivery);
    return delivery;
}

struct delivery *unacked_refused(struct unacked *unacked, const struct broker_event *event,
                                 uint64_t *sequence)
{
    uint64_t refused = event->multiple ? *sequence : event->tag;

    if (window_pending(&unacked->window, &refused) && refused <= event->tag) {
        *sequence = refused;
        return take_out(unacked, refused);
    }
    /* What is left are messages that answer no event. */
    window_confirm(&unacked->window, event->tag, event->multiple);
    unacked->news = true;
    return NULL;
}

struct delivery *unacked_returned(struct unacked *unacked, uint64_t sequence)
{
    return take_out(unacked, sequence);
}

int unacked_give_back(struct unacked *unacked, struct broker *broker,
                      const struct delivery *delivery, struct why *why)
{
    end(unacked, delivery);
    return broker_requeue(broker, delivery->tag, false, why);
}

/* ---- acknowledging ---- */

/* Nothing is left to do for the event but to acknowledge it. */
static int settle(struct unacked *unacked, struct broker *broker, struct delivery *delivery,
                  int64_t now_ns, struct why *why)
{
    int error = 0;

    if (unacked->left_out && delivery->tag >= unacked->first_left_out) {
        end(unacked, delivery);
        error = broker_ack(broker, delivery->tag, false, why);
    } else {
        if (!unacked->settled++)
            unacked->settled_since_ns = now_ns;
        unacked->settled_tag = delivery->tag;
    }
    delivery_free(delivery);
    return error;
}

/* Events before it wait for their confirms: it is acknowledged alone. */
static int settle_alone(struct unacked *unacked, struct broker *broker, struct delivery *delivery,
                        bool reject, struct why *why)
{
    end(unacked, delivery);
    int error = reject ? broker_reject(broker, delivery->tag, why)
                       : broker_ack(broker, delivery->tag, false, why);
    delivery_free(delivery);
    return error;
}

int unacked_answered(struct unacked *unacked, struct broker *broker, struct delivery *delivery,
                     enum answer answer, int64_t now_ns, struct why *why)
{
    if (answer == ANSWER_PUBLISHED)
        return unacked_published(unacked, delivery, why);
    scoreboard_forgive(unacked->scoreboard, delivery->fingerprint);
    return answer == ANSWER_NOWHERE && !unacked->window.count
               ? settle(unacked, broker, delivery, now_ns, why)
               : settle_alone(unacked, broker, delivery, answer == ANSWER_REJECT, why);
}

/* Takes what is settled out of the window. */
static int gather(struct unacked *unacked, struct broker *broker, int64_t now_ns, struct why *why)
{
    struct delivery *delivery;
    int error = 0;

    unacked->news = false;
    while (!error && (delivery = window_settled(&unacked->window)))
        error = settle(unacked, broker, delivery, now_ns, why);
    return error;
}

int unacked_acknowledge(struct unacked *unacked, struct broker *broker, bool hurry, int64_t now_ns,
                        int64_t *until_ns, struct why *why)
{
    int error = unacked->news ? gather(unacked, broker, now_ns, why) : 0;

    *until_ns = CLOCK_NEVER;
    if (error || !unacked->settled)
        return error;
    int64_t due_ns = unacked->settled_since_ns + DELAY_NS;
    if (!hurry && unacked->settled < BATCH_MSGS && now_ns < due_ns) {
        *until_ns = due_ns;
        return 0;
    }
    unacked->count -= unacked->settled;
    unacked->settled = 0;
    tell(unacked);
    return broker_ack(broker, unacked->settled_tag, true, why);
}

void unacked_forget(struct unacked *unacked)
{
    window_clear(&unacked->window);
    unacked_init(unacked, unacked->scoreboard, unacked->slot);
    tell(unacked);
}
