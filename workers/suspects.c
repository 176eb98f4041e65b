#include "suspects.h"

#include <stdio.h>

static struct suspects_verdict count(struct scoreboard *scoreboard,
                                     struct scoreboard_fingerprint event, int64_t began_ns,
                                     int64_t now_ns, const char *what, const struct why *why)
{
    char reason[sizeof why->text + 100];

    snprintf(reason, sizeof reason, "%s: %s", what, why->text);
    scoreboard_set_reason(scoreboard, event, reason);
    uint32_t attempts = scoreboard_count_attempt(scoreboard, event, began_ns, now_ns);
    return (struct suspects_verdict){.event = event, .attempts = attempts};
}

/* The event that was answered alone, or all that were answered and not confirmed. */
static struct suspects_verdict judge_answers(struct scoreboard *scoreboard,
                                             const struct unacked *unacked,
                                             const struct handling *handling, int64_t now_ns,
                                             const struct why *why)
{
    struct suspects_verdict verdict = {0};
    const struct delivery *delivery, *last = NULL;

    for (uint64_t each = 0; (delivery = window_pending(&unacked->window, &each)); each++) {
        last = delivery;
        verdict.suspects++;
        scoreboard_suspect(scoreboard, delivery->fingerprint);
    }
    return verdict.suspects == 1 && handling->alone
               ? count(scoreboard, last->fingerprint, handling->alone_since_ns, now_ns,
                       "its answer cost its worker the connection", why)
               : verdict;
}

/* The event at hand took too long, unless others were held before it. */
static struct suspects_verdict judge_event_at_hand(struct scoreboard *scoreboard,
                                                   const struct unacked *unacked,
                                                   const struct handling *handling, int64_t now_ns,
                                                   const struct why *why)
{
    bool oldest = handling_is_wanted(handling) && handling->started_ns && !unacked->window.count;

    return oldest ? count(scoreboard, handling->delivery->fingerprint, handling->started_ns, now_ns,
                          "it was not done within the broker's time-out", why)
                  : (struct suspects_verdict){0};
}

struct suspects_verdict suspects_judge(struct scoreboard *scoreboard, const struct unacked *unacked,
                                       const struct handling *handling, enum broker_end end,
                                       int64_t now_ns, const struct why *why)
{
    switch (end) {
    case BROKER_END_REFUSED:
    case BROKER_END_DROPPED:
        return judge_answers(scoreboard, unacked, handling, now_ns, why);
    case BROKER_END_LATE:
        return judge_event_at_hand(scoreboard, unacked, handling, now_ns, why);
    default:
        return (struct suspects_verdict){0};
    }
}
