#include "turn.h"

#include <string.h>

/* A time that lies further ahead than any of this clock can is past. */
static int64_t believed(int64_t time_ns, int64_t now_ns, int64_t most_ahead_ns)
{
    return time_ns - now_ns > most_ahead_ns ? now_ns : time_ns;
}

bool turn_is_of(const struct store_turn *turn, const char *self)
{
    return strcmp(turn->holder, self) == 0;
}

bool turn_claim(const struct store_state *state, const char *self, int64_t every_ns,
                struct store_turn *claim, int64_t *wait_ns)
{
    int64_t now_ns = state->now_ns;
    int64_t due_ns = believed(state->turn.due_ns, now_ns, every_ns);
    int64_t free_ns = believed(state->turn.free_ns, now_ns, every_ns + TURN_GRACE_NS);
    bool is_own = turn_is_of(&state->turn, self);
    int64_t from_ns = is_own || free_ns < due_ns ? due_ns : free_ns;

    *wait_ns = INT64_MAX;
    if (!state->on)
        return false;
    if (now_ns < from_ns) {
        *wait_ns = from_ns - now_ns;
        return false;
    }
    *claim = (struct store_turn){.due_ns = now_ns - due_ns < every_ns / 3 ? due_ns : now_ns,
                                 .free_ns = now_ns + TURN_GRACE_NS};
    strncpy(claim->holder, self, sizeof claim->holder - 1);
    return true;
}

struct store_turn turn_sent(const struct store_turn *claim, int64_t every_ns)
{
    struct store_turn next = *claim;

    next.due_ns += every_ns;
    next.free_ns = next.due_ns + TURN_GRACE_NS;
    return next;
}

struct store_turn turn_give_up(const struct store_turn *turn)
{
    return (struct store_turn){.due_ns = turn->due_ns, .free_ns = turn->due_ns};
}
