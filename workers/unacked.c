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

void unacked_add(struct unacked *unacked)
{
    unacked->count++;
    tell(unacked);
}

int unacked_published(struct unacked *unacked, uint64_t delivery_tag,
                      struct scoreboard_fingerprint event, struct why *why)
{
    return window_add(&unacked->window, delivery_tag, event)
               ? error_set(why, ERR_MEMORY, "out of memory")
               : 0;
}

bool unacked_is_quiet(const struct unacked *unacked)
{
    return !unacked->window.count && !unacked->settled;
}

/* What the broker has taken is nobody's failure any more. */
static void forgive(struct unacked *unacked, const struct broker_event *event)
{
    const struct window_entry *entry;

    for (uint64_t each = event->multiple ? 0 : event->tag;
         (entry = window_next_unsettled(&unacked->window, &each)) && each <= event->tag; each++)
        if (entry->event.low)
            scoreboard_forgive(unacked->scoreboard, entry->event);
}

void unacked_confirmed(struct unacked *unacked, const struct broker_event *event)
{
    forgive(unacked, event);
    window_confirm(&unacked->window, event->tag, event->multiple);
    unacked->news = true;
}

int unacked_refused(struct unacked *unacked, struct broker *broker,
                    const struct broker_event *event, struct why *why)
{
    uint64_t oldest = window_oldest(&unacked->window);
    uint64_t first = event->multiple && oldest ? oldest : event->tag;

    unacked->news = true;
    for (uint64_t each = first; each <= event->tag; each++) {
        uint64_t tag = window_refuse(&unacked->window, each);
        int error = 0; /* when it is one that the broker has confirmed before */
        if (tag)
            error = unacked_give_back(unacked, broker, tag, why);
        else if (unacked->window.holds)
            error = error_set(why, ERR_UNAVAILABLE, "the broker could not take a dead message");
        if (error)
            return error;
    }
    return 0;
}

int unacked_give_back(struct unacked *unacked, struct broker *broker, uint64_t delivery_tag,
                      struct why *why)
{
    unacked->count--;
    tell(unacked);
    return broker_requeue(broker, delivery_tag, false, why);
}

static int acknowledge(struct unacked *unacked, struct broker *broker, size_t events, uint64_t tag,
                       bool multiple, struct why *why)
{
    unacked->count -= events;
    tell(unacked);
    return broker_ack(broker, tag, multiple, why);
}

/* Takes what is settled out of the window. What comes after an event that was set aside is
 * acknowledged at once and alone. */
static int gather(struct unacked *unacked, struct broker *broker, uint64_t before_tag,
                  int64_t now_ns, struct why *why)
{
    size_t events;
    uint64_t tag;
    int error = 0;

    unacked->news = false;
    while (!error && (events = window_settled(&unacked->window, before_tag, &tag))) {
        if (tag > before_tag) {
            error = acknowledge(unacked, broker, events, tag, false, why);
            continue;
        }
        if (!unacked->settled)
            unacked->settled_since_ns = now_ns;
        unacked->settled += events;
        unacked->settled_tag = tag;
    }
    return error;
}

int unacked_acknowledge(struct unacked *unacked, struct broker *broker, uint64_t before_tag,
                        bool hurry, int64_t now_ns, int64_t *until_ns, struct why *why)
{
    int error = unacked->news ? gather(unacked, broker, before_tag, now_ns, why) : 0;

    *until_ns = CLOCK_NEVER;
    if (error || !unacked->settled)
        return error;
    int64_t due_ns = unacked->settled_since_ns + DELAY_NS;
    if (!hurry && unacked->settled < BATCH_MSGS && now_ns < due_ns) {
        *until_ns = due_ns;
        return 0;
    }
    size_t events = unacked->settled;
    unacked->settled = 0;
    return acknowledge(unacked, broker, events, unacked->settled_tag, true, why);
}

void unacked_forget(struct unacked *unacked)
{
    window_clear(&unacked->window);
    unacked->count = unacked->settled = 0;
    unacked->news = false;
    tell(unacked);
}
