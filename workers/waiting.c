#include "waiting.h"

#include "clock.h"

#define FIRST_PAUSE_NS   (50 * CLOCK_NS_PER_MS)
#define LONGEST_PAUSE_NS (5 * CLOCK_NS_PER_S)

static int64_t pause_ns(uint32_t refusals)
{
    int64_t pause = FIRST_PAUSE_NS;

    while (refusals-- > 1 && pause < LONGEST_PAUSE_NS)
        pause *= 2;
    return pause < LONGEST_PAUSE_NS ? pause : LONGEST_PAUSE_NS;
}

void waiting_put(struct waiting *waiting, struct delivery *delivery, int64_t now_ns)
{
    if (!delivery->since_ns)
        delivery->since_ns = now_ns;
    delivery->due_ns = now_ns + pause_ns(++delivery->refusals);
    delivery->next = waiting->first;
    waiting->first = delivery;
    waiting->count++;
}

/* Takes out what the link points to. */
static struct delivery *take(struct waiting *waiting, struct delivery **link)
{
    struct delivery *taken = *link;

    if (taken) {
        *link = taken->next;
        waiting->count--;
    }
    return taken;
}

/* The link to the event that is due first. */
static struct delivery **next_due(struct waiting *waiting)
{
    struct delivery **found = &waiting->first;

    for (struct delivery **link = found; *link; link = &(*link)->next)
        if ((*link)->due_ns < (*found)->due_ns)
            found = link;
    return found;
}

struct delivery *waiting_take_due(struct waiting *waiting, int64_t at_ns)
{
    struct delivery **link = next_due(waiting);

    return *link && (*link)->due_ns <= at_ns ? take(waiting, link) : NULL;
}

struct delivery *waiting_take_oldest(struct waiting *waiting)
{
    struct delivery **found = &waiting->first;

    for (struct delivery **link = found; *link; link = &(*link)->next)
        if ((*link)->tag < (*found)->tag)
            found = link;
    return take(waiting, found);
}

bool waiting_hasten(struct waiting *waiting, int64_t now_ns)
{
    struct delivery *found = NULL;

    for (struct delivery *each = waiting->first; each; each = each->next)
        if (each->due_ns > now_ns && (!found || each->due_ns < found->due_ns))
            found = each;
    if (!found)
        return false;
    found->refusals = 0;
    found->due_ns = now_ns;
    return true;
}

int64_t waiting_due_ns(const struct waiting *waiting)
{
    int64_t due_ns = CLOCK_NEVER;

    for (const struct delivery *each = waiting->first; each; each = each->next)
        if (each->due_ns < due_ns)
            due_ns = each->due_ns;
    return due_ns;
}

void waiting_clear(struct waiting *waiting)
{
    struct delivery *delivery;

    while ((delivery = take(waiting, &waiting->first)))
        delivery_free(delivery);
}
