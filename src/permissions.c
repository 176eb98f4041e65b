#include "permissions.h"

#include <stdio.h>

/* Longer lists are cut: the broker's own words come after them. */
#define TEXT_SIZE 360

static void explain_autoscaler(const struct topology *topology, char text[TEXT_SIZE])
{
    int length =
        snprintf(text, TEXT_SIZE,
                 "for the queue '%s' an autoscaler's user needs configure on '%s' and "
                 "'%s', write on '%s', read on '%s'",
                 topology->work, topology->lock, topology->count, topology->count, topology->count);

    for (size_t i = 0; i < topology->source_count && length < TEXT_SIZE; i++)
        length += snprintf(text + length, (size_t)(TEXT_SIZE - length), " and '%s'",
                           topology->sources[i].exchange);
    if (length < TEXT_SIZE)
        snprintf(text + length, (size_t)(TEXT_SIZE - length),
                 ", and all three on '%s' to be asked and told", topology->control);
}

static void explain_worker(const struct topology *topology, char text[TEXT_SIZE])
{
    int length = snprintf(text, TEXT_SIZE,
                          "for the queue '%s' a worker's user needs read on it, and write on "
                          "'amq.default' if there are results",
                          topology->work);

    if (!topology->rejects_dead && length < TEXT_SIZE)
        snprintf(text + length, (size_t)(TEXT_SIZE - length),
                 "; configure, write and read on '%s' for what is dead", topology->dead);
}

void permissions_explain(const struct topology *topology, enum permissions_of who, struct why *why)
{
    char text[TEXT_SIZE];

    if (!topology->foreign || why->about == ABOUT_LIMIT)
        return;
    if (who == PERMISSIONS_AUTOSCALER)
        explain_autoscaler(topology, text);
    else
        explain_worker(topology, text);
    error_prefix(why, "%s", text);
}
