#include "total.h"

void total_set(struct total *total, uint32_t workers)
{
    total->workers = workers;
    total->outdated = true;
}

void total_join(struct total *total, struct total_place *place)
{
    *place = (struct total_place){.total = total};
    total->places[total->count++] = place;
    total->outdated = true;
}

void total_leave(struct total_place *place)
{
    struct total *total = place->total;

    for (size_t i = 0; total && i < total->count; i++)
        if (total->places[i] == place) {
            total->count--;
            for (; i < total->count; i++)
                total->places[i] = total->places[i + 1];
            total->outdated = true;
        }
    place->total = NULL;
}

static uint32_t least_of(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Every farm has its least, and more by how much it wants. */
static void share(struct total *total)
{
    struct sharing_taker takers[TOTAL_MOST_PLACES];

    for (size_t i = 0; i < total->count; i++) {
        const struct total_place *place = total->places[i];
        uint32_t most = place->wanted > place->least ? place->wanted : place->least;
        takers[i] =
            (struct sharing_taker){.least = place->least, .most = most, .weight = place->wanted};
    }
    sharing_divide(total->workers, takers, total->count);
    for (size_t i = 0; i < total->count; i++)
        total->places[i]->share = takers[i].share;
    total->outdated = false;
}

/* What a farm takes of the total: what it has, will have, or may start with. */
static uint64_t taken(const struct total_place *place)
{
    uint32_t workers = place->target > place->working ? place->target : place->working;
    uint32_t least = least_of(place->least, place->share);

    return (uint64_t)(workers > least ? workers : least) + place->draining;
}

/* Its share, but for what is not free yet. Workers of its own that drain keep it from rising, and
 * do not make it fall: it would fall further with each that it loses so. */
static uint32_t allowed(struct total_place *place)
{
    struct total *total = place->total;
    uint64_t others = place->draining;

    if (!total->workers)
        return UINT32_MAX;
    if (total->outdated)
        share(total);
    for (size_t i = 0; i < total->count; i++)
        others += total->places[i] == place ? 0 : taken(total->places[i]);
    if (place->share <= place->target)
        return place->share;
    uint32_t free = others < total->workers ? total->workers - (uint32_t)others : 0;
    uint32_t rising = least_of(place->share, free);
    return rising > place->target ? rising : place->target;
}

uint32_t total_allow(struct total_place *place, uint32_t least, uint32_t wanted)
{
    place->total->outdated |= place->least != least || place->wanted != wanted;
    place->least = least;
    place->wanted = wanted;
    place->allowed = allowed(place);
    return place->allowed;
}

void total_hold(struct total_place *place, uint32_t target, const struct worker_counts *counts)
{
    place->target = target;
    place->working = counts->starting + counts->running;
    place->draining = counts->draining;
}

void total_end(struct total_place *place)
{
    total_allow(place, 0, 0);
    place->target = 0;
}

bool total_is_due(struct total_place *place)
{
    uint32_t now = allowed(place);

    return now != place->allowed &&
           (now < place->target || (now > place->allowed && place->wanted > place->target));
}
