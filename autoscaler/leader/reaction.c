#include "reaction.h"

#include <math.h>

enum reaction_act reaction_step(struct reaction *reaction, bool ticking, bool answered,
                                int64_t now_ns)
{
    if (!reaction->every_ns)
        return REACTION_NOTHING;
    if (ticking) {
        reaction->asking = false;
        return REACTION_NOTHING;
    }
    if (reaction->asking && answered) {
        reaction->asking = false;
        return REACTION_DECIDE;
    }
    if (now_ns < reaction->due_ns)
        return REACTION_NOTHING;
    reaction->asking = true;
    reaction->due_ns = now_ns + reaction->every_ns;
    return REACTION_ASK;
}

int64_t reaction_due_ns(const struct reaction *reaction, bool ticking)
{
    return reaction->every_ns && !ticking ? reaction->due_ns : INT64_MAX;
}

double reaction_arrival_per_s(double last_per_s, double arrived_msgs, double interval_s)
{
    return arrived_msgs > 0 ? fmax(last_per_s, arrived_msgs / interval_s) : last_per_s;
}
